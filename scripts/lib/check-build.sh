# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The stages of scripts/check that build: modules, user space, unit tests.

# What a compiler, linker, objtool or modpost says when it is not content. Debian
# headers carry no vmlinux on 6.1, so "Skipping BTF generation" is expected.
WARNING_RE='warning:|error:|WARNING|ERROR|Error [0-9]|undefined!|Stop\.'

# quiet_build GROUP NAME LOG COMMAND...: passes when it ends well in silence.
quiet_build()
{
	local group=$1 name=$2 log=$3
	shift 3

	if ! timed "$group" "$@" > "$log" 2>&1; then
		grep -nE -A 3 "$WARNING_RE" "$log" | head -n 40
		tail -n 3 "$log"
		result fail "$group" "$name" "$log"
		return 1
	fi
	if grep -E "$WARNING_RE" "$log" > "$log.warnings"; then
		head -n 40 "$log.warnings"
		result fail "$group" "$name: warnings" "$log"
		return 1
	fi
	result pass "$group" "$name"
}

make_modules()
{
	local kernel=$1
	shift
	make --no-print-directory modules -j"$(nproc)" W=1 \
		KDIR="$(scripts/kernels path "$kernel" headers)" "$@"
}

# From nothing, since a build of what is up to date warns of nothing.
check_modules()
{
	local kernel=$1 release

	step "modules for $kernel"
	release=$(scripts/kernels path "$kernel" version)
	rm -rf "build/$release"
	quiet_build "$kernel" "modules build with W=1" "$LOGS/modules-$kernel.log" \
		make_modules "$kernel" || return 1
	check_circles "$kernel" core "build/$release/module/core"
}

# check_circles GROUP NAME DIRECTORY: a file can be understood without the others above it.
check_circles()
{
	local log=$LOGS/circles-$1-$2.log

	if scripts/lib/circles.sh "$3" > "$log" 2>&1; then
		result pass "$1" "$2: no circle of files"
	else
		cat "$log"
		result fail "$1" "$2: no circle of files" "$log"
	fi
}

# A kernel that it can't work on is refused with a word.
check_refusal()
{
	local kernel=$1 option log=$LOGS/refusal.log

	for option in CONFIG_64BIT= CONFIG_CPU_BIG_ENDIAN=y; do
		if make_modules "$kernel" "$option" > "$log" 2>&1 ||
			! grep -q 'needs a 64-bit little-endian kernel' "$log"; then
			tail -n 5 "$log"
			result fail "$kernel" "refuses $option" "$log"
			return 1
		fi
	done
	result pass "$kernel" "refuses what is not 64-bit and little-endian"
}

check_sparse()
{
	local kernel=$1 log=$LOGS/sparse.log

	step "sparse (headers of $kernel)"
	quiet_build "$kernel" "sparse is content" "$log" make_modules "$kernel" C=2
	# Sparse that never ran is content with everything.
	grep -q '^ *CHECK ' "$log" || result fail "$kernel" "sparse ran" "$log"
}

check_userspace()
{
	step "user space"
	rm -rf build/userspace
	quiet_build host "user space builds with -Werror" "$LOGS/userspace.log" \
		make --no-print-directory userspace python -j"$(nproc)" WERROR=1
}

check_unit()
{
	step "unit tests"
	timed host tests/unit/run > "$LOGS/unit.tap" 2> "$LOGS/unit.log" ||
		tail -n 20 "$LOGS/unit.log"
	count_tap host "$LOGS/unit.tap"
	step "unit tests of data sets and trainer"
	timed host tests/unit/learn/run > "$LOGS/learn.tap" 2> "$LOGS/learn.log" ||
		tail -n 20 "$LOGS/learn.log"
	count_tap host "$LOGS/learn.tap"
	step "tests of the Python package"
	# what guests run at the same time is not linked anew
	timed host env MLPROXY_BUILT=yes tests/python/run > "$LOGS/python.tap" 2> "$LOGS/python.log" ||
		tail -n 20 "$LOGS/python.log"
	count_tap host "$LOGS/python.tap"
}
