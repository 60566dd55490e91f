#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash source-path=SCRIPTDIR
#
# The guest's part of a demo, of a training and of a bench: measures and records. Results
# are lines on stdout, which the host's scripts read.
#
#   guest.sh sweep   DEVICE SEED             each static setting, once
#   guest.sh compare DEVICE SEEDS MODEL      default, best static ones, MODEL
#   guest.sh evaluate DEVICE SEEDS MODEL     these and all the others, see policies.sh
#   guest.sh check   DEVICE SEEDS            the default only, each load once a seed
#   guest.sh models  DEVICE SEEDS MODEL...   the default, and each of the models
#   guest.sh record  DEVICE SEEDS FILE [MODEL]
#                                            explore, MODEL in part, store a data set
#   guest.sh pin     DEVICE SEED             each action of the proxy, always taken, and what
#                                            came of it: PROGRESS,load,action and the growth
#                                            of each of subject_progress
#
# The environment has BENCH_SUBJECT, BENCH_STAGE, BENCH_IMAGE, BENCH_MODULES and MLPROXY
# (the command line tool), and may narrow BENCH_WORKLOADS and BENCH_SETTINGS, the static ones,
# and set BENCH_MEMORY_MB.
# BENCH_DONE is a log of what need not be measured again: see policies.sh. What the
# subject defines: ../README.md.

set -eu
here=$(dirname "$0")
# what a load from outside defines is staged only
BENCH_LIB=$BENCH_STAGE
. "$here/run.sh"
. "$here/proxy.sh"
. "$here/sweep.sh"
. "$here/policies.sh"
. "$here/oracle.sh"
. "$here/record.sh"

verb=$1 preset=$2 seeds=$3 file=${4:-} model=${5:-}
shift 3

# What the proxy knows of the time, since it was loaded.
progress()
{
	for name in $subject_progress; do
		cat "$BENCH_PARAMETERS/$name"
	done | tr "\n" " "
}

# pin_each LOAD SEED: all actions, unlike the oracle.
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
sweep | check) ;;
*)             proxy_setup ;;
esac
case $verb in
sweep)
	for w in $BENCH_WORKLOADS; do
		sweep "$w" "$seeds"
	done
	;;
compare)  compare_all ;;
evaluate) evaluate_all ;;
check)    check_all ;;
models)   evaluate_models "$@" ;;
record)   record ;;
pin)
	for w in $BENCH_WORKLOADS; do
		bench_run RUN "$w" "$seeds" unhooked "$subject_default"
		pin_each "$w" "$seeds"
	done
	;;
*)
	echo "no verb $verb" >&2
	exit 2
	;;
esac
echo "DONE"
