# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What scripts/check runs in guests: the guest tests, and DKMS. What runs counts
# nothing, so that it may run in the background; see check-jobs.sh.

check_guest_programs()
{
	step "guest test programs"
	quiet_build host "guest programs build with -Werror" "$LOGS/guest-build.log" \
		make --no-print-directory -C tests/guest -j"$(nproc)"
}

# What tests/guest/fail_nth.c provokes in the kernel's own code, and says so.
GUEST_ALLOW_DMESG='trace_events\.c:[0-9]+ event_define_fields'

# guest_part KERNEL only|not[:I/N] [PROGRAM...]: the guest of the programs that patch the
# kernel's code, or that of the others; or one of N guests that share them.
guest_part()
{
	local kernel=$1 patching=${2%%:*} share=1/1 log mem=2048 timeout_s=3600 thread=

	log=$LOGS/$(guest_log "$1" "$2")
	[ "$patching" = "$2" ] || share=${2#*:}
	shift 2
	case $kernel in
	debug-*) mem=4096 timeout_s=4800 ;;
	esac
	[ "$patching" = not ] || thread=--one-thread
	scripts/vm --kernel "$kernel" --allow-dmesg "$GUEST_ALLOW_DMESG" \
		--mem "$mem" --timeout "$timeout_s" $thread \
		${thorough:+--env GUEST_THOROUGH=1} --log "$log" -- \
		tests/guest/run --kernel "$kernel" --patching "$patching" --share "$share" "$@" \
		> "$log.tap" 2> "$log.err"
}

# guest_log KERNEL PART: the name of its logs
guest_log()
{
	tr ':/' '-' <<< "guest-$1-$2"
}

# slowest FILE: the programs that took longest, in minutes
slowest()
{
	sed -nE 's/^# ([a-z0-9_]+) took ([0-9]+) s$/\2 \1/p' "$1" | sort -rn | head -n 6 |
		awk '{ printf "%s%s %d:%02d", sep, $2, $1 / 60, $1 % 60; sep = ", " }'
}

# The stream of results and the runner's verdict (kernel log, panic, timeout) are
# counted apart: either may fail alone.
count_guest_part()
{
	local kernel=$1 status=$3 log

	log=$LOGS/$(guest_log "$1" "$2")
	count_tap "$kernel" "$log.tap"
	step "  slowest: $(slowest "$log.tap")"
	case $status in
	0 | 1)
		result pass "$kernel" "the guest ended well, its kernel log is clean"
		;;
	*)
		tail -n 40 "$log.err"
		result fail "$kernel" "the guest ended with $status" "$log.err"
		;;
	esac
}

# DKMS, with a stock kernel. Compiling in an emulated guest takes long, so the
# build half runs in a chroot whose changes go to memory, where the host allows
# that, and is carried to the guest; else all of it runs in the guest.
dkms_cycle()
{
	local kernel=$1 dir=$LOGS/dkms status=0 parts="use"

	rm -rf "$dir"
	mkdir -p "$dir"
	as_root scripts/lib/dkms-cycle.sh chroot "$kernel" "$dir" > "$dir/chroot.log" 2>&1 ||
		status=$?
	grep '^ok ' "$dir/chroot.log" > "$dir/dkms.tap"
	if [ "$status" -ne 0 ]; then
		grep -q 'no chroot' "$dir/chroot.log" || return "$status"
		# No chroot with an overlay here: compile in the guest.
		parts="build use"
	fi
	scripts/vm --kernel "$kernel" --timeout 3000 --out "$dir" \
		--env "PARTS=$parts" -- scripts/lib/dkms-cycle.sh guest "$kernel" /out \
		> "$dir/guest.log" 2>&1
	status=$?
	grep -E '^(not )?ok ' "$dir/guest.log" >> "$dir/dkms.tap"
	return "$status"
}

count_dkms()
{
	local kernel=$1 status=$2 log

	count_tap "$kernel" "$LOGS/dkms/dkms.tap"
	[ "$status" -ne 0 ] || return 0
	log=$LOGS/dkms/guest.log
	[ -f "$log" ] || log=$LOGS/dkms/chroot.log
	tail -n 30 "$log"
	result fail "$kernel" "the DKMS cycle ended with $status" "$log"
}

# A program of today on a kernel of tomorrow; see scripts/lib/abi-grown.sh.
abi_grown()
{
	scripts/lib/abi-grown.sh "$1" "$LOGS/abi-grown" > "$LOGS/abi-grown.tap" \
		2> "$LOGS/abi-grown.err"
}

count_abi_grown()
{
	local kernel=$1 status=$2

	count_tap "$kernel" "$LOGS/abi-grown.tap"
	[ "$status" -ne 0 ] || return 0
	tail -n 30 "$LOGS/abi-grown.err"
	result fail "$kernel" "a grown ABI: ended with $status" "$LOGS/abi-grown.err"
}
