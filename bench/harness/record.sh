# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Recording of what windows bring about: drawn at random, or in part chosen by a
# model, whose decisions lead to contexts of their own. Sourced by guest.sh.

# Programs find less or more memory beside that of their data. More would keep much of
# the data cached, less would not do for the programs.
record_memory_mb="32 24 32 80"

# Half as many misses as usual make an epoch in every other run: twice the decisions for
# the same reading, where one miss may read megabytes.
record_epoch_calls="16 8"

record_parameters=/sys/module/mlproxy_readahead/parameters

record_decisions()
{
	cat $record_parameters/nr_decisions
}

# The shares of the model, if there is one, and of windows drawn at random; both are
# in the records as the probability of each decision.
record_policy()
{
	share=0
	if [ -n "$model" ]; then
		"$MLPROXY" load readahead "$model" --activate > /dev/null
		share=60
	fi
	"$MLPROXY" mode readahead learning > /dev/null
	"$MLPROXY" param readahead explore.learning 0 > /dev/null
	"$MLPROXY" param readahead share.learning $share% > /dev/null
	"$MLPROXY" param readahead explore.learning $((100 - share))% > /dev/null
}

# What each run was worth, beside its line.
record_run()
{
	# shellcheck disable=SC2086 # numbers without blanks
	megabytes=$(bench_pick "$1" $record_memory_mb)
	echo $((megabytes << 20)) > $BENCH_CGROUP/memory.max
	# shellcheck disable=SC2086
	bench_pick $(($1 / 4)) $record_epoch_calls > $record_parameters/epoch_calls
	before=$(record_decisions)
	proxy_run TRAIN "$2" "$3" "memory$megabytes" $default_kb
	echo "DECISIONS,$2,$3,$(($(record_decisions) - before))"
}

record()
{
	record_policy
	"$MLPROXY" record readahead -f -r 16M -o /run/bench/data.h5 2> /run/bench/record.log &
	recorder=$!
	sleep 1
	run=0
	for seed in $seeds; do
		for w in $BENCH_TRAINING; do
			record_run $run "$w" "$seed"
			run=$((run + 1))
		done
	done
	sleep 1
	kill -INT $recorder
	wait $recorder || { cat /run/bench/record.log; return 1; }
	tail -n 3 /run/bench/record.log
	cp /run/bench/data.h5 "$file"
}
