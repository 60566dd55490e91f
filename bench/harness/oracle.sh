# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# What is possible with the proxy's actions: the best one of each load, and where a load
# has several files or phases, of each of these. Found on one seed, before the runs that
# count. Sourced by guest.sh.
#
# A single load has its action pinned. Files get recommendations by key: they count from
# a file's first decision on, as a model's would. Phases change what is pinned.

# lines of PLACE KEY
oracle_keys=/run/bench/keys

# oracle_actions: the names of all actions, in their order.
oracle_actions()
{
	"$MLPROXY" schema "$BENCH_SUBJECT" -j | awk '
		/"actions": \[/ { on = 1 }
		on && /"name":/ { gsub(/[",]/, ""); print $2 }
		on && /\]/ { exit }'
}

# oracle_number ACTION
oracle_number()
{
	echo "$oracle_names" | awk -v a="$1" '$1 == a { print NR - 1 }'
}

# oracle_find_keys LOAD: lines of PLACE KEY.
oracle_find_keys()
{
	bench_mount || return 1
	load_places "$1" | tr " " "\n" | {
		place=0
		while read -r pattern; do
			place=$((place + 1))
			# shellcheck disable=SC2086 # a pattern
			subject_keys $BENCH_MNT/$pattern | sed "s/^/$place /"
		done
	} > $oracle_keys
	umount $BENCH_MNT
}

# oracle_recommend TTL ACTION...: one action a place.
oracle_recommend()
{
	ttl=$1
	shift
	awk -v actions="$*" -v ttl="$ttl" '
		BEGIN { split(actions, a, " ") }
		{ print $2, a[$1], 65535, ttl }' $oracle_keys |
		"$MLPROXY" recommend "$BENCH_SUBJECT" -f - > /dev/null
}

# oracle_run TAG LOAD SEED ACTION...: a run under a choice of actions.
oracle_run()
{
	tag=$1 workload=$2 seed=$3
	shift 3
	case $oracle_kind in
	files)
		"$MLPROXY" param "$BENCH_SUBJECT" share.recommendation 1 > /dev/null
		"$MLPROXY" param "$BENCH_SUBJECT" outer.recommendation 0 > /dev/null
		oracle_recommend 3600000 "$@"
		proxy_run "$tag" "$workload" "$seed" oracle "$subject_default"
		oracle_recommend 1 "$@"
		"$MLPROXY" param "$BENCH_SUBJECT" share.recommendation 63/64 > /dev/null
		"$MLPROXY" param "$BENCH_SUBJECT" outer.recommendation 1/8 > /dev/null
		;;
	phases)
		BENCH_PINS=
		for a; do
			BENCH_PINS="$BENCH_PINS${BENCH_PINS:+ }$(oracle_number "$a")"
		done
		export BENCH_PINS
		proxy_run "$tag" "$workload" "$seed" oracle "$subject_default"
		unset BENCH_PINS
		parameter pin -1
		;;
	*)
		parameter pin "$(oracle_number "$1")"
		proxy_run "$tag" "$workload" "$seed" oracle "$subject_default"
		parameter pin -1
		;;
	esac
}

# oracle_pin LOAD SEED: the best action; large ones are left out once one of them took
# twice as long as the best.
oracle_pin()
{
	best_us='' too_large=''
	for action in $oracle_names; do
		[ -z "$too_large" ] || ! action_is_large "$action" || continue
		oracle_run TRY "$1" "$2" "$action"
		if [ -z "$best_us" ] || less "$bench_us" "$best_us" 1; then
			best_us=$bench_us oracle_choice=$action
		fi
		if action_is_large "$action" && ! less "$bench_us" "$best_us" 2; then
			too_large=1
		fi
	done
}

# oracle_descend LOAD SEED N: the best of the short list in each of N places, at most
# twice round.
oracle_descend()
{
	oracle_choice=$(yes kernel | head -n "$3" | xargs)
	# shellcheck disable=SC2086 # a list
	oracle_run TRY "$1" "$2" $oracle_choice
	best_us=$bench_us tried="|$oracle_choice|"
	for pass in 1 2; do
		changed='' place=1
		while [ $place -le "$3" ]; do
			for action in $subject_short_actions; do
				try=$(echo "$oracle_choice" |
					awk -v i=$place -v a="$action" '{ $i = a; print }')
				case $tried in
				*"|$try|"*) continue ;;
				esac
				tried="$tried$try|"
				# shellcheck disable=SC2086 # a list
				oracle_run TRY "$1" "$2" $try
				if less "$bench_us" "$best_us" 1; then
					best_us=$bench_us oracle_choice=$try changed=$pass
				fi
			done
			place=$((place + 1))
		done
		[ -n "$changed" ] || break
	done
}

# oracle_find LOAD SEED: leaves the best choice in oracle_choice.
oracle_find()
{
	[ -n "${oracle_names:-}" ] || oracle_names=$(oracle_actions)
	places=$(load_places "$1" | wc -w)
	phases=$(load_phases "$1")
	if [ "$places" -gt 0 ]; then
		oracle_kind=files
		oracle_find_keys "$1"
		oracle_descend "$1" "$2" "$places"
	elif [ "$phases" -gt 0 ]; then
		oracle_kind=phases
		oracle_descend "$1" "$2" "$phases"
	else
		oracle_kind=pin
		oracle_pin "$1" "$2"
	fi
	echo "ORACLE,$1,$oracle_choice"
}
