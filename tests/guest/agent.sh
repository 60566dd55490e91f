#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent that keeps learning, on the synthetic subsystem, with nobody else at
# work: it waits for the device and is alone; from no model to recommendation mode; the world changes, and it is learned
# again; the agent is killed, comes back and goes on from where it was; it is
# stopped, and goes on; it leaves. Another one learns a better version, and takes that
# back when it turns out worse. The kernel never waits for it: without it a proxy
# is in emergency mode, and back in learning when it is heard again.
#
# guest-test: timeout=900 modules=mlproxy_synth skip-debug=training-is-too-slow-there only-kernel=6.1
#
# Learns trees, since libtorch takes an emulated guest long to load.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
mlproxyd=${MLPROXYD:-$BUILDDIR/userspace/bin/mlproxyd}
synth=/sys/module/mlproxy_synth/parameters
P=$SYSFS/synth
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

# configure LINE...: with more about the proxy
configure()
{
	cat > "$tmp/conf" <<CONF
[mlproxyd]
state_dir = $tmp/state
status_period = 300ms
save_period = 1s
[proxy synth]
start = yes
heartbeat = 2s
model = tree
explore.learning = 1/4
explore.collaboration = 1/16
share.recommendation = 31/32
explore.recommendation = 1/64
CONF
	printf '%s\n' "$@" >> "$tmp/conf"
}

# number NAME: out of the status file; no python, whose start takes a guest seconds
number()
{
	sed -n "s/^ *\"$1\": \(-\{0,1\}[0-9]*\).*\$/\1/p" "$status_file" 2> /dev/null | head -n1
}

alarm()
{
	grep -q '"alarm": true' "$status_file"
}

# What the operator does, then the agent, which has no right to do it.
start_agent()
{
	"$mlproxyd" --setup -c "$tmp/conf" || exit 1
	"$mlproxyd" -f -v -c "$tmp/conf" >> "$log" 2>&1 &
	agent=$!
	echo $agent > "$tmp/pid"
}

running()
{
	kill -0 "$(cat "$tmp/pid")" 2> /dev/null && return
	echo "the agent is gone"
	return 1
}

# What the agent and the kernel say, when something did not come.
show()
{
	tail -n 30 "$log"
	"$mlproxy" show synth
	return 1
}

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
	show
}

has_model()
{
	[ "$(number swaps)" -ge "$1" ] && [ "$(number model_version)" -gt 0 ]
} 2> /dev/null

mode_is()
{
	[ "$(cat $P/mode)" = "$1" ]
}

# of the last run
mostly_best()
{
	[ "$(cat $synth/best_percent)" -ge 85 ]
}

# The first model of a new world is of few outcomes; the next ones are better.
is_good()
{
	until_true 500 mode_is recommendation
	until_true 500 mostly_best
	until_true 500 mode_is recommendation
	echo "$(cat $synth/best_percent) % of the decisions are the best"
}

# Without a device it says so and waits; a device, and later a proxy, are taken at once.
waits()
{
	set -e
	mod_unload_all
	start_agent
	until_true 0 grep -q 'cannot open /dev/mlproxy.*modprobe' "$log"
	mod_load mlproxy
	until_true 0 grep -q 'there is no proxy .synth' "$log"
	running
	mod_load mlproxy_synth
	until_true 0 grep -q 'synth: learning' "$log"
	# what the configuration says is not in force: that is for the operator
	until_true 0 grep -q 'explore.learning is 0.0625, not 0.25' "$log"
	until_true 0 grep -q 'it does not run, though' "$log"
	kill -TERM $agent && wait $agent
	: > "$log"
}

learns()
{
	set -e
	start_agent
	until_true 0 mode_is learning
	until_true 0 test -e "$status_file"
	until_true 100 has_model 1
	running
	# which kind of model it is, a tree here
	grep 'version .* (new trees, .* goes into use' "$log"
	# what was loaded is the best policy, whatever share of decisions it has
	expect "kernel's version" "$(cat $P/active_version)" "$(number model_version)"
}

# Neither with its state nor with another one.
alone()
{
	local status=0

	set -e
	"$mlproxyd" -f -c "$tmp/conf" 2> "$tmp/second" || status=$?
	expect "exit status" $status 6
	grep 'another mlproxyd' "$tmp/second"
	sed "s|$tmp/state|$tmp/state2|" "$tmp/conf" > "$tmp/conf2"
	status=0
	"$mlproxyd" -f -c "$tmp/conf2" 2> "$tmp/second" || status=$?
	expect "exit status" $status 6
	grep 'another mlproxyd learns for this proxy' "$tmp/second"
	running
	expect "experiment's version" "$(cat $P/active_version)" "$(number model_version)"
}

climbs()
{
	set -e
	is_good
	running
}

relearns()
{
	local swaps

	set -e
	swaps=$(number swaps)
	echo 1 > $synth/shift
	until_true 500 has_model $((swaps + 1))
	running
	grep 'the world changed' "$log"
	is_good
	until_true 0 eval '! alarm'
	[ "$(number regimes)" -ge 2 ]
}

# lost SIGNAL: the kernel notices that it does not hear the agent
lost()
{
	kill "-$1" "$(cat "$tmp/pid")"
	until_true 100 mode_is emergency
	"$mlproxy" show synth | grep 'reason agent lost'
	# and does without
	echo 20000 > $synth/run
	mode_is emergency
}

killed()
{
	local rows version

	set -e
	until_true 0 eval '[ "$(number rows)" -gt 0 ]'
	sleep 1.5
	rows=$(number rows)
	version=$(number version)
	lost KILL
	start_agent
	until_true 50 grep -q 'resumes with 6000 recent' "$log"
	until_true 50 grep -q "goes on with version $version" "$log"
	until_true 50 eval "[ \"\$(number pid)\" = $agent ] && [ \"\$(number rows)\" -ge $((rows / 2)) ]"
	is_good
}

stopped()
{
	set -e
	lost STOP
	kill -CONT "$(cat "$tmp/pid")"
	is_good
	running
}

# Nobody waits for an agent that took its leave.
leaves()
{
	local pid i

	set -e
	pid=$(cat "$tmp/pid")
	kill -TERM "$pid"
	for ((i = 0; i < 300; i++)); do
		kill -0 "$pid" 2> /dev/null || break
		sleep 0.1
	done
	expect_fail kill -0 "$pid"
	grep '"bound": false' "$status_file"
	sleep 2.5
	echo 2000 > $synth/run
	mode_is recommendation
	"$mlproxyd" --check-config -c "$tmp/conf"
	expect "saved rows" "$(find "$tmp/state/synth" -name replay.h5 | wc -l)" 1
	expect "half-done files" "$(find "$tmp/state" -name '*.tmp*' | wc -l)" 0
}

# The first version is a stump, so that a deeper one is better for sure. While that is
# on probation, all but the baseline's action get bad: nothing in the log could have
# told, and the watch for a changed world is off.
rolls_back()
{
	local second

	set -e
	: > "$log"
	rm -rf "$tmp/state"
	"$mlproxy" stop synth && "$mlproxy" reinit synth
	"$mlproxy" param synth share.learning 1/2
	configure "depth = 1" "min_rows = 1000" "refit_rows = 1000"
	start_agent
	until_true 0 mode_is learning
	until_true 200 has_model 1
	kill -TERM $agent && wait $agent
	configure "depth = 6" "min_rows = 1000" "refit_rows = 3000" "min_gain = 0" \
		"drift_threshold = 1000000"
	start_agent
	until_true 100 has_model 2
	running
	second=$(number version)
	echo 2000 > $synth/penalty
	until_true 100 eval '[ "$(number rollbacks)" -ge 1 ]'
	grep "version $second is rolled back to version" "$log"
	[ "$(number version)" -lt "$second" ]
	expect "kernel's version" "$(cat $P/active_version)" "$(number model_version)"
	running
}

ktap_plan 9
configure "recent_rows = 6000" "archive_rows = 2000" "min_rows = 1500" "refit_rows = 3000"
ktap_test "device and proxy may come later" waits
ktap_test "the agent learns a model from nothing" learns
ktap_test "a second agent is refused" alone
ktap_test "it climbs to recommendation mode" climbs
ktap_test "a changed world is learned again" relearns
ktap_test "killed: emergency; back: it goes on from where it was" killed
ktap_test "stopped: emergency; continued: recommendation again" stopped
ktap_test "it leaves, and nobody waits for it" leaves
ktap_test "a version that turns out worse on probation is rolled back" rolls_back
ktap_end
