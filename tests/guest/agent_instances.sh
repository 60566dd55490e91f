#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent and a proxy with instances: it learns from all of them, for all of them. A
# version that does harm in one is left out there, by the kernel, and stays elsewhere.
#
# guest-test: timeout=600 modules=none skip-debug=training-is-too-slow-there only-kernel=6.1

. "$(dirname "$0")/ktap.sh"

mlproxyd=$BUILDDIR/userspace/bin/mlproxyd
synth=/sys/module/mlproxy_synth/parameters
tmp=$(mktemp -d)
log=$tmp/log
status_file=$tmp/state/synth.status.json

finish()
{
	[ ! -e "$tmp/pid" ] || kill -9 "$(cat "$tmp/pid")" 2> /dev/null
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

cat > "$tmp/conf" <<CONF
[mlproxyd]
state_dir = $tmp/state
status_period = 300ms
[proxy *]
start = yes
model = tree
explore.learning = 1/4
min_rows = 1500
recent_rows = 6000
refit_rows = 1000000
refit_period = 1h
drift_threshold = 1000000
CONF

number()
{
	sed -n "s/^ *\"$1\": \(-\{0,1\}[0-9]*\).*\$/\1/p" "$status_file" 2> /dev/null | head -n1
}

mode_is()
{
	[ "$(cat "$SYSFS/$1/mode")" = "$2" ]
}

has_model()
{
	[ "$(number model_version)" -gt 0 ]
} 2> /dev/null

# until_true STEP COMMAND...: let decisions be made, STEP at a time, until it is true
until_true()
{
	local step=$1 i

	shift
	for ((i = 0; i < 400; i++)); do
		"$@" && return
		[ "$step" -eq 0 ] || echo "$step" > $synth/run
		sleep 0.1
	done
	echo "did not come true: $*"
	tail -n 30 "$log"
	return 1
}

learns()
{
	set -e
	"$mlproxyd" --setup -c "$tmp/conf"
	"$mlproxyd" -f -v -c "$tmp/conf" >> "$log" 2>&1 &
	echo $! > "$tmp/pid"
	until_true 0 test -e "$status_file"
	until_true 200 has_model
	# one agent, for all
	expect "learners" "$(find "$tmp/state" -name '*.status.json' | wc -l)" 1
	until_true 500 mode_is synth:a recommendation
	until_true 500 mode_is synth:b recommendation
}

harm_in_one()
{
	local version

	set -e
	version=$(number model_version)
	echo b > $synth/affected
	echo 2000 > $synth/penalty
	until_true 500 eval '! mode_is synth:b recommendation'
	until_true 0 grep -q 'mode of instance 2: recommendation' "$log"
	echo 5000 > $synth/run
	sleep 1
	mode_is synth:a recommendation
	expect "rollbacks" "$(number rollbacks)" 0
	expect "kernel's version" "$(cat "$SYSFS/synth/active_version")" "$version"
	expect_fail grep 'the world changed' "$log"
}

# That an instance comes is no re-initialisation of all.
comes()
{
	set -e
	echo c > $synth/add
	until_true 500 mode_is synth:c recommendation
	expect_fail grep 're-initialised' "$log"
	kill -0 "$(cat "$tmp/pid")"
}

mod_load mlproxy || exit 1
mod_load mlproxy_synth instances=a,b || exit 1
ktap_test learns learns
ktap_test harm_in_one harm_in_one
ktap_test comes comes
ktap_end
