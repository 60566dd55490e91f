#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The mlproxy tool and proxies with instances: PROXY is all of them, PROXY:INSTANCE one.
#
# guest-test: timeout=300 modules=none only-kernel=6.1
#
# Needs python3 with h5py for the data sets.

. "$(dirname "$0")/ktap.sh"

mlproxy=$BUILDDIR/userspace/bin/mlproxy
synth=/sys/module/mlproxy_synth/parameters
tmp=$(mktemp -d)

finish()
{
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# says REGEX ARG...: mlproxy ARG... succeeds, and a line of it is REGEX
says()
{
	local regex=$1 out

	shift
	out=$("$mlproxy" "$@" 2>&1) || { echo "mlproxy $*: $out"; return 1; }
	grep -Eq -e "$regex" <<< "$out" || { echo "mlproxy $*: $out"; echo "expected: $regex"; return 1; }
}

# fails CODE REGEX ARG...
fails()
{
	local want=$1 regex=$2 out code

	shift 2
	out=$("$mlproxy" "$@" 2>&1)
	code=$?
	[ $code -eq "$want" ] && grep -Eq -e "$regex" <<< "$out" && return
	echo "mlproxy $*: $code: $out"
	return 1
}

listed()
{
	says '^synth +[0-9]+ +initialized +learning +3 ' list || return
	says '^  synth:a +[0-9]+ +initialized +learning$' list || return
	says '^  synth:b ' list || return
	says '"instances": 2' -j list || return
	fails 3 "there is no proxy 'synth:c' .*modprobe mlproxy_synth$" show synth:c
}

started()
{
	says 'synth: running' start synth || return
	says '^  synth:b +[0-9]+ +running ' list || return
	says 'synth:a: stopped' stop synth:a || return
	says '^  synth:b +[0-9]+ +running ' list || return
	says 'synth: running' start synth
}

modes()
{
	says 'synth:b: emergency' mode synth:b emergency || return
	says '^synth +[0-9]+ +running +emergency ' list || return
	says '^  synth:a +[0-9]+ +running +learning' list || return
	# of which one it is
	says '^synth:b: emergency' mode synth || return
	says '^synth:b: emergency' efficiency synth || return
	says '^synth:a: learning' efficiency synth:a || return
	says '"of": "synth:b"' -j efficiency synth || return
	says 'lowest mode is that of synth:b' show synth || return
	says '^synth:a: learning' mode synth auto || return
	says 'governed by the kernel' mode synth:b
}

params()
{
	says 'alpha +0\.02' param synth alpha 0.02 || return
	says 'alpha +0\.02' param synth:b || return
	says 'alpha +0\.03' param synth:a alpha 0.03 || return
	says 'alpha +0\.02' param synth:b
}

# rows FILE CONDITION: of the data set f, with the instances' numbers by name
rows()
{
	python3 - "$1" "$2" <<'PYTHON'
import sys, h5py
f = h5py.File(sys.argv[1], "r")
number = {r["name"].decode(): r["instance"] for r in f["instances"]}
of = lambda table, name: int((f[table]["instance"] == number[name]).sum())
if not eval(sys.argv[2]):
    sys.exit("not so: %s; %s, %s" % (sys.argv[2], number, f["decisions"]["instance"]))
PYTHON
}

# record NAME FILE: 60 decisions in turn
record()
{
	local pid

	"$mlproxy" record "$1" -o "$2" > "$tmp/out" 2>&1 &
	pid=$!
	wait_handler $pid
	# its rings may not be there yet
	until [ -e "$2" ]; do
		kill -0 $pid || break
		sleep 0.05
	done
	[ -z "$3" ] || echo "$3" > "$synth/add"
	echo 60 > "$synth/run"
	kill -INT $pid
	wait $pid || { cat "$tmp/out"; return 1; }
}

recorded()
{
	record synth "$tmp/all.h5" || return
	rows "$tmp/all.h5" 'f.attrs["proxy"] in (b"synth", "synth") and sorted(number) == ["a", "b"]' || return
	rows "$tmp/all.h5" 'of("decisions", "a") == of("feedback", "b") == 30' || return
	record synth:b "$tmp/b.h5" || return
	rows "$tmp/b.h5" 'list(number) == ["b"] and of("decisions", "b") == len(f["decisions"]) == 30'
}

# One that comes while it records.
recorded_later()
{
	record synth "$tmp/later.h5" c || return
	rows "$tmp/later.h5" 'sorted(number) == ["a", "b", "c"] and of("decisions", "c") == 20' || return
	echo c > "$synth/remove"
}

counted()
{
	says '"decisions": 180' -j stats synth || return
	says '"decisions": 80' -j stats synth:a || return
	echo b > "$synth/remove" || return
	says '"decisions": 180' -j stats synth || return
	fails 3 'there is no proxy' stats synth:b
}

mod_load mlproxy || exit 1
mod_load mlproxy_synth instances=a,b || exit 1
ktap_test listed listed
ktap_test started started
ktap_test modes modes
ktap_test params params
ktap_test recorded recorded
ktap_test recorded_later recorded_later
ktap_test counted counted
ktap_end
