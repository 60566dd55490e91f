# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The comparison of policies on one workload. Sourced by guest.sh, which sets
# windows_kb, default_kb and seeds.

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
