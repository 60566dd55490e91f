#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole loop on the synthetic subsystem, starting from no model: explore and
# record, train, test off-policy, quantise, load, activate; the best policy is
# known, and at least 95 % of the decisions must follow it then. And: a recorder
# or trainer that is killed or stopped blocks nothing, and every record is either
# in the data set or counted as lost.
#
# guest-test: timeout=600 modules=mlproxy_synth skip-debug=libtorch-is-too-slow-there only-kernel=6.1
#
# Needs libtorch, XGBoost, python3 and h5py.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
synth=/sys/module/mlproxy_synth/parameters
tmp=$(mktemp -d)
decisions=${LEARN_DECISIONS:-8000}

finish()
{
	[ ! -e "$tmp/pid" ] || kill -9 "$(cat "$tmp/pid")" 2> /dev/null
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# field FILE NAME: a number out of JSON, one value a line; no python, whose start
# takes a guest seconds
field()
{
	sed -n "s/^ *\"$2\": \([0-9]*\),*\$/\1/p" "$1"
}

# Start a recorder in the background; its rings are there when this returns.
start_recorder()
{
	local file=$1

	shift
	rm -f "$file"
	"$mlproxy" -j record synth -o "$file" "$@" > "$tmp/summary" 2> "$tmp/err" &
	recorder=$!
	echo $recorder > "$tmp/pid"
	wait_handler $recorder && return
	cat "$tmp/err"
	return 1
}

# The recorder ends by itself after SIGINT, with all that was in the rings.
end_recorder()
{
	kill -INT "$recorder"
	wait "$recorder" || { cat "$tmp/err"; return 1; }
	cat "$tmp/summary"
}

explores()
{
	set -e
	mod_load mlproxy_synth
	"$mlproxy" start synth
	"$mlproxy" mode synth learning
	"$mlproxy" param synth share.learning 0
	"$mlproxy" param synth explore.learning 100%
	echo 1000 > $synth/run
	expect "drawn at random while nobody reads" "$(cat $SYSFS/synth/decisions_explore)" 0
	start_recorder "$tmp/explored.h5"
	echo 1000 > $synth/run
	end_recorder
	expect "drawn at random while somebody does" "$(cat $SYSFS/synth/decisions_explore)" 1000
	echo "without a model: $(cat $synth/best_percent) % of the decisions are the best"
	[ "$(cat $synth/best_percent)" -lt 50 ]
	echo 1000 > $synth/run
	expect "and afterwards" "$(cat $SYSFS/synth/decisions_explore)" 1000
}

records()
{
	set -e
	start_recorder "$tmp/data.h5" -r 16M
	echo "$decisions" > $synth/run
	end_recorder
	expect decisions "$(field "$tmp/summary" decisions)" "$decisions"
	expect outcomes "$(field "$tmp/summary" feedbacks)" "$decisions"
	expect lost "$(field "$tmp/summary" lost)" 0
}

# Of both forms of the model: better than the baseline, by an interval.
is_better()
{
	expect "models that are better" "$(grep -c '^model (.*better than' "$1")" "$2"
}

trains()
{
	set -e
	"$mlproxy" train "$tmp/data.h5" -o "$tmp/m.float" --restarts 1 --epochs 40 \
		> "$tmp/report" 2> "$tmp/err" || { cat "$tmp/err"; exit 1; }
	cat "$tmp/report"
	is_better "$tmp/report" 2
}

quantises()
{
	set -e
	"$mlproxy" quantize "$tmp/m.float" -o "$tmp/m.mlp" -c "$tmp/data.h5"
	"$mlproxy" test "$tmp/m.mlp" "$tmp/data.h5" -x "$tmp/m.float" > "$tmp/report"
	is_better "$tmp/report" 1
}

applies()
{
	local percent

	set -e
	"$mlproxy" load synth "$tmp/m.mlp" --activate
	"$mlproxy" param synth explore.learning 0
	"$mlproxy" param synth share.learning 100%
	echo 20000 > $synth/run
	percent=$(cat $synth/best_percent)
	echo "with the model: $percent % of the decisions are the best"
	[ "$percent" -ge 95 ]
}

# The same by trees, without libtorch: a tree from the log, to the kernel.
tree_applies()
{
	local percent

	set -e
	"$mlproxy" unload synth
	"$mlproxy" train "$tmp/data.h5" --model tree -o "$tmp/t.float" -q "$tmp/t.mlp" \
		> "$tmp/report" 2> "$tmp/err" || { cat "$tmp/err"; exit 1; }
	cat "$tmp/report"
	is_better "$tmp/report" 2
	"$mlproxy" load synth "$tmp/t.mlp" --activate
	echo 20000 > $synth/run
	percent=$(cat $synth/best_percent)
	echo "with the tree: $percent % of the decisions are the best"
	[ "$percent" -ge 95 ]
}

# has_rows FILE: has a recorder that lives written out some
has_rows()
{
	HDF5_USE_FILE_LOCKING=FALSE /usr/bin/python3 -c 'import h5py, sys
sys.exit(not len(h5py.File(sys.argv[1], "r")["decisions"]))' "$1" 2> /dev/null
}

# A recorder dies in the middle of the stream; decisions go on. Another run goes
# behind what it left.
recorder_killed()
{
	local i run

	set -e
	start_recorder "$tmp/killed.h5"
	for ((i = 0; i < 20; i++)); do
		echo 1000 > $synth/run
		has_rows "$tmp/killed.h5" && break
	done
	echo 1000 > $synth/run
	kill -9 "$recorder"
	wait "$recorder" || :
	echo 1000 > $synth/run
	"$mlproxy" record synth -o "$tmp/killed.h5" -a -n 100 &
	run=$!
	for ((i = 0; i < 1000; i++)); do
		kill -0 $run 2> /dev/null || break
		echo 50 > $synth/run
		sleep 0.1
	done
	wait $run
}

# A recorder stands still while its small ring overflows.
recorder_stopped()
{
	local n=20000 sum

	set -e
	start_recorder "$tmp/stopped.h5" -r 64K --types decision,feedback
	kill -STOP "$recorder"
	echo $n > $synth/run
	kill -CONT "$recorder"
	echo 100 > $synth/run
	end_recorder
	sum=$(($(field "$tmp/summary" records) + $(field "$tmp/summary" lost)))
	expect "delivered and lost" $sum $((2 * (n + 100)))
	[ "$(field "$tmp/summary" lost)" -gt 0 ]
}

# What both left, as others read it: by h5py without options.
files_are_whole()
{
	/usr/bin/python3 -c '
import h5py, sys
f = h5py.File(sys.argv[1], "r")
d = f["decisions"][:]
print("killed:", len(d), "decisions in", len(f["runs"]), "runs")
assert len(f["runs"]) == 2
for run in (0, 1):
    ids = d["id"][d["run"] == run]
    assert len(ids) and len(ids) == len(set(ids)), run
f = h5py.File(sys.argv[2], "r")
rows = len(f["decisions"]) + len(f["feedback"])
lost = int(f["lost"]["count"].sum())
print("stopped:", rows, "rows,", lost, "lost in", len(f["lost"]), "gaps")
assert rows + lost == 40200' "$tmp/killed.h5" "$tmp/stopped.h5"
}

# A trainer is stopped, then dies: decisions go on, and no half a model is left.
trainer_killed()
{
	local trainer i

	set -e
	"$mlproxy" -v train "$tmp/data.h5" -o "$tmp/none.float" --epochs 10000 \
		--patience 10000 2> "$tmp/progress" &
	trainer=$!
	for ((i = 0; i < 600; i++)); do
		grep -qs epoch "$tmp/progress" && break
		sleep 0.1
	done
	kill -STOP $trainer
	echo 2000 > $synth/run
	kill -9 $trainer
	wait $trainer || :
	echo 2000 > $synth/run
	[ "$(cat $synth/best_percent)" -ge 95 ]
	[ -z "$(find "$tmp" -name 'none*')" ]
}

ktap_plan 10
ktap_test "explore without a model" explores
ktap_test "record" records
ktap_test "train, and test off-policy" trains
ktap_test "quantise, and test again" quantises
ktap_test "the loaded model takes the known best action in 95 % of contexts" applies
ktap_test "a tree takes the known best action in 95 % of contexts" tree_applies
ktap_test "a recorder is killed" recorder_killed
ktap_test "a recorder is stopped: all records are accounted for" recorder_stopped
ktap_test "h5py reads what they left" files_are_whole
ktap_test "a trainer is stopped and killed" trainer_killed
ktap_end
