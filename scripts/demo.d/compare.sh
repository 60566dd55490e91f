# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The demo's comparison of policies on one workload. Sourced by guest.sh, which sets
# windows_kb, default_kb and seeds. bench-readahead has more policies: evaluate.sh.

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
		elif [ "$kb" -gt $default_kb ] && less "$best_us" "$bench_us" "${sweep_share:-0.34}"; then
			break
		fi
	done
	times=$(echo "$times" | sort -n)
	best_kb=$(echo "$times" |
		awk -v d=$default_kb 'NF && $2 != d && n++ < 2 { print $2 }')
}

# rotate N WORD...: the words, begun at the Nth, round the end.
rotate()
{
	n=$(($1 % ($# - 1)))
	shift
	while [ $n -gt 0 ]; do
		first=$1
		shift
		set -- "$@" "$first"
		n=$((n - 1))
	done
	echo "$@"
}

# The order rotates with the seed, so that no policy has a place of its own.
compare()
{
	workload=$1
	round=0
	for seed in $seeds; do
		# shellcheck disable=SC2046,SC2086
		for policy in $(rotate $round $default_kb $best_kb mlproxy); do
			case $policy in
			mlproxy)
				proxy_run RUN "$workload" "$seed" mlproxy $default_kb
				;;
			*)
				bench_run RUN "$workload" "$seed" "$policy" "$policy"
				;;
			esac
		done
		round=$((round + 1))
	done
}
