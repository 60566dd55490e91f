# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Judges a finished guest from four independent traces: how QEMU ended, the
# result line, the kernel's log sent at the end, and the console. Only a guest
# that sent its log and its result, with nothing bad in the log, has passed.

# Reports of the kernel about itself. Not "Call Trace" alone: fault injection
# prints one for each failure it was asked to make.
BAD_DMESG='BUG:|WARNING:|Oops|general protection|possible circular|possible recursive'
BAD_DMESG+='|possible irq lock|inconsistent lock|suspicious RCU|held lock freed|lock held when returning'
BAD_DMESG+='|rcu: INFO|rcu:.*detected.*stall|blocked for more than|hung task|KASAN:|UBSAN:'
BAD_DMESG+='|unreferenced object|Bad page|list_add corruption|list_del corruption'
BAD_DMESG+='|refcount_t:|invalid opcode|unable to handle|Kernel panic|sleeping function called'
BAD_DMESG+='|DEBUG_LOCKS_WARN|bad unlock balance|still has locks|slab error|Objects remaining'

# scan_dmesg FILE ALLOW: print what is bad with the lines that explain it.
# Fails when there is something.
scan_dmesg()
{
	local file=$1 allow=$2 bad=$BAD_DMESG

	if [ -n "$allow" ]; then
		grep -Ev -- "$allow" "$file" > "$file.judged" || :
	else
		cp "$file" "$file.judged"
	fi
	if grep -Eq -- "$bad" "$file.judged"; then
		grep -E -A 24 -- "$bad" "$file.judged" | head -n 120 >&2
		return 1
	fi
}

# vm_verdict LOGDIR QEMU_STATUS TIMEOUT_S ALLOW: say what happened on stderr
# and return the runner's exit status.
vm_verdict()
{
	local dir=$1 status=$2 timeout=$3 allow=$4 result

	result=$(sed -n 's/^MLPROXY-VM-RESULT: \([0-9]\{1,3\}\)$/\1/p' "$dir/result")

	# timeout(1) ends with 124, or 137 when QEMU had to be killed.
	if [ -z "$result" ] && { [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; }; then
		console_tail "$dir"
		say "TIMEOUT: no result after $timeout s"
		return 124
	fi
	if [ ! -s "$dir/console" ] && [ -s "$dir/qemu" ]; then
		cat "$dir/qemu" >&2
		say "QEMU did not start the guest"
		return 125
	fi
	if [ -z "$result" ]; then
		console_tail "$dir"
		if grep -q 'Kernel panic' "$dir/console"; then
			say "PANIC: the guest's kernel panicked (see above)"
		else
			say "NO RESULT: the guest ended before the command did (see above)"
		fi
		return 126
	fi
	if ! grep -q 'mlproxy-vm: command ended' "$dir/dmesg"; then
		console_tail "$dir"
		say "NO LOG: the guest sent no complete kernel log"
		return 126
	fi
	if ! scan_dmesg "$dir/dmesg" "$allow"; then
		say "BAD KERNEL LOG (above); the command's own status was $result"
		return 123
	fi
	if [ "$result" -ge 123 ] && [ "$result" -le 126 ]; then
		say "the status $result below is the command's own"
	fi
	return "$result"
}

console_tail()
{
	say "the kernel's console, last lines:"
	tail -n 60 "$1/console" >&2
}
