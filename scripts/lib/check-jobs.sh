# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The jobs of scripts/check that take long and don't depend on each other: a queue,
# and workers who take from it until it is empty. Results are counted at the end, by
# the one who started the workers.

JOBS=()

# jobs_locked COMMAND...: nobody else touches the queue meanwhile
jobs_locked()
{
	(
		flock 9
		"$@"
	) 9> "$LOGS/jobs.lock"
}

# job_add FUNCTION COUNTING-FUNCTION GROUP [ARGUMENT]: both get GROUP and ARGUMENT,
# the latter the status as well. It goes to the front of the queue: what is added
# later takes longer.
job_add()
{
	JOBS+=("$*")
	jobs_locked queue_first "$*"
}

queue_first()
{
	local rest

	rest=$(cat "$LOGS/jobs")
	printf '%s\n' "$1" ${rest:+"$rest"} > "$LOGS/jobs"
}

queue_take()
{
	head -n 1 "$LOGS/jobs"
	sed -i 1d "$LOGS/jobs"
}

# Several workers ask at once.
job_next()
{
	jobs_locked queue_take
}

job_file()
{
	echo "$LOGS/job-$(tr -s ' :/' '-' <<< "$1")"
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

# workers_fill N: start as many as are missing to N, since others may have found nothing
# to do.
workers_fill()
{
	local w alive=0

	for w in ${workers[@]+"${workers[@]}"}; do
		! kill -0 "$w" 2> /dev/null || alive=$((alive + 1))
	done
	workers_start $(($1 - alive))
}

# workers_wait N: until nothing is left to do. A job may have come just when the last
# of the workers had looked.
workers_wait()
{
	while
		[ ${#workers[@]} -eq 0 ] || wait "${workers[@]}"
		workers=()
		[ -s "$LOGS/jobs" ]
	do
		workers_start "$1"
	done
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
