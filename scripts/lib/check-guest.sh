# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The stages of scripts/check that boot guests: the guest tests, and DKMS.

check_guest_programs()
{
	step "guest test programs"
	quiet_build host "guest programs build with -Werror" "$LOGS/guest-build.log" \
		make --no-print-directory -C tests/guest -j"$(nproc)"
}

# What tests/guest/fail_nth.c provokes in the kernel's own code, and says so.
GUEST_ALLOW_DMESG='trace_events\.c:[0-9]+ event_define_fields'

# guest_part KERNEL only|not VM-OPTION...: the programs that patch the kernel's
# code, or the others; adds to the kernel's TAP stream.
guest_part()
{
	local kernel=$1 patching=$2

	shift 2
	scripts/vm --kernel "$kernel" --allow-dmesg "$GUEST_ALLOW_DMESG" \
		--log "$LOGS/guest-$kernel-$patching" "$@" -- \
		tests/guest/run --kernel "$kernel" --patching "$patching" \
		>> "$LOGS/guest-$kernel.tap" 2>> "$LOGS/guest-$kernel.err"
}

# run_guest KERNEL: two guests for each kernel; leaves their TAP stream, the worse
# status and the seconds. Counts nothing, so that it may run in the background.
run_guest()
{
	local kernel=$1 mem=2048 timeout_s=1800 status=0 worse=0 start=$SECONDS

	case $kernel in
	debug-*) mem=4096 timeout_s=2700 ;;
	esac
	rm -f "$LOGS/guest-$kernel.tap" "$LOGS/guest-$kernel.err"
	guest_part "$kernel" not --mem "$mem" --timeout "$timeout_s" || worse=$?
	guest_part "$kernel" only --mem "$mem" --timeout "$timeout_s" --one-thread || status=$?
	[ "$status" -le "$worse" ] || worse=$status
	echo "$worse $((SECONDS - start))" > "$LOGS/guest-$kernel.status"
}

# The stream of results and the runner's verdict (kernel log, panic, timeout) are
# counted apart: either may fail alone.
count_guest()
{
	local kernel=$1 status=125 spent_s=0

	step "guest tests on $kernel"
	[ ! -f "$LOGS/guest-$kernel.status" ] ||
		read -r status spent_s < "$LOGS/guest-$kernel.status"
	count_tap "$kernel" "$LOGS/guest-$kernel.tap"
	SPENT_S[$kernel]=$((SPENT_S[$kernel] + spent_s))
	case $status in
	0 | 1)
		result pass "$kernel" "the guest ended well, its kernel log is clean"
		;;
	*)
		tail -n 40 "$LOGS/guest-$kernel.err"
		result fail "$kernel" "the guest ended with $status" \
			"$LOGS/guest-$kernel.err"
		;;
	esac
}

check_guest()
{
	step "booting $1 for its guest tests (log: $LOGS/guest-$1.tap)"
	rm -f "$LOGS/guest-$1.status"
	run_guest "$1"
	count_guest "$1"
}

# DKMS, with a stock kernel. Compiling in an emulated guest takes long, so the
# build half runs in a chroot whose changes go to memory, where the host allows
# that, and is carried to the guest; else all of it runs in the guest.
check_dkms()
{
	local kernel=$1 dir=$LOGS/dkms status=0 parts="use"

	step "DKMS on $kernel"
	rm -rf "$dir"
	mkdir -p "$dir"
	if ! timed "$kernel" as_root scripts/lib/dkms-cycle.sh chroot "$kernel" "$dir" \
		> "$dir/chroot.log" 2>&1; then
		if ! grep -q 'no chroot' "$dir/chroot.log"; then
			tail -n 20 "$dir/chroot.log"
			result fail "$kernel" "dkms add, build, install" "$dir/chroot.log"
			return 1
		fi
		step "  no chroot with an overlay here: compiling in the guest"
		parts="build use"
	fi
	grep '^ok ' "$dir/chroot.log" > "$dir/dkms.tap"
	timed "$kernel" scripts/vm --kernel "$kernel" --timeout 1500 --out "$dir" \
		--env "PARTS=$parts" -- scripts/lib/dkms-cycle.sh guest "$kernel" /out \
		> "$dir/guest.log" 2>&1 || status=$?
	grep -E '^(not )?ok ' "$dir/guest.log" >> "$dir/dkms.tap"
	count_tap "$kernel" "$dir/dkms.tap"
	if [ "$status" -ne 0 ]; then
		tail -n 30 "$dir/guest.log"
		result fail "$kernel" "the DKMS guest ended with $status" "$dir/guest.log"
	fi
}
