# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Counts of scripts/check: by group (a kernel, or "host"), with a table and one
# final line. Sourced by scripts/check; LOGS is its log directory.

declare -A PASSED FAILED SKIPPED SPENT_S
GROUPS_SEEN=()
FAILURES=()

report_start()
{
	REPORT_START_S=$SECONDS
}

step()
{
	printf '[%3d:%02d] %s\n' $(((SECONDS - REPORT_START_S) / 60)) \
		$(((SECONDS - REPORT_START_S) % 60)) "$*"
}

# count GROUP PASSED FAILED SKIPPED
count()
{
	if [ -z "${PASSED[$1]+set}" ]; then
		GROUPS_SEEN+=("$1")
		PASSED[$1]=0 FAILED[$1]=0 SKIPPED[$1]=0 SPENT_S[$1]=0
	fi
	PASSED[$1]=$((PASSED[$1] + $2))
	FAILED[$1]=$((FAILED[$1] + $3))
	SKIPPED[$1]=$((SKIPPED[$1] + $4))
}

# result pass|fail|skip GROUP NAME [DETAIL]
result()
{
	case $1 in
	pass) count "$2" 1 0 0; step "  ok      $2: $3" ;;
	skip) count "$2" 0 0 1; step "  skipped $2: $3${4:+ ($4)}" ;;
	fail)
		count "$2" 0 1 0
		step "  FAILED  $2: $3${4:+ ($4)}"
		FAILURES+=("$2: $3")
		;;
	esac
}

# count_tap GROUP FILE: add the results of a TAP stream.
count_tap()
{
	local passed failed skipped name

	{
		read -r passed failed skipped
		while IFS= read -r name; do
			FAILURES+=("$1: $name")
			echo "          $name"
		done
	} < <(awk -f scripts/lib/tap.awk "$2")
	count "$1" "$passed" "$failed" "$skipped"
	step "  $1: $passed passed, $failed failed, $skipped skipped"
}

# timed GROUP COMMAND...: charge the time to the group.
timed()
{
	local group=$1 start=$SECONDS status=0
	shift
	"$@" || status=$?
	count "$group" 0 0 0
	SPENT_S[$group]=$((SPENT_S[$group] + SECONDS - start))
	return "$status"
}

report_end()
{
	local g f passed=0 failed=0 skipped=0

	echo
	printf '%-12s %8s %8s %8s %8s\n' group passed failed skipped minutes
	for g in "${GROUPS_SEEN[@]}"; do
		printf '%-12s %8d %8d %8d %5d:%02d\n' "$g" "${PASSED[$g]}" \
			"${FAILED[$g]}" "${SKIPPED[$g]}" \
			$((SPENT_S[$g] / 60)) $((SPENT_S[$g] % 60))
		passed=$((passed + PASSED[$g]))
		failed=$((failed + FAILED[$g]))
		skipped=$((skipped + SKIPPED[$g]))
	done
	if [ ${#FAILURES[@]} -gt 0 ]; then
		echo
		echo "failures (logs: $LOGS):"
		for f in "${FAILURES[@]}"; do
			echo "  $f"
		done
	fi
	echo
	echo "$passed passed, $failed failed, $skipped skipped" | tee "$LOGS/summary"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
