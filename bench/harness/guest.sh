#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash source-path=SCRIPTDIR
#
# The guest's part of the demo, of the training and of the bench: measures and records.
# Results are lines on stdout, which the host's scripts read.
#
#   guest.sh sweep   PRESET SEED             each static window, once
#   guest.sh compare PRESET SEEDS MODEL      default, best static ones, MODEL
#   guest.sh evaluate PRESET SEEDS MODEL     these and all the others, see evaluate.sh
#   guest.sh models PRESET SEEDS MODEL...    the default, and each of the models
#   guest.sh record  PRESET SEEDS FILE [MODEL]
#                                            explore, MODEL in part, store a data set
#   guest.sh pin     PRESET SEED             each action of the proxy, always taken, and what
#                                            came of it: PROGRESS,workload,action and the
#                                            growth of each of progress_names
#
# The environment has BENCH_STAGE, BENCH_IMAGE, BENCH_MODULES and MLPROXY (the
# command line tool), and may narrow BENCH_WORKLOADS.

set -eu
here=$(dirname "$0")
. "$here/run.sh"
. "$here/policies.sh"
. "$here/oracle.sh"
. "$here/record.sh"
. "$here/sweep.sh"

verb=$1 preset=$2 seeds=$3 file=${4:-} model=${5:-}
shift 3
default_kb=128
windows_kb="0 16 32 64 128 256 512 1024 4096"

progress_names="think_ns wall_ns nr_calls nr_rewards reward_sum"

# What the proxy knows of the time: progress_names, since it was loaded.
progress()
{
	for name in $progress_names; do
		cat "/sys/module/mlproxy_readahead/parameters/$name"
	done | tr "\n" " "
}

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

# pin_each WORKLOAD SEED: all actions, unlike the oracle.
pin_each()
{
	oracle_names=$(oracle_actions) oracle_kind=pin
	for action in $oracle_names; do
		before=$(progress)
		oracle_run TRY "$1" "$2" "$action"
		echo "$before$(progress)" | awk -v run="$1,$action" '{
			line = "PROGRESS," run
			for (i = 1; i <= NF / 2; i++)
				line = line sprintf(",%.0f", $(i + NF / 2) - $i)
			print line
		}'
	done
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
	"$MLPROXY" mode readahead recommendation > /dev/null
	for w in $BENCH_WORKLOADS; do
		sweep "$w" 1
		# shellcheck disable=SC2086 # words
		policies_run "$w" $default_kb $best_kb mlproxy
	done
	"$MLPROXY" stats readahead
	;;
evaluate)
	proxy_setup
	evaluate_all
	;;
models)
	proxy_setup
	evaluate_models "$@"
	;;
record)
	proxy_setup
	record
	;;
pin)
	proxy_setup
	for w in $BENCH_WORKLOADS; do
		bench_run RUN "$w" "$seeds" unhooked $default_kb
		pin_each "$w" "$seeds"
	done
	;;
esac
echo "DONE"
