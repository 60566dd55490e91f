#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mlproxy tool: each verb with good and bad input, its exit codes, messages,
# and -j output.
#
# guest-test: timeout=900 modules=none only-kernel=6.1
#
# Needs python3, to parse JSON and to make a model file without the project's own
# builder, and h5py for the data sets.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
tmp=$(mktemp -d)

finish()
{
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# first N FILE: its first lines
first()
{
	local lines

	mapfile -n "$1" lines < "$2"
	printf '%s' "${lines[@]}"
}

# exits CODE REGEX ARG...: mlproxy ARG... ends with CODE and says REGEX
exits()
{
	want=$1 regex=$2
	shift 2
	"$mlproxy" "$@" > "$tmp/out" 2>&1 < "${stdin:-/dev/null}"
	code=$?
	echo "mlproxy $*: exit code $code"
	first 20 "$tmp/out"
	[ $code -eq "$want" ] || { echo "expected exit code $want"; return 1; }
	grep -Eq -e "$regex" "$tmp/out" || { echo "expected: $regex"; return 1; }
}

# One Python for all checks, since starting it takes a guest a second: a request
# is a line CONDITION TAB JSON-FILE [TAB HDF5-FILE], the answer is "ok" or why not.
# The condition sees the JSON as d and the HDF5 file as f.
cat > "$tmp/checker.py" <<'PYTHON'
import json, sys
for line in sys.stdin:
    condition, *files = line.rstrip("\n").split("\t")
    try:
        d = json.load(open(files[0]))
        f = None
        if len(files) > 1:
            import h5py
            f = h5py.File(files[1], "r")
        good = eval(condition, {"d": d, "f": f})
        print("ok" if good else "not so: " + condition, flush=True)
    except Exception as e:
        print("%s: %r" % (condition, e), flush=True)
PYTHON
mkfifo "$tmp/request" "$tmp/answer"
# not a job of this shell, which the harness would wait for
(python3 "$tmp/checker.py" < "$tmp/request" > "$tmp/answer" &)
exec 8> "$tmp/request" 9< "$tmp/answer"

# holds CONDITION JSON-FILE [HDF5-FILE]
holds()
{
	local answer request

	request=$(printf '%s\t' "$@")
	printf '%s\n' "${request%$'\t'}" >&8
	read -r answer <&9
	[ "$answer" = ok ] || { echo "$answer"; return 1; }
}

# json CONDITION ARG...: mlproxy -j ARG... prints JSON d for which the Python
# CONDITION holds, and nothing else
json()
{
	condition=$1
	shift
	echo "mlproxy -j $*"
	"$mlproxy" -j "$@" > "$tmp/out" 2> "$tmp/err"
	code=$?
	first 40 "$tmp/out"
	first 40 "$tmp/err"
	[ $code -eq 0 ] || { echo "exit code $code"; return 1; }
	holds "$condition" "$tmp/out"
}

# decide N: have the synthetic subsystem make N decisions
decide()
{
	echo "$1" > /sys/module/mlproxy_synth/parameters/run
}

# make_model FILE [WEIGHT]: a model of one layer for synth's schema, written
# without the project's own builder
make_model()
{
	hash=$("$mlproxy" -j schema synth | sed -n 's/.*"schema_hash": "\(.*\)".*/\1/p')
	python3 - "$1" "$hash" "${2:-1}" <<'PYTHON'
import struct, sys, zlib
path, schema_hash, weight = sys.argv[1], int(sys.argv[2], 16), int(sys.argv[3])
nr_in, nr_out = 3, 4
offset = 16 + 96 + nr_in * 40 + 32
bias = struct.pack("<4i", 0, 10, 20, 30)
weights = struct.pack("<12b", *[weight] * 12) + bytes(4)
total = offset + len(bias) + len(weights)
body = struct.pack("<QIIIiiIqQ32s4I", schema_hash, nr_in, nr_out, 1, 0, 1, 0, 0, 0,
                   b"by hand", 0, 0, 0, 0)
for feature in range(nr_in):
    body += struct.pack("<qqqiIHHI", 0, 1 << 20, 0, 1, 10, 0, feature, 0)
body += struct.pack("<HHIiIIIQ", nr_in, nr_out, 0, 0, 0, offset, offset + len(bias), 0)
body += bias + weights
head = struct.pack("<IHHI", 0x31504c4d, 1, 1, total)
assert len(head) + 4 + len(body) == total, (len(head) + 4 + len(body), total)
open(path, "wb").write(head + struct.pack("<I", zlib.crc32(body)) + body)
PYTHON
}

record_while_deciding()
{
	rm -f "$tmp/a.h5"
	"$mlproxy" -j record synth -o "$tmp/a.h5" -n 1000 > "$tmp/rec" 2>&1 &
	pid=$!
	for _ in $(seq 1000); do
		decide 100
		kill -0 $pid 2>/dev/null || break
		sleep 0.2
	done
	wait $pid || { cat "$tmp/rec"; return 1; }
	cat "$tmp/rec"
	holds 'd["records"] == 1000 and d["decisions"] == len(f["decisions"]) == 500' \
		"$tmp/rec" "$tmp/a.h5" &&
		holds 'd["feedbacks"] == len(f["feedback"]) == 500' "$tmp/rec" "$tmp/a.h5"
}

# A signal ends it, with every record accounted for and the file closed.
record_until()
{
	rm -f "$tmp/b.h5"
	"$mlproxy" -j record synth -o "$tmp/b.h5" > "$tmp/rec" 2>&1 &
	pid=$!
	wait_handler $pid
	decide 5000
	kill -"$1" $pid
	wait $pid || { cat "$tmp/rec"; return 1; }
	cat "$tmp/rec"
	holds 'd["decisions"] == len(f["decisions"])' "$tmp/rec" "$tmp/b.h5" &&
		holds 'd["decisions"] + d["feedbacks"] + d["changes"] + d["lost"] == 10000' \
			"$tmp/rec"
}

# What is asked for and no more; it ends by itself once all of it is there.
record_request()
{
	local params=/sys/module/mlproxy_ctxtest/parameters

	rm -f "$tmp/q.h5"
	"$mlproxy" -j record ctx-data -s -o "$tmp/q.h5" --decisions 100 --sample 1/2 \
		--filter x=100..299 --trigger event:mark > "$tmp/rec" 2>&1 &
	pid=$!
	for _ in $(seq 1000); do
		echo "1 1" > $params/data_event
		echo 300 > $params/data_run
		kill -0 $pid 2>/dev/null || break
		sleep 0.2
	done
	wait $pid || { cat "$tmp/rec"; return 1; }
	cat "$tmp/rec"
	holds 'd["decisions"] == d["feedbacks"] == 100 and d["lost"] == 0' "$tmp/rec" &&
		holds 'len(f["decisions"]) == len(f["feedback"]) == 100' "$tmp/rec" "$tmp/q.h5" &&
		holds 'all(100 <= int(r["x"]) <= 299 for r in f["decisions"])' "$tmp/rec" \
			"$tmp/q.h5"
}

# With rings too small for what is published, what is lost is said, and counted.
record_lost()
{
	rm -f "$tmp/c.h5"
	"$mlproxy" -j record synth -o "$tmp/c.h5" -r 4K > "$tmp/rec" 2>&1 &
	pid=$!
	wait_handler $pid
	kill -STOP $pid
	decide 5000
	kill -CONT $pid
	kill -TERM $pid
	wait $pid || { cat "$tmp/rec"; return 1; }
	cat "$tmp/rec"
	holds 'd["lost"] > 0 and d["lost"] == sum(int(g["count"]) for g in f["lost"])' \
		"$tmp/rec" "$tmp/c.h5" &&
		holds 'd["decisions"] + d["feedbacks"] + d["changes"] + d["lost"] == 10000' \
			"$tmp/rec"
}

while_deciding()
{
	(while decide 100; do sleep 0.1; done) &
	pid=$!
	"$@"
	code=$?
	kill $pid
	return $code
}

# Whatever fails leaves nothing that would be in the way of the next try.
no_file()
{
	[ ! -e "$1" ] || { echo "$1 is left"; return 1; }
}

record_idle()
{
	exits 1 'nothing was recorded, though synth was running' \
		record synth -o "$tmp/none.h5" -t 300ms && no_file "$tmp/none.h5"
}

record_stopped()
{
	"$mlproxy" stop synth > /dev/null
	exits 1 'nothing was recorded, since synth is stopped: start it by' \
		record synth -o "$tmp/none.h5" -t 300ms
	code=$?
	grep -q 'synth is stopped: there is nothing to record until it is started' "$tmp/out" ||
		code=1
	"$mlproxy" start synth > /dev/null && no_file "$tmp/none.h5" && return $code
}

record_started()
{
	exits 4 'synth is running already: record it without --start' \
		record synth -s -o "$tmp/none.h5" -t 300ms && no_file "$tmp/none.h5"
}

# What is replaced stays until there are records that take its place.
record_keeps_the_old()
{
	local before

	before=$(sha256sum < "$tmp/t.h5")
	exits 1 'there was nothing to decide.*; what there was is left as it is' \
		record synth -o "$tmp/t.h5" -t 300ms --force || return 1
	[ "$before" = "$(sha256sum < "$tmp/t.h5")" ] || { echo "it was replaced"; return 1; }
	[ "$(echo "$tmp"/t.h5*)" = "$tmp/t.h5" ] || { ls "$tmp"; return 1; }
}

# The subsystem takes its proxy away: what there is is told, and that it ended so.
record_until_it_is_gone()
{
	local params=/sys/module/mlproxy_ctxtest/parameters

	"$mlproxy" start ctx-data > /dev/null
	"$mlproxy" -j record ctx-data -o "$tmp/gone.h5" > "$tmp/rec" 2> "$tmp/err" &
	pid=$!
	wait_handler $pid
	echo 100 > $params/data_run
	echo 0 > $params/present
	wait $pid
	code=$?
	echo 1 > $params/present
	cat "$tmp/rec" "$tmp/err"
	[ $code -eq 3 ] || { echo "exit code $code"; return 1; }
	grep -q 'ctx-data went away: the recording ends there' "$tmp/err" &&
		holds 'd["decisions"] == len(f["decisions"]) == 100 and d["lost"] == 0' \
			"$tmp/rec" "$tmp/gone.h5"
}

# A state that travels as 256 times its logarithm: of 1000, as the module has it.
snapshot_in_the_unit()
{
	local level=/sys/module/mlproxy_ctxtest/parameters/data_level

	echo 1000 > $level
	exits 0 'spread +9\.9[0-9] log2$' snapshot ctx-data &&
		json '9.9 < d["states"][2]["value"] < 10 and d["raw"][2] > 2500' snapshot ctx-data
	code=$?
	echo 0 > $level
	return $code
}

truncated_model()
{
	head -c 100 "$tmp/good.mlp" > "$tmp/short.mlp"
	exits 4 'refused the model \(length\)' load synth "$tmp/short.mlp"
}

corrupt_model()
{
	cp "$tmp/good.mlp" "$tmp/bad.mlp"
	printf '\377' | dd of="$tmp/bad.mlp" bs=1 seek=200 conv=notrunc 2>/dev/null
	exits 4 'refused the model \(checksum\)' load synth "$tmp/bad.mlp"
}

recommend_file()
{
	printf '# key action\n1 low\n2 3 65535 60000 7\n\n3 high 1 1000\n' > "$tmp/recs"
	stdin=$tmp/recs exits 0 '3 accepted, 0 refused' recommend synth -f - || return 1
	exits 0 '3 accepted, 0 refused' recommend synth -f "$tmp/recs"
}

many_recommendations()
{
	seq 3000 | sed 's/$/ 1/' > "$tmp/recs"
	exits 0 '3000 accepted, 0 refused' recommend synth -f "$tmp/recs"
}

no_device()
{
	exits 3 'is the module loaded\? Try: modprobe mlproxy' -d /nonexistent list || return 1
	MLPROXY_DEVICE=/nonexistent exits 3 'cannot open /nonexistent' list
}

unprivileged()
{
	# the checkout may lie where only root can look, as root's home
	chmod 711 "$tmp"
	install -m 755 "$mlproxy" "$tmp/mlproxy"
	out=$(su nobody -s /bin/sh -c "$tmp/mlproxy list" 2>&1)
	code=$?
	echo "$out"
	[ $code -eq 5 ] && echo "$out" | grep -q 'run as root or as a member of the group' &&
		echo "$out" | grep -q "'mlproxy list' needs to open the device for reading"
}

each_help()
{
	verbs=$("$mlproxy" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	for verb in $verbs; do
		# another program, that takes a guest long to load
		case $verb in train | test | quantize) continue ;; esac
		exits 0 "^usage: mlproxy $verb" "$verb" --help || return 1
		grep -q 'Example' "$tmp/out" || { echo "$verb: no example"; return 1; }
	done
	[ "$(echo "$verbs" | wc -w)" -ge 15 ] || { echo "too few verbs: $verbs"; return 1; }
	exits 0 '^usage: mlproxy mode' help mode
}

ktap_plan "$(grep -c '^ktap_test ' "$0")"

# without the module, as far as that goes
ktap_test "no verb" exits 2 'name a verb'
ktap_test "unknown verb" exits 2 "there is no verb 'frobnicate'" frobnicate
ktap_test "unknown option" exits 2 'no_such|see the options|unrecognized' --no_such_option list
ktap_test "version" exits 0 '^mlproxy [0-9]+\.[0-9]+\.[0-9]+$' --version
ktap_test "help" exits 0 'Exit codes' --help
ktap_test "help of each verb" each_help
ktap_test "no module" exits 3 'modprobe mlproxy' list
ktap_test "no device" no_device
ktap_test "not an mlproxy device" exits 3 'is not an mlproxy device' -d /dev/null list

mod_load mlproxy || exit 1
ktap_test "list without a proxy" exits 0 'no proxy is registered' list
ktap_test "list without a proxy, JSON" json 'd == {"proxies": []}' list
mod_load mlproxy_synth || exit 1

ktap_test "list" exits 0 'synth +[0-9]+ +initialized +learning' list
ktap_test "list, JSON" json 'd["proxies"][0]["name"] == "synth" and d["proxies"][0]["actions"] == 4' list
ktap_test "list, option behind the verb" exits 0 '"proxies"' list -j
ktap_test "list with an operand" exits 2 'one argument too many' list synth
ktap_test "unprivileged" unprivileged

ktap_test "show" exits 0 'synth \(id [0-9]+\): initialized' show synth
ktap_test "show, JSON" json 'd["state"] == "initialized" and d["active"] is None and d["share"]["emergency"] == 0' show synth
ktap_test "show of no proxy" exits 3 "there is no proxy 'nope' \(registered: synth\)" show nope
ktap_test "show without operand" exits 2 'needs an argument' show
ktap_test "show with a long name" exits 2 'is no name of a proxy' show abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz
ktap_test "schema" exits 0 '0 load +count' schema synth
ktap_test "schema, JSON" json '[a["name"] for a in d["actions"]] == ["none", "low", "middle", "high"] and len(d["features"]) == 3 and d["features"][1]["unit"] == "bytes"' schema synth
ktap_test "schema, measures" json '"ledger" in d and "outer" in d and isinstance(d["strata"], list)' schema synth
ktap_test "show, what it is judged by" exits 0 'judged by +score' show synth
ktap_test "schema of no proxy" exits 3 'there is no proxy' schema nope

ktap_test "stop too early" exits 4 'only while it is running' stop synth
ktap_test "start" exits 0 'synth: running' start synth
ktap_test "start twice" exits 4 'initialized or stopped' start synth
ktap_test "reinit while running" exits 4 'stop it first' reinit synth
ktap_test "stop, JSON" json 'd == {"proxy": "synth", "state": "stopped"}' stop synth
ktap_test "reinit" exits 0 'synth: initialized' reinit synth
ktap_test "start, JSON" json 'd["state"] == "running"' start synth
ktap_test "start of no proxy" exits 3 'there is no proxy' start nope

ktap_test "mode" exits 0 'synth: learning \(reason (start|reinit)' mode synth
ktap_test "mode, set" exits 0 'synth: collaboration \(reason operator' mode synth collaboration
ktap_test "mode, JSON" json 'd["mode"] == "collaboration" and d["reason"] == "operator"' mode synth
ktap_test "mode, unknown" exits 2 "'fast' is no mode" mode synth fast
ktap_test "mode, back" exits 0 'learning' mode synth learning
ktap_test "mode, fixed" exits 0 'governed by the operator' mode synth
ktap_test "mode, automatic" exits 0 'governed by the kernel' mode synth auto
ktap_test "mode, automatic, JSON" json 'd["automatic"] and d["reason"] == "auto" and d["evidence"]["arms"]["model"]["n"] == 0' mode synth
ktap_test "efficiency" exits 0 'gain of the model: unknown: no outcomes' efficiency synth
ktap_test "efficiency, JSON" json 'd["automatic"] and d["transitions"][0]["reason"] == "auto" and d["transitions"][-1]["to"] == "collaboration" and d["evidence"]["low"] is None' efficiency synth
ktap_test "efficiency, why the mode is that" exits 0 'that is: the operator handed the mode back to the kernel' efficiency synth
ktap_test "efficiency, measures, JSON" json 'd["stage"] == "none" and isinstance(d["needs"], list) and d["verdicts"]["reward"]["verdict"] == "reward" and d["evidence"]["source"] == "baseline"' efficiency synth
ktap_test "mode, back" exits 0 'learning' mode synth learning

ktap_test "param" exits 0 'share.learning +0\.' param synth
ktap_test "param, set" exits 0 'explore.learning +0\.25' param synth explore.learning 1/4
ktap_test "param, per cent" exits 0 'share.learning +0\.5' param synth share.learning 50%
ktap_test "param, JSON" json 'd["share.learning"] == 0.5 and d["explore.learning"] == 0.25 and d["window_ns"] > 0' param synth
ktap_test "param, sum over 1" exits 4 'may not add up to more than 1' param synth share.learning 0.8
ktap_test "param, nothing left for the baseline" exits 4 'would be left to the baseline' param synth share.learning 0.75
ktap_test "param, no share" exits 2 'is no share' param synth share.learning 2
ktap_test "param, unknown" exits 2 'there is no parameter' param synth frobnicate
ktap_test "param, seed" exits 0 'seed +42' param synth seed 42
ktap_test "param, seed is write-only" exits 2 'not be asked for' param synth seed
ktap_test "param, window" exits 0 'window +50ms$' param synth window 50ms
ktap_test "param, alpha" exits 0 'alpha +0.010000' param synth alpha 0.01
ktap_test "param, margin" exits 0 'margin +0.25000$' param synth margin 0.25
ktap_test "param, hold" exits 0 'hold +2s$' param synth hold 2s
ktap_test "param, out of range" exits 4 'out of its range' param synth alpha 0.9
ktap_test "param, of the machine, JSON" json 'd["alpha"] == 0.01 and d["min_samples"] == 200 and d["hold_ns"] == 2000000000 and d["errors"] == 0.0625' param synth
ktap_test "param, ramp" exits 0 'ramp +5s$' param synth ramp 5s
ktap_test "param, share of the ramp" exits 0 'ramp_share +0\.750000' param synth ramp_share 3/4
ktap_test "param, no share of a ramp" exits 4 'out of its range' param synth ramp_share 1
ktap_test "param, of the outer experiment" exits 0 'outer.learning +0\.250000' param synth outer.learning 1/4
ktap_test "param, no emergency's" exits 2 'there is no parameter' param synth outer.emergency 1/4
ktap_test "param, of the measures, JSON" json 'd["ramp_ns"] == 5000000000 and d["ramp_share"] == 0.75' param synth
ktap_test "param, no window" exits 2 'is no time' param synth window 50parsec

mod_load mlproxy_ctxtest || exit 1
ktap_test "snapshot" exits 0 ' 0$' snapshot synth
ktap_test "snapshot with names" exits 0 'level +-?[0-9]+ points' snapshot ctx-data
ktap_test "snapshot, health" exits 0 'ctx-data: health good' snapshot ctx-data
ktap_test "snapshot, JSON" json 'd["raw"] == [0] and d["health"] == "unknown"' snapshot synth
ktap_test "snapshot with names, JSON" json '[s["name"] for s in d["states"]] == ["level", "ticks", "spread"]' snapshot ctx-data
ktap_test "schema, states and events" exits 0 'tick +2  3600000 ms' schema ctx-data
ktap_test "schema, in the unit" exits 0 'size +q8 +log2 +log2 +0 +10$' schema ctx-data
ktap_test "snapshot, in the unit" snapshot_in_the_unit
ktap_test "schema, in the unit, JSON" json 'd["features"][1]["max"] == 10 and d["states"][2]["max"] == 63 and d["reward"]["type"] == "int"' schema ctx-data
ktap_test "schema, preprocessing" json 'd["features"][1]["preprocess"] == "log2" and d["states"][1]["preprocess"] == "delta" and d["events"][1]["name"] == "mark"' schema ctx-data
decide 1000
ktap_test "stats" exits 0 'decisions +1000' stats synth
ktap_test "stats, JSON" json 'd["decisions"] == 1000 and sum(d["by_source"].values()) == 1000 and sum(d["by_action"].values()) == 1000 and d["by_source"]["baseline"] == 1000 and sum(r["count"] for r in d["rewards"].values()) == 1000' stats synth
ktap_test "stats, bad interval" exits 2 'is no interval' stats synth -i 0

ktap_test "record N records" record_while_deciding
ktap_test "record until SIGINT" record_until INT
ktap_test "record until SIGTERM" record_until TERM
ktap_test "record with losses" record_lost
ktap_test "record for a time" exits 0 'records in [0-9]' record synth -o "$tmp/t.h5" -t 1 --snapshot 200ms
ktap_test "record does not overwrite" exits 1 'exists; --append adds to it, --force replaces it' record synth -o "$tmp/t.h5" -t 1
ktap_test "record appends" while_deciding exits 0 'records in' record synth -o "$tmp/t.h5" -n 100 --append
ktap_test "record replaces" while_deciding exits 0 'records in' record synth -o "$tmp/t.h5" -n 100 --force
ktap_test "record keeps what it does not replace" record_keeps_the_old
ktap_test "record while nothing is decided" record_idle
ktap_test "record while it does not run" record_stopped
ktap_test "record --start while it runs" record_started
ktap_test "record of some types" while_deciding exits 0 'records in' record synth -o "$tmp/u.h5" -n 100 --types decision,feedback
ktap_test "record of snapshots" exits 0 ' [1-9][0-9]* events' record synth -o "$tmp/s.h5" -t 2 --snapshot 200ms
ktap_test "record of a request" record_request
ktap_test "record until the proxy is gone" record_until_it_is_gone
ktap_test "record, bad range" exits 1 'is no range' record ctx-data -o "$tmp/v.h5" --filter x=1..z
ktap_test "record, no range" exits 2 'is no range' record ctx-data -o "$tmp/v.h5" --filter x
ktap_test "record, no feature" exits 1 'has no feature' record ctx-data -o "$tmp/v.h5" --filter y=1..2
ktap_test "record, bad share" exits 2 'is no share' record ctx-data -o "$tmp/v.h5" --sample 2
ktap_test "record, bad trigger" exits 2 'is no trigger' record ctx-data -o "$tmp/v.h5" --trigger luck
ktap_test "record, no event" exits 1 'has no event' record ctx-data -o "$tmp/v.h5" --trigger event:luck
ktap_test "record of no type" exits 2 'is no record type' record synth -o "$tmp/v.h5" --types cheese
ktap_test "record without a file" exits 2 'name the data set' record synth
ktap_test "record to nowhere" exits 1 'nonexistent' record synth -o /nonexistent/x.h5
ktap_test "record, bad ring" exits 2 'is no size of a ring' record synth -o "$tmp/v.h5" -r 1K
ktap_test "record, bad number" exits 2 'is no number' record synth -o "$tmp/v.h5" -n many

ktap_test "make a model" make_model "$tmp/good.mlp"
ktap_test "activate nothing" exits 4 'has no standby model' activate synth
ktap_test "rollback of nothing" exits 4 'nothing to roll back to' rollback synth
ktap_test "load" exits 0 'model version 1 is in the standby slot \(12 mult' load synth "$tmp/good.mlp"
ktap_test "activate another version" exits 4 'does not have version 77' activate synth 77
ktap_test "activate" exits 0 'model version 1 is active' activate synth 1
ktap_test "load and activate, JSON" json 'd["active_version"] == 2' load synth "$tmp/good.mlp" --activate
ktap_test "show with models" json 'd["active"]["version"] == 2 and d["active"]["name"] == "by hand" and d["standby"]["version"] == 1' show synth
decide 1000
ktap_test "the model decides" json 'd["by_source"]["model"] > 300' stats synth
ktap_test "rollback" exits 0 'model version 1 is active' rollback synth
ktap_test "load truncated" truncated_model
ktap_test "load corrupt" corrupt_model
ktap_test "load no file" exits 1 'cannot open the model' load synth "$tmp/nope.mlp"
ktap_test "load a directory" exits 1 'not a regular file' load synth "$tmp"
ktap_test "load without a file" exits 2 'needs one more argument' load synth
head -c 300000 /dev/zero > "$tmp/large"
ktap_test "load something large" exits 1 'a model has at most' load synth "$tmp/large"
ktap_test "load another kind of file" exits 4 'refused the model \(magic\)' load synth "$0"
ktap_test "activate, no version" exits 2 'is no model version' activate synth new
ktap_test "unload" exits 0 'no model is active' unload synth

ktap_test "recommend" exits 0 '1 accepted, 0 refused' recommend synth 42 high -t 1m
ktap_test "recommend, JSON" json 'd["accepted"] == 1 and d["refused"] == 0' recommend synth 0x2a 3
ktap_test "recommend an unknown action" exits 4 'recommendation 1 was refused: there is no such action' recommend synth 42 17
ktap_test "recommend, bad action" exits 2 'is no action of synth' recommend synth 42 sideways
ktap_test "recommend, bad key" exits 2 'is no key' recommend synth forty-two low
ktap_test "recommend for too long" exits 4 'time to live' recommend synth 42 low -t 2h
ktap_test "recommend from a file" recommend_file
ktap_test "recommend thousands" many_recommendations
ktap_test "recommend without an action" exits 2 'needs one more argument' recommend synth 42
decide 1000
ktap_test "recommendations are used" json 'd["recommendations"]["hits"] > 0 and d["by_source"]["recommendation"] > 0' stats synth

ktap_test "reinit forgets" exits 0 'synth: stopped' stop synth
ktap_test "reinit forgets the counters" exits 0 'initialized' reinit synth
ktap_test "stats after reinit" json 'd["decisions"] == 0 and d["recommendations"]["hits"] == 0' stats synth

ktap_end
