# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Policies, and how they are compared. Sourced by guest.sh, which sets seeds and file, the
# network. BENCH_POLICIES narrows the policies beside the default and the best static
# settings; BENCH_RULE is an eBPF program, BENCH_TREE a model. A subject has policies of
# its own in subject_policies.
#
# Prints, beside the lines of runs:
#   SINGLE,SETTING          the static setting that is best for all single loads
#   ORACLE,LOAD,CHOICE      what the oracle takes
#   MODE,LOAD,MODE,N,STANCE where the mode machine ended, after N changes, and what the outer
#                           experiment says
#   SWEPT,LOAD              all of the load's static settings are measured
#   FINISHED,LOAD           all of the load is
#   SKIPPED,NAME            a policy or load that was left out

BENCH_POLICIES=${BENCH_POLICIES:-"single rule $subject_policies oracle mlproxy tree auto"}
# of the mode machine's runs that don't count
auto_seeds="31 32 33 34 35 36 37 38"

# policy_wanted POLICY: asked for, and all that it needs is there.
policy_wanted()
{
	case " $BENCH_POLICIES " in
	*" $1 "*) ;;
	*)        return 1 ;;
	esac
	case " $subject_policies " in
	*" $1 "*)
		subject_policy_there "$1"
		return
		;;
	esac
	case $1 in
	rule)   [ -n "${BENCH_RULE:-}" ] ;;
	tree)   [ -f "${BENCH_TREE:-}" ] ;;
	oracle) echo "$BENCH_ORACLE_DEVICES" | grep -qw "$preset" ;;
	*)      true ;;
	esac
}

policies_say()
{
	for policy in $BENCH_POLICIES; do
		policy_wanted "$policy" || echo "SKIPPED,$policy"
	done
}

# policy_run LOAD SEED POLICY: one measured run.
policy_run()
{
	case " $subject_policies " in
	*" $3 "*)
		use_model ""
		subject_policy_run "$@"
		return
		;;
	esac
	case $3 in
	mlproxy)
		use_model "$file"
		proxy_run RUN "$1" "$2" mlproxy "$subject_default"
		;;
	tree)
		use_model "$BENCH_TREE"
		proxy_run RUN "$1" "$2" tree "$subject_default"
		;;
	rule)
		use_model ""
		"$MLPROXY" bpf attach "$BENCH_RULE" --name rule > /dev/null
		proxy_run RUN "$1" "$2" rule "$subject_default"
		"$MLPROXY" bpf detach rule > /dev/null
		;;
	oracle)
		# shellcheck disable=SC2086 # a choice is a list
		oracle_run RUN "$1" "$2" $oracle_choice
		;;
	/*)
		# a model by its file
		use_model "$3"
		name=${3##*/}
		proxy_run RUN "$1" "$2" "${name%.mlp}" "$subject_default"
		;;
	*)
		bench_run RUN "$1" "$2" "$3" "$3"
		;;
	esac
}

# The mode machine left to itself, from learning mode on. What it learned stays from run
# to run, and is forgotten after the load. Before the runs that count it sees the load
# until it recommends, but not for long.
auto()
{
	proxy_fresh auto
	use_model "$file"
	proxy_start
	for seed in $auto_seeds; do
		case $(proxy_mode_now) in
		recommendation,*) break ;;
		esac
		bench_run WARM "$1" "$seed" auto "$subject_default"
	done
	for seed in $seeds; do
		bench_run RUN "$1" "$seed" auto "$subject_default"
	done
	echo "MODE,$1,$(proxy_mode_now),$(proxy_outer_stance)"
	proxy_stop
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

# policies_run LOAD POLICY...: each over all seeds. The order rotates with the seed, so
# that no policy has a place of its own.
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

# done_before TAG LOAD: by an earlier guest, whose lines are in BENCH_DONE
done_before()
{
	[ -n "${BENCH_DONE:-}" ] && grep -q "^$1,$2\$" "$BENCH_DONE"
}

# evaluate LOAD: all policies that are wanted.
evaluate()
{
	workload=$1
	policies="$subject_default $(best_of "$workload")"
	if policy_wanted single && ! echo "$policies" | grep -qw "$single"; then
		policies="$policies $single"
	fi
	for policy in rule $subject_policies oracle mlproxy tree; do
		policy_wanted "$policy" || continue
		subject_policy_fits "$policy" "$workload" || continue
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

# loads_fit: leaves out the loads that the device is not fit for.
loads_fit()
{
	fit=
	for w in $BENCH_WORKLOADS; do
		if load_fits "$w" "$preset"; then
			fit="$fit $w"
		else
			echo "SKIPPED,$w"
		fi
	done
	BENCH_WORKLOADS=$fit
}

evaluate_all()
{
	policies_say
	loads_fit
	proxy_mode recommendation
	sweep_all
	if policy_wanted single; then
		single=$(best_single)
		echo "SINGLE,$single"
	fi
	for w in $BENCH_WORKLOADS; do
		! done_before FINISHED "$w" || continue
		evaluate "$w"
		echo "FINISHED,$w"
	done
	"$MLPROXY" stats "$BENCH_SUBJECT"
}

# check_all: that each load runs, without a proxy; one that fails does not hide the next.
check_all()
{
	failed=''
	for w in $BENCH_WORKLOADS; do
		! done_before FINISHED "$w" || continue
		ran=1
		for seed in $seeds; do
			bench_run RUN "$w" "$seed" "$subject_default" "$subject_default" || ran=
		done
		if [ -n "$ran" ]; then
			echo "FINISHED,$w"
		else
			failed="$failed $w"
		fi
	done
	[ -z "$failed" ] || echo "failed:$failed"
	[ -z "$failed" ]
}

# compare_all: what a demonstration has the time for: the default, the best static
# settings, the network.
compare_all()
{
	proxy_mode recommendation
	for w in $BENCH_WORKLOADS; do
		sweep "$w" 1
		# shellcheck disable=SC2086 # words
		policies_run "$w" "$subject_default" $best_settings mlproxy
	done
	"$MLPROXY" stats "$BENCH_SUBJECT"
}

# evaluate_models MODEL...: nothing but the default, and each of them in its place.
evaluate_models()
{
	proxy_mode recommendation
	for w in $BENCH_WORKLOADS; do
		policies_run "$w" "$subject_default" "$@"
	done
}
