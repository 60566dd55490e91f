# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Static windows, from none to the largest. Sourced by guest.sh, which sets windows_kb and
# default_kb.

# large windows that gain nothing cost most of a run's time
sweep_share=0.6

# less A B: A < B * C for decimal fractions
less()
{
	awk "BEGIN { exit !($1 < $2 * $3) }"
}

# sweep WORKLOAD SEED: all static windows, from small to large; larger ones are
# left out once a window took 1 / sweep_share times as long as the best. Leaves the two
# fastest that are not the default in best_kb, and all of them in times, best first.
sweep()
{
	best_us='' bench_us='' times=''
	for kb in $windows_kb; do
		bench_run SWEEP "$1" "$2" "$kb" "$kb"
		times="$times$bench_us $kb
"
		if [ -z "$best_us" ] || less "$bench_us" "$best_us" 1; then
			best_us=$bench_us
		elif [ "$kb" -gt $default_kb ] && less "$best_us" "$bench_us" $sweep_share; then
			break
		fi
	done
	times=$(echo "$times" | sort -n)
	best_kb=$(echo "$times" |
		awk -v d=$default_kb 'NF && $2 != d && n++ < 2 { print $2 }')
}
