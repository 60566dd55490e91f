# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The jobs of scripts/check that take long and don't depend on each other: a queue,
# and workers who take from it until it is empty. Results are counted at the end, by
# the one who started the workers.

JOBS=()

# job_add FUNCTION COUNTING-FUNCTION GROUP [ARGUMENT]: both get GROUP and ARGUMENT,
# the latter the status as well.
job_add()
{
	JOBS+=("$*")
	echo "$*" >> "$LOGS/jobs"
}

# Several workers ask at once.
job_next()
{
	(
		flock 9
		head -n 1 "$LOGS/jobs"
		sed -i 1d "$LOGS/jobs"
	) 9> "$LOGS/jobs.lock"
}

job_file()
{
	echo "$LOGS/job-$(tr -s ' ' '-' <<< "$1")"
}

jobs_clear()
{
	rm -f "$LOGS"/job*
	: > "$LOGS/jobs"
}

work()
{
	local run count group rest start status

	while read -r run count group rest < <(job_next) && [ -n "$run" ]; do
		step "$group: $run${rest:+ $rest} begins"
		start=$SECONDS status=0
		# shellcheck disable=SC2086 # there may be none
		("$run" "$group" $rest) || status=$?
		echo "$status $((SECONDS - start))" > "$(job_file "$run $group $rest")"
		step "$group: $run${rest:+ $rest} ends with $status"
	done
}

# Workers in the background, each in a process group of its own.
workers=()
workers_start()
{
	local i

	set -m
	for ((i = 0; i < $1; i++)); do
		work &
		workers+=($!)
	done
	set +m
}

workers_wait()
{
	[ ${#workers[@]} -eq 0 ] || wait "${workers[@]}"
	workers=()
}

workers_stop()
{
	local w

	for w in ${workers[@]+"${workers[@]}"}; do
		kill -- "-$w" 2> /dev/null
	done
}

# Of all jobs that were added; one that left no word has failed.
jobs_count()
{
	local job run count group rest status spent_s

	for job in ${JOBS[@]+"${JOBS[@]}"}; do
		read -r run count group rest <<< "$job"
		step "$group: $run${rest:+ $rest}"
		status=125 spent_s=0
		[ ! -f "$(job_file "$run $group $rest")" ] ||
			read -r status spent_s < "$(job_file "$run $group $rest")"
		# shellcheck disable=SC2086
		"$count" "$group" $rest "$status"
		SPENT_S[$group]=$((SPENT_S[$group] + spent_s))
	done
}
