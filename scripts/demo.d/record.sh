# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Recording of what windows drawn at random bring about. Sourced by guest.sh.

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
