# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Policies, and how the demo and bench-readahead compare them. Sourced by guest.sh, which
# sets windows_kb, default_kb, seeds and file, the network. BENCH_POLICIES narrows
# bench-readahead's policies beside the default and the best static windows; BENCH_RULE is
# an eBPF program, BENCH_TREE a model.
#
# Prints, beside the lines of runs:
#   SINGLE,KB               the static window that is best for all single loads
#   ORACLE,WORKLOAD,CHOICE  what the oracle takes
#   MODE,WORKLOAD,MODE,N    where the mode machine ended, after N changes
#   SKIPPED,NAME            a policy or load that was left out

BENCH_POLICIES=${BENCH_POLICIES:-"single rule corrected oracle mlproxy tree auto"}
sweeps=/run/bench/sweeps
# of the mode machine's runs that don't count
auto_seeds="31 32 33 34 35 36 37 38"
# the active model
loaded=

parameter()
{
	echo "$2" > "/sys/module/mlproxy_readahead/parameters/$1"
}

# policy_wanted POLICY: asked for, and all that it needs is there.
policy_wanted()
{
	case " $BENCH_POLICIES " in
	*" $1 "*) ;;
	*)        return 1 ;;
	esac
	case $1 in
	rule)      [ -n "${BENCH_RULE:-}" ] ;;
	tree)      [ -f "${BENCH_TREE:-}" ] ;;
	corrected) [ -f /sys/module/mlproxy_readahead/parameters/fix_mmap_miss ] ;;
	# for other devices it would cost more than it tells
	oracle)    [ "$preset" = nvme ] || [ "$preset" = cloud ] ;;
	*)         true ;;
	esac
}

policies_say()
{
	for policy in $BENCH_POLICIES; do
		policy_wanted "$policy" || echo "SKIPPED,$policy"
	done
}

# proxy_fresh MODE: no memory of any experiment; no model.
proxy_fresh()
{
	"$MLPROXY" reinit readahead > /dev/null
	"$MLPROXY" mode readahead "$1" > /dev/null
	loaded=
}

# use_model FILE: the active model; "" for none.
use_model()
{
	[ "$loaded" != "$1" ] || return 0
	if [ -n "$1" ]; then
		"$MLPROXY" load readahead "$1" --activate > /dev/null
	else
		"$MLPROXY" unload readahead > /dev/null
	fi
	loaded=$1
}

is_single()
{
	case $1 in
	mix* | phases* | v-mix* | v-phases*) false ;;
	*)                                   true ;;
	esac
}

uses_mmap()
{
	case $1 in
	*-mmap* | mix* | phases*) true ;;
	*)                        false ;;
	esac
}

# All loads' sweeps, before anything else: the best single window is chosen by them.
sweep_all()
{
	for w in $BENCH_WORKLOADS; do
		sweep "$w" 1
		echo "$times" | awk -v w="$w" 'NF { print w, $2, $1 }' >> $sweeps
	done
}

# best_of WORKLOAD: the two fastest windows that are not the default; the second one only
# if it may turn out to be the best.
best_of()
{
	awk -v w="$1" -v d=$default_kb '
		$1 == w && $2 != d && n < 2 && (!n || $3 < 1.1 * best) {
			if (!n++)
				best = $3
			print $2
		}' $sweeps
}

# The window with the best geometric mean of single loads. One that a sweep left out was
# far beyond the best there: it gets three times the best.
best_single()
{
	for w in $BENCH_WORKLOADS; do
		! is_single "$w" || grep "^$w " $sweeps
	done | mawk -v windows="$windows_kb" '
		{ us[$1, $2] = $3 }
		!($1 in best) || $3 < best[$1] { best[$1] = $3 }
		END {
			n = split(windows, kb, " ")
			for (i = 1; i <= n; i++) {
				sum = 0
				for (w in best) {
					t = (w, kb[i]) in us ? us[w, kb[i]] : 3 * best[w]
					sum += log(t / best[w])
				}
				if (i == 1 || sum < least) {
					least = sum
					single = kb[i]
				}
			}
			print single
		}'
}

# policy_run WORKLOAD SEED POLICY: one measured run.
policy_run()
{
	case $3 in
	mlproxy)
		use_model "$file"
		proxy_run RUN "$1" "$2" mlproxy $default_kb
		;;
	tree)
		use_model "$BENCH_TREE"
		proxy_run RUN "$1" "$2" tree $default_kb
		;;
	rule)
		use_model ""
		"$MLPROXY" bpf attach "$BENCH_RULE" --name rule > /dev/null
		proxy_run RUN "$1" "$2" rule $default_kb
		"$MLPROXY" bpf detach rule > /dev/null
		;;
	corrected)
		use_model ""
		parameter pin 0
		parameter fix_mmap_miss 1
		proxy_run RUN "$1" "$2" corrected $default_kb
		parameter fix_mmap_miss 0
		parameter pin -1
		;;
	oracle)
		# shellcheck disable=SC2086 # a choice is a list
		oracle_run RUN "$1" "$2" $oracle_choice
		;;
	/*)
		# a model by its file
		use_model "$3"
		name=${3##*/}
		proxy_run RUN "$1" "$2" "${name%.mlp}" $default_kb
		;;
	*)
		bench_run RUN "$1" "$2" "$3" "$3"
		;;
	esac
}

# auto_mode: the mode, and how often it changed.
auto_mode()
{
	"$MLPROXY" show readahead -j | awk '
		/"mode":/ { gsub(/[",]/, ""); mode = $2 }
		/"mode_changes":/ { gsub(/,/, ""); n = $2 }
		END { printf "%s,%d\n", mode, n }'
}

# The mode machine left to itself, from learning mode on. What it learned stays from run
# to run, and is forgotten after the load. Before the runs that count it sees the load
# until it recommends, but not for long.
auto()
{
	proxy_fresh auto
	use_model "$file"
	"$MLPROXY" start readahead > /dev/null
	for seed in $auto_seeds; do
		case $(auto_mode) in
		recommendation,*) break ;;
		esac
		bench_run WARM "$1" "$seed" auto $default_kb
	done
	for seed in $seeds; do
		bench_run RUN "$1" "$seed" auto $default_kb
	done
	echo "MODE,$1,$(auto_mode)"
	"$MLPROXY" stop readahead > /dev/null
	proxy_fresh recommendation
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

# policies_run WORKLOAD POLICY...: each over all seeds. The order rotates with the seed,
# so that no policy has a place of its own.
policies_run()
{
	workload=$1
	shift
	round=0
	for seed in $seeds; do
		for policy in $(rotate $round "$@"); do
			policy_run "$workload" "$seed" "$policy"
		done
		round=$((round + 1))
	done
}

# evaluate WORKLOAD: all policies that are wanted.
evaluate()
{
	workload=$1
	policies="$default_kb $(best_of "$workload")"
	if policy_wanted single && ! echo "$policies" | grep -qw "$single_kb"; then
		policies="$policies $single_kb"
	fi
	for policy in rule corrected oracle mlproxy tree; do
		policy_wanted $policy || continue
		[ $policy != corrected ] || uses_mmap "$workload" || continue
		policies="$policies $policy"
	done
	if policy_wanted oracle; then
		use_model ""
		oracle_find "$workload" 1
	fi
	# shellcheck disable=SC2086 # words
	policies_run "$workload" $policies
	if policy_wanted auto; then
		auto "$workload"
	fi
}

# loads_fit: leaves out the loads that the device is too slow for.
loads_fit()
{
	fit=
	for w in $BENCH_WORKLOADS; do
		case $preset,$w in
		slow,db-rww-*)
			# its writer goes on while its reader waits, and does so into memory: by
			# the time that the reader is through, that is more than the limit
			echo "SKIPPED,$w"
			;;
		*)
			fit="$fit $w"
			;;
		esac
	done
	BENCH_WORKLOADS=$fit
}

evaluate_all()
{
	policies_say
	loads_fit
	"$MLPROXY" mode readahead recommendation > /dev/null
	sweep_all
	if policy_wanted single; then
		single_kb=$(best_single)
		echo "SINGLE,$single_kb"
	fi
	for w in $BENCH_WORKLOADS; do
		evaluate "$w"
	done
	"$MLPROXY" stats readahead
}

# evaluate_models MODEL...: nothing but the default, and each of them in its place.
evaluate_models()
{
	"$MLPROXY" mode readahead recommendation > /dev/null
	for w in $BENCH_WORKLOADS; do
		policies_run "$w" $default_kb "$@"
	done
}
