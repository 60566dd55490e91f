#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash source-path=SCRIPTDIR
#
# The guest's part of the demo: measures and records. Results are lines on
# stdout, which scripts/demo reads.
#
#   guest.sh sweep   PRESET SEED             each static window, once
#   guest.sh compare PRESET SEEDS MODEL      default, best static ones, MODEL; with
#                                            BENCH_RULE, an eBPF program, that as well
#   guest.sh record  PRESET SEEDS FILE       explore, store a data set
#   guest.sh pin     PRESET SEED             each action of the proxy, always taken
#
# The environment has BENCH_STAGE, BENCH_IMAGE, BENCH_MODULES and MLPROXY (the
# command line tool), and may narrow BENCH_WORKLOADS.

set -eu
here=$(dirname "$0")
. "$here/bench.sh"

verb=$1 preset=$2 seeds=$3 file=${4:-}
default_kb=128
windows_kb="0 16 32 64 128 256 512 1024 4096"

# The proxy starts without knowledge of what a run before it did.
proxy_run()
{
	"$MLPROXY" start readahead > /dev/null
	bench_run "$@"
	"$MLPROXY" stop readahead > /dev/null
}

proxy_setup()
{
	insmod "$BENCH_MODULES/core/mlproxy.ko"
	insmod "$BENCH_MODULES/proxies/readahead/mlproxy_readahead.ko" target="$BENCH_DISK"
	"$MLPROXY" param readahead seed 1 > /dev/null
}

# less A B: A < B * C for decimal fractions
less()
{
	awk "BEGIN { exit !($1 < $2 * $3) }"
}

# sweep WORKLOAD SEED: all static windows, from small to large; larger ones are
# left out once a window took three times as long as the best. Leaves the two
# fastest that are not the default in best_kb.
sweep()
{
	best_us='' bench_us='' times=''
	for kb in $windows_kb; do
		bench_run SWEEP "$1" "$2" "$kb" "$kb"
		times="$times$bench_us $kb
"
		if [ -z "$best_us" ] || less "$bench_us" "$best_us" 1; then
			best_us=$bench_us
		elif [ "$kb" -gt $default_kb ] && less "$best_us" "$bench_us" 0.34; then
			break
		fi
	done
	best_kb=$(echo "$times" | sort -n |
		awk -v d=$default_kb 'NF && $2 != d && n++ < 2 { print $2 }')
}

# The order rotates with the seed, so that no policy has a place of its own.
compare()
{
	workload=$1
	round=0
	for seed in $seeds; do
		# shellcheck disable=SC2086
		set -- $default_kb $best_kb mlproxy ${BENCH_RULE:+rule}
		i=0
		while [ $i -lt $((round % $#)) ]; do
			first=$1
			shift
			set -- "$@" "$first"
			i=$((i + 1))
		done
		for policy; do
			case $policy in
			mlproxy)
				proxy_run RUN "$workload" "$seed" mlproxy $default_kb
				;;
			rule)
				"$MLPROXY" bpf attach "$BENCH_RULE" --name rule > /dev/null
				proxy_run RUN "$workload" "$seed" rule $default_kb
				"$MLPROXY" bpf detach rule > /dev/null
				;;
			*)
				bench_run RUN "$workload" "$seed" "$policy" "$policy"
				;;
			esac
		done
		round=$((round + 1))
	done
}

record()
{
	"$MLPROXY" mode readahead learning > /dev/null
	"$MLPROXY" param readahead share.learning 0 > /dev/null
	"$MLPROXY" param readahead explore.learning 100% > /dev/null
	"$MLPROXY" record readahead -f -r 16M -o /run/bench/data.h5 2> /run/bench/record.log &
	recorder=$!
	sleep 1
	for seed in $seeds; do
		for w in $BENCH_TRAINING; do
			proxy_run TRAIN "$w" "$seed" explore $default_kb
		done
	done
	sleep 1
	kill -INT $recorder
	wait $recorder || { cat /run/bench/record.log; return 1; }
	tail -n 3 /run/bench/record.log
	cp /run/bench/data.h5 "$file"
}

bench_setup "$BENCH_STAGE" "$BENCH_IMAGE" "$preset"
echo "READY"
case $verb in
sweep)
	for w in $BENCH_WORKLOADS; do
		sweep "$w" "$seeds"
	done
	;;
compare)
	proxy_setup
	"$MLPROXY" load readahead "$file" --activate > /dev/null
	"$MLPROXY" mode readahead recommendation > /dev/null
	for w in $BENCH_WORKLOADS; do
		sweep "$w" 1
		compare "$w"
	done
	"$MLPROXY" stats readahead
	;;
record)
	proxy_setup
	record
	;;
pin)
	proxy_setup
	for w in $BENCH_WORKLOADS; do
		bench_run RUN "$w" "$seeds" unhooked $default_kb
		for action in 0 1 2 3 4 5 6 7 8 9; do
			echo $action > /sys/module/mlproxy_readahead/parameters/pin
			proxy_run RUN "$w" "$seeds" "action$action" $default_kb
		done
		echo -1 > /sys/module/mlproxy_readahead/parameters/pin
	done
	;;
esac
echo "DONE"
