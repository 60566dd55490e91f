# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Static settings of the kernel's own knob, in the order of subject_settings. Sourced by
# guest.sh.

# settings beyond the default that gain nothing cost most of a run's time
sweep_share=0.6
sweeps=/run/bench/sweeps

# less A B: A < B * C for decimal fractions
less()
{
	awk "BEGIN { exit !($1 < $2 * $3) }"
}

# sweep LOAD SEED: all static settings in their order; the others are left out once one
# beyond the default took 1 / sweep_share times as long as the best. Leaves the two
# fastest that are not the default in best_settings, and all of them in times, best first.
sweep()
{
	best_us='' bench_us='' times='' beyond=''
	for setting in $subject_settings; do
		bench_run SWEEP "$1" "$2" "$setting" "$setting"
		times="$times$bench_us $setting
"
		if [ -z "$best_us" ] || less "$bench_us" "$best_us" 1; then
			best_us=$bench_us
		elif [ -n "$beyond" ] && less "$best_us" "$bench_us" $sweep_share; then
			break
		fi
		[ "$setting" != "$subject_default" ] || beyond=1
	done
	times=$(echo "$times" | sort -n)
	best_settings=$(echo "$times" |
		awk -v d="$subject_default" 'NF && $2 != d && n++ < 2 { print $2 }')
}

# All loads' sweeps, before anything else: the best single setting is chosen by them.
sweep_all()
{
	for w in $BENCH_WORKLOADS; do
		if done_before SWEPT "$w"; then
			awk -F, -v w="$w" '$1 == "SWEEP" && $2 == w { print w, $4, $6 }' \
				"$BENCH_DONE" | sort -n -k 3 >> $sweeps
			continue
		fi
		sweep "$w" 1
		echo "$times" | awk -v w="$w" 'NF { print w, $2, $1 }' >> $sweeps
		echo "SWEPT,$w"
	done
}

# best_of LOAD: the two fastest settings that are not the default; the second one only if
# it may turn out to be the best.
best_of()
{
	awk -v w="$1" -v d="$subject_default" '
		$1 == w && $2 != d && n < 2 && (!n || $3 < 1.1 * best) {
			if (!n++)
				best = $3
			print $2
		}' $sweeps
}

# The setting with the best geometric mean of single loads. One that a sweep left out was
# far beyond the best there: it gets three times the best.
best_single()
{
	for w in $BENCH_WORKLOADS; do
		! load_is_single "$w" || grep "^$w " $sweeps
	done | mawk -v settings="$subject_settings" '
		{ us[$1, $2] = $3 }
		!($1 in best) || $3 < best[$1] { best[$1] = $3 }
		END {
			n = split(settings, s, " ")
			for (i = 1; i <= n; i++) {
				sum = 0
				for (w in best) {
					t = (w, s[i]) in us ? us[w, s[i]] : 3 * best[w]
					sum += log(t / best[w])
				}
				if (i == 1 || sum < least) {
					least = sum
					single = s[i]
				}
			}
			print single
		}'
}
