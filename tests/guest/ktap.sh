# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A small KTAP harness for the guest scripts, to be sourced:
#
#	. "$(dirname "$0")/ktap.sh"
#	ktap_plan 2			# may be left out: then ktap_end prints it
#	ktap_test NAME COMMAND...	# passes if COMMAND returns 0, skips on 4
#	ktap_stock NAME COMMAND...	# the same, but skipped on debug kernels
#	ktap_end			# exits with the verdict
#
# COMMAND is usually a function; what it prints appears as comments. It runs in a
# subshell, so "exit 1" and "set -e" inside end only that test. expect and
# expect_fail help inside. mod_load and mod_unload work by name in any order.

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)}
MODDIR=${MODDIR:-$TOP/build/$(uname -r)/module}
BUILDDIR=${BUILDDIR:-$TOP/build}
GUESTBIN=${GUESTBIN:-$BUILDDIR/tests/guest}
SYSFS=/sys/class/misc/mlproxy

ktap_count=0
ktap_failed=0
ktap_planned=
ktap_out=$(mktemp /tmp/ktap.XXXXXX)
trap ktap_terminated TERM
echo "KTAP version 1"

ktap_plan()
{
	ktap_planned=$1
	echo "1..$1"
}

# What a test leaves running must not keep the harness: so its output goes to a
# file, and nothing here waits for other processes than the test itself.
ktap_test()
{
	local name=$1 status=0

	shift
	ktap_count=$((ktap_count + 1))
	# no "||" behind it: that would switch "set -e" off inside
	("$@") > "$ktap_out" 2>&1
	status=$?
	ktap_show
	case $status in
	0) echo "ok $ktap_count $name" ;;
	4) echo "ok $ktap_count $name # SKIP" ;;
	*)
		echo "not ok $ktap_count $name"
		ktap_failed=$((ktap_failed + 1))
		;;
	esac
}

# ktap_stock NAME COMMAND...: as ktap_test, but on a debug kernel only if the check is to be
# thorough: it would take minutes there, and the modules' code that it runs is run by other
# tests as well
ktap_stock()
{
	if [ -n "${GUEST_DEBUG:-}" ] && [ -z "${GUEST_THOROUGH:-}" ]; then
		ktap_count=$((ktap_count + 1))
		echo "ok $ktap_count $1 # SKIP a thorough check has it"
	else
		ktap_test "$@"
	fi
}

# Without another program: starting one takes a debug kernel half a second.
ktap_show()
{
	local line

	while IFS= read -r line || [ -n "$line" ]; do
		printf '# %s\n' "$line"
	done < "$ktap_out"
	: > "$ktap_out"
}

# At its time limit a script gets SIGTERM: then what the test said so far helps.
ktap_terminated()
{
	ktap_show
	exit 143
}

ktap_end()
{
	rm -f "$ktap_out"
	[ -n "$ktap_planned" ] || echo "1..$ktap_count"
	if [ -n "$ktap_planned" ] && [ "$ktap_planned" -ne "$ktap_count" ]; then
		echo "# planned $ktap_planned tests, ran $ktap_count"
		exit 1
	fi
	[ "$ktap_failed" -eq 0 ]
	exit
}

# expect WHAT ACTUAL EXPECTED
expect()
{
	[ "$2" = "$3" ] && return
	echo "$1 is \"$2\", expected \"$3\""
	exit 1
}

# expect_fail COMMAND...: must fail
expect_fail()
{
	if "$@" 2>/dev/null; then
		echo "succeeded, but must fail: $*"
		exit 1
	fi
}

# log_mark, log_after: the kernel's log from the mark on. What is before it stays: the runner
# looks at all of it.
log_mark()
{
	ktap_mark="mlproxy-mark: $EPOCHREALTIME"
	echo "$ktap_mark" > /dev/kmsg
}

log_after()
{
	dmesg | sed "1,/$ktap_mark/d"
}

# memory_cgroup DIR: make a cgroup whose memory can be limited, in one that is there
memory_cgroup()
{
	[ -e /sys/fs/cgroup/cgroup.controllers ] ||
		mount -t cgroup2 none /sys/fs/cgroup || return
	echo +memory > "${1%/*}/cgroup.subtree_control" && mkdir -p "$1"
}

# mod_file NAME: path of a module of this project.
mod_file()
{
	local file

	for file in "$MODDIR"/*/"$1.ko" "$MODDIR"/*/*/"$1.ko"; do
		if [ -e "$file" ]; then
			echo "$file"
			return
		fi
	done
	echo "no $1.ko below $MODDIR; build it by: make modules KDIR=..." >&2
	return 1
}

mod_loaded()
{
	[ -d "/sys/module/${1//-/_}" ]
}

# wait_handler PID: until a process handles SIGTERM, which it may be sent then
wait_handler()
{
	local i caught

	for ((i = 0; i < 600; i++)); do
		caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null)
		[ -n "$caught" ] || break
		[ $((0x$caught & 0x4000)) -eq 0 ] || return 0
		sleep 0.1
	done
	echo "process $1 does not handle SIGTERM"
	return 1
}

# mod_load NAME [PARAM=VALUE...]: with the core first; fine if it is there.
mod_load()
{
	local name=$1 file

	shift
	if mod_loaded "$name"; then
		return 0
	fi
	[ "$name" = mlproxy ] || mod_loaded mlproxy || mod_load mlproxy || return
	file=$(mod_file "$name") || return
	insmod "$file" "$@"
}

# mod_unload_all: every module of this project, the core last.
mod_unload_all()
{
	local name others=()

	while read -r name _; do
		[[ $name != mlproxy_* ]] || others+=("$name")
	done < /proc/modules
	mod_loaded mlproxy && others+=(mlproxy)
	[ ${#others[@]} -eq 0 ] || rmmod "${others[@]}"
}
