#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tools on a decision point of user space, as on any proxy: from no model to the best
# policy, which is known, found from what a daemon decided; the agent takes a daemon's point
# up, and goes on when the daemon is killed and comes back. And the examples of
# docs/daemon-howto.md, in C and in Python.
#
# guest-test: timeout=600 modules=mlproxy skip-debug=training-is-too-slow-there only-kernel=request
#
# Needs XGBoost and python3.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
mlproxyd=${MLPROXYD:-$BUILDDIR/userspace/bin/mlproxyd}
export LD_LIBRARY_PATH=$BUILDDIR/userspace/lib
tmp=$(mktemp -d)
P=$SYSFS/user-synthd
decisions=${LEARN_DECISIONS:-3000}

finish()
{
	local pid

	for pid in "$tmp"/*.pid; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2> /dev/null
	done
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# start_daemon [INSTANCE]: its input and output are those of this script's files 8 and 9
start_daemon()
{
	rm -f "$tmp/in" "$tmp/out"
	mkfifo "$tmp/in" "$tmp/out"
	"$GUESTBIN/point_synth" synthd "$@" < "$tmp/in" > "$tmp/out" 2> "$tmp/daemon.err" &
	echo $! > "$tmp/daemon.pid"
	exec 8> "$tmp/in" 9< "$tmp/out"
}

# The daemon makes N decisions. Prints how many percent of them are the best.
run()
{
	local percent

	echo "$1" >&8
	read -r -u 9 percent || { cat "$tmp/daemon.err" >&2; return 1; }
	echo "$percent"
}

# says REGEX FILE
says()
{
	grep -Eq -e "$1" "$2" || { head -n 60 "$2"; echo "expected: $1"; exit 1; }
}

shows()
{
	set -e
	run 10 > /dev/null
	"$mlproxy" list > "$tmp/list"
	says 'user-synthd +.*running' "$tmp/list"
	"$mlproxy" schema user-synthd > "$tmp/schema"
	says 'load' "$tmp/schema"
	says 'runs' "$tmp/schema"
	"$mlproxy" stats user-synthd > "$tmp/stats"
	"$mlproxy" snapshot user-synthd > "$tmp/snapshot"
	says 'good' "$tmp/snapshot"
	"$mlproxy" top --batch -n 1 > "$tmp/top"
	says 'user-synthd' "$tmp/top"
	expect decisions "$(cat $P/decisions)" 10
	"$mlproxy" efficiency user-synthd > "$tmp/efficiency"
}

records()
{
	local recorder

	set -e
	"$mlproxy" mode user-synthd learning
	"$mlproxy" param user-synthd share.learning 0
	"$mlproxy" param user-synthd explore.learning 100%
	"$mlproxy" -j record user-synthd -o "$tmp/data.h5" -r 8M > "$tmp/summary" 2> "$tmp/err" &
	recorder=$!
	echo $recorder > "$tmp/recorder.pid"
	wait_handler $recorder || { cat "$tmp/err"; exit 1; }
	echo "without a model: $(run "$decisions") % of the decisions are the best"
	kill -INT $recorder
	wait $recorder || { cat "$tmp/err"; exit 1; }
	says "\"decisions\": $decisions" "$tmp/summary"
	says "\"feedbacks\": $decisions" "$tmp/summary"
	says '"lost": 0' "$tmp/summary"
}

learns()
{
	local percent

	set -e
	"$mlproxy" train "$tmp/data.h5" --model tree -o "$tmp/t.float" -q "$tmp/t.mlp" \
		> "$tmp/report" 2> "$tmp/err" || { cat "$tmp/err"; exit 1; }
	expect "models that are better" "$(grep -c '^model (.*better than' "$tmp/report")" 2
	"$mlproxy" load user-synthd "$tmp/t.mlp" --activate
	"$mlproxy" param user-synthd explore.learning 0
	"$mlproxy" param user-synthd share.learning 100%
	percent=$(run 1000)
	echo "with the model: $percent % of the decisions are the best"
	[ "$percent" -ge 95 ]
}

# The kernel finds out that the policy is better, and recommends it.
is_promoted()
{
	local i

	set -e
	"$mlproxy" param user-synthd share.learning 1/2
	"$mlproxy" mode user-synthd auto
	for ((i = 0; i < 100; i++)); do
		[ "$(cat $P/mode)" != recommendation ] || return 0
		run 500 > /dev/null
	done
	"$mlproxy" efficiency user-synthd
	return 1
}

# until_log REGEX TIMES
until_log()
{
	local i

	for ((i = 0; i < 300; i++)); do
		[ "$(grep -Ec "$1" "$tmp/log")" -lt "$2" ] || return 0
		sleep 0.1
	done
	tail -n 30 "$tmp/log"
	echo "the agent does not say $2 times: $1"
	return 1
}

# A daemon that is killed takes its point with it; the agent waits for the next one.
agent_waits()
{
	set -e
	cat > "$tmp/conf" <<CONF
[mlproxyd]
state_dir = $tmp/state
[proxy user-synthd]
model = tree
CONF
	"$mlproxyd" -f -v -c "$tmp/conf" > "$tmp/log" 2>&1 &
	echo $! > "$tmp/agent.pid"
	until_log 'user-synthd: learning' 1
	kill -9 "$(cat "$tmp/daemon.pid")"
	until_log 'user-synthd: .*the proxy is lost' 1
	[ ! -e $P ]
}

comes_back()
{
	set -e
	start_daemon a
	run 10 > /dev/null
	until_log 'user-synthd: learning' 2
	"$mlproxy" list > "$tmp/list"
	says 'user-synthd:a +.*running' "$tmp/list"
	"$mlproxy" stop user-synthd
	expect "state of the instance" "$(cat "$SYSFS/user-synthd:a/state")" stopped
	kill "$(cat "$tmp/agent.pid")"
	exec 8>&-
}

example_in_c()
{
	local copyd=$BUILDDIR/examples/copyd/copyd

	set -e
	head -c 3000000 /dev/urandom > "$tmp/from"
	"$copyd" "$tmp/from" "$tmp/to" 3 > "$tmp/said" &
	wait $!
	cmp "$tmp/from" "$tmp/to"
	says 'copyd: the proxy runs' "$tmp/said"
	! "$copyd" "$tmp/none" "$tmp/to" 1
}

example_in_python()
{
	set -e
	python3 -B "$TOP/examples/copyd/guess.py" 200 > "$tmp/said"
	cat "$tmp/said"
	says '^right: [0-9]+' "$tmp/said"
}

start_daemon
ktap_plan 8
ktap_test "list, schema, stats, snapshot, top and efficiency show it" shows
ktap_test "record" records
ktap_test "train, load: the known best action in 95 % of contexts" learns
ktap_test "the policy is recommended" is_promoted
ktap_test "the agent waits for a daemon that was killed" agent_waits
ktap_test "a daemon comes back, with an instance" comes_back
ktap_test "the example in C" example_in_c
ktap_test "the example in Python" example_in_python
ktap_end
