# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# How fast a load was, out of what its program printed. Sourced by run.sh.

# bench_rate FILE: operations and microseconds an operation, out of the output of
# db_bench, timed, readload or fio; of several ones the sum and the geometric mean, for
# which busybox has no logarithm.
bench_rate()
{
	mawk '
	/micros\/op/ { for (i = 1; i < NF; i++) {
		if ($(i + 1) == "micros/op") { log_us += log($i); n++ }
		if ($(i + 1) ~ /^operations/) ops += $i
	} }
	/"ops_per_s"/ {
		match($0, /\],"ops":[0-9]+/)
		ops = substr($0, RSTART + 8, RLENGTH - 8)
		match($0, /"ops_per_s":[0-9.]+\}$/)
		log_us = log(1000000 / substr($0, RSTART + 12, RLENGTH - 13))
		n = 1
	}
	# fio, for each job
	/"runtime" :/ { ms = $3 + 0 }
	/"total_ios" :/ && ms && $3 + 0 {
		ops += $3
		log_us += log(ms * 1000 / $3)
		n++
		ms = 0
	}
	END {
		if (!n || !ops)
			exit 1
		printf "%d,%.4f\n", ops, exp(log_us / n)
	}' "$1"
}
