# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The seal of the sealed set: with which commit its list came, what changed in it since, and
# each time that it was run. Sourced by scripts/bench-readahead, which sets kernel, seeds,
# presets, dir, check, model and tree_model.
# shellcheck disable=SC2154

SEAL_LIST="bench/readahead/loads-sealed.sh bench/readahead/files-sealed.sh"
SEAL_RUNS=$MLPROXY_TOP/docs/results/readahead-sealed.runs

# seal_sum [COMMIT]: the list's checksum, as it is or was
seal_sum()
{
	local f

	for f in $SEAL_LIST; do
		if [ $# -gt 0 ]; then
			seal_git show "$1:$f"
		else
			cat "$MLPROXY_TOP/$f"
		fi
	done | sha256sum | cut -c 1-16
}

seal_git()
{
	git -C "$MLPROXY_TOP" "$@"
}

# seal_runs: how many
seal_runs()
{
	awk '/^[0-9]/ { n++ } END { print n + 0 }' "$SEAL_RUNS"
}

# seal_commit: by which the list was added
seal_commit()
{
	seal_git log --diff-filter=A --format=%h -- "${SEAL_LIST%% *}" 2>/dev/null | tail -n 1
}

# seal_head: the commit that is measured
seal_head()
{
	local head

	head=$(seal_git rev-parse --short HEAD 2>/dev/null) || head=unknown
	! seal_git status --porcelain --untracked-files=no 2>/dev/null |
		grep -qv readahead-sealed || head+=+changes
	echo "$head"
}

# seal_lock: two at once in one DIR would mix what they measure; as long as anyone has it open
seal_lock()
{
	exec 9> "$dir/lock"
	flock -n 9 || die "another run uses $dir"
}

# seal_begin: DIR has nothing of another measurement, or of another check; and a new one is
# counted, unless no policy but the kernel's default is run.
seal_begin()
{
	local what n

	what=$(printf '%s\n' "commit $(seal_head)" "list $(seal_sum)" "kernel $kernel" \
		"seeds $seeds" "devices $presets" "loads ${narrow_loads:-all}" "policies ${narrow_policies:-all}" \
		"models $(cat "$model" "$tree_model" 2>/dev/null | sha256sum | cut -c 1-16)")
	if [ -f "$dir/measured" ]; then
		[ "$(cat "$dir/measured")" != "$what" ] || return 0
		[ -n "$check" ] ||
			die "$dir has what was measured of something else, see its file measured; give another --dir"
		rm -f "$dir"/check-*.log
	fi
	if [ -z "$check" ]; then
		n=$(($(seal_runs) + 1))
		printf '%d | %s | %s | %s | %s | %s | %s | %s\n' "$n" "$(date -u +%F)" "$(seal_head)" \
			"$(seal_sum)" "$kernel" "$presets" "${narrow_loads:-all}" \
			"${narrow_policies:-all}" >> "$SEAL_RUNS"
		say "run $n of the sealed set is in ${SEAL_RUNS#"$MLPROXY_TOP/"}; commit it with the report"
	fi
	echo "$what" > "$dir/measured"
}

# seal_preface: for the report
seal_preface()
{
	local commit changes

	commit=$(seal_commit)
	echo "## The seal"
	echo
	if [ -z "$commit" ]; then
		echo "It is not known with which commit the list was sealed. Its checksum is $(seal_sum)."
	else
		echo "The list was sealed by commit $commit, with the checksum $(seal_sum "$commit")."
		# shellcheck disable=SC2086 # names without blanks
		changes=$(seal_git log --reverse --format='- %h %s' "$commit..HEAD" -- ${SEAL_LIST})
		if [ "$(seal_sum)" = "$(seal_sum "$commit")" ]; then
			echo "It is still the same."
		else
			printf 'It **was changed**, its checksum is %s now:\n\n%s\n' "$(seal_sum)" \
				"${changes:-- by what is not committed}"
		fi
	fi
	echo
	printf 'It has been run %d times under policies other than the default:\n\n' \
		"$(seal_runs)"
	echo "| run | day | commit | list | kernel | devices | loads | policies |"
	echo "|---|---|---|---|---|---|---|---|"
	sed -n 's/^[0-9].*/| & |/p' "$SEAL_RUNS"
}
