# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The style stage of scripts/check: the kernel's checkpatch on kernel code, and
# what holds for every file of the tree.

# What is not reported, and why. "path-regex TYPE,..."; each line adds to those
# above it.
STYLE_IGNORE='
.*            MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE
.*            FILE_PATH_CHANGES,EMAIL_SUBJECT,COMMIT_MESSAGE
/compat/      LINUX_VERSION_CODE,CONSTANT_COMPARISON
trace\.h$     OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,LINE_SPACING,COMPLEX_MACRO
/(infer|shared)/ PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO,BIT_MACRO
^uapi/        BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,LINE_SPACING
_bpf\.h$     VOLATILE
'
# MACRO_ARG_*: ioctl and attribute tables take a name several times, as the
#   kernel's own do. The second line is about patches, and there is none here.
# compat/: version conditionals live there, and only there.
# trace.h: TRACE_EVENT() has a layout of its own, which checkpatch calls wrong.
# mlproxy_bpf.h: a constant that the loader fills in is "const volatile" in a program.
# infer/, shared/, uapi/: also compiled in user space, which lacks BIT() and __aligned().

style_ignores()
{
	local pattern types list=

	while read -r pattern types; do
		if [ -n "$pattern" ] && [[ $1 =~ $pattern ]]; then
			list=${list:+$list,}$types
		fi
	done <<< "$STYLE_IGNORE"
	echo "$list"
}

# sources DIR...: the C files; of the working tree, so that a file counts before
# it is committed.
sources()
{
	find "$@" -name '*.[ch]' ! -name '*.mod.c' | sort
}

run_checkpatch()
{
	local source=$1 f status=0

	while read -r f; do
		perl "$source/scripts/checkpatch.pl" --no-tree --strict --terse \
			--show-types --no-summary --max-line-length=100 \
			--ignore "$(style_ignores "$f")" -f "$f" || status=1
	done < <(sources module uapi)
	return "$status"
}

# Every text file of the project says its licence in its first lines.
run_spdx()
{
	local f status=0

	while read -r f; do
		case $f in
		debian/* | docs/* | models/* | *.h5 | *.png | *.svg | *.csv | *.md | LICENSE | *.map | *.in) continue ;;
		esac
		[ -s "$f" ] || continue
		if ! head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only'; then
			echo "$f: no \"SPDX-License-Identifier: GPL-2.0-only\" in its first lines"
			status=1
		fi
	done < <(git ls-files 2>/dev/null)
	while read -r f; do
		grep -q 'GPL-2.0-only WITH Linux-syscall-note' "$f" || {
			echo "$f: uapi needs \"WITH Linux-syscall-note\""
			status=1
		}
	done < <(sources uapi)
	return "$status"
}

run_tree_rules()
{
	local f status=0

	while read -r f; do
		if [ "$(wc -l < "$f")" -ge 700 ]; then
			echo "$f: $(wc -l < "$f") lines; a file has one subject and fewer than 700"
			status=1
		fi
	done < <(sources module userspace tests bench)
	if grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' module --include='*.[ch]' |
		grep -v '^module/compat/'; then
		echo "version conditionals belong into module/compat/"
		status=1
	fi
	for f in bench/*/subject.sh; do
		f=${f%/*}
		if grep -rnI "${f#*/}" bench/harness; then
			echo "bench/harness knows no subsystem; $f does"
			status=1
		fi
	done
	for f in $(git ls-files 2>/dev/null); do
		case $(head -c 20 "$f" | tr -d '\0' | head -n 1) in
		'#!/bin/bash'* | '#!/bin/sh'*)
			bash -n "$f" || status=1
			;;
		esac
	done
	return "$status"
}

check_style()
{
	local source log=$LOGS/style

	step "style"
	source=$(scripts/debug-kernel --source) || {
		result fail host "the kernel's checkpatch is at hand"
		return 1
	}
	style_rule "checkpatch --strict" "$log-checkpatch.log" run_checkpatch "$source"
	style_rule "licence tags" "$log-spdx.log" run_spdx
	style_rule "file sizes, version conditionals, bench/harness, shell syntax" "$log-tree.log" \
		run_tree_rules
	style_rule "what the documents name exists" "$log-docs.log" run_docs
	style_rule "docs/proxy-howto.md shows its example" "$log-howto.log" run_howto
	HOWTO_LINES=100 style_rule "docs/daemon-howto.md shows its example" "$log-daemon.log" \
		run_howto docs/daemon-howto.md examples/copyd
	style_rule "links of the documents" "$log-links.log" run_links
	style_rule "README's figures are those of docs/results" "$log-figures.log" run_figures
}

style_rule()
{
	local name=$1 log=$2
	shift 2

	if timed host "$@" > "$log" 2>&1; then
		result pass host "$name"
	else
		head -n 40 "$log"
		result fail host "$name" "$log"
	fi
}
