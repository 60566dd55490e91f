# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The proxy under test: loading it, its models and modes, and runs under it. Sourced by
# guest.sh.

# the active model
loaded=
# decisions may be made
proxy_runs=

proxy_setup()
{
	insmod "$BENCH_MODULES/core/mlproxy.ko"
	insmod "$BENCH_MODULES/proxies/$BENCH_SUBJECT/mlproxy_$BENCH_SUBJECT.ko" \
		target="$BENCH_DISK"
	"$MLPROXY" param "$BENCH_SUBJECT" seed 1 > /dev/null
}

proxy_start()
{
	"$MLPROXY" start "$BENCH_SUBJECT" > /dev/null
	proxy_runs=1
}

proxy_stop()
{
	"$MLPROXY" stop "$BENCH_SUBJECT" > /dev/null
	proxy_runs=
}

# proxy_mode MODE: held in it; in recommendation mode all decisions are the model's, and nothing
# is held to the kernel's choice to compare with: the default's own runs are there for that
proxy_mode()
{
	"$MLPROXY" mode "$BENCH_SUBJECT" "$1" > /dev/null
	[ "$1" = recommendation ] || return 0
	"$MLPROXY" param "$BENCH_SUBJECT" share.recommendation 1 > /dev/null
	"$MLPROXY" param "$BENCH_SUBJECT" outer.recommendation 0 > /dev/null
}

# proxy_run ARGUMENT...: as bench_run; the proxy starts without knowledge of what a run
# before it did.
proxy_run()
{
	proxy_start
	bench_run "$@"
	proxy_stop
}

# proxy_fresh MODE: no memory of any experiment; no model.
proxy_fresh()
{
	"$MLPROXY" reinit "$BENCH_SUBJECT" > /dev/null
	proxy_mode "$1"
	loaded=
}

# parameter NAME VALUE: of the proxy's module
parameter()
{
	echo "$2" > "$BENCH_PARAMETERS/$1"
}

# use_model FILE: the active model; "" for none.
use_model()
{
	[ "$loaded" != "$1" ] || return 0
	if [ -n "$1" ]; then
		"$MLPROXY" load "$BENCH_SUBJECT" "$1" --activate > /dev/null
	else
		"$MLPROXY" unload "$BENCH_SUBJECT" > /dev/null
	fi
	loaded=$1
}

# proxy_outer_stance: what the outer experiment says of the next step, "-" if the proxy has none
proxy_outer_stance()
{
	"$MLPROXY" efficiency "$BENCH_SUBJECT" -j | awk '
		/"verdicts":/ { on = 1 }
		on && /"outer": *\{/ { outer = 1 }
		outer && /"stance":/ { gsub(/[",]/, ""); stance = $2; exit }
		END { print stance ? stance : "-" }'
}

# proxy_mode_now: the mode, and how often it changed.
proxy_mode_now()
{
	"$MLPROXY" show "$BENCH_SUBJECT" -j | awk '
		/"mode":/ { gsub(/[",]/, ""); mode = $2 }
		/"mode_changes":/ { gsub(/,/, ""); n = $2 }
		END { printf "%s,%d\n", mode, n }'
}
