# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# How one run of one load is measured. Sourced by guest.sh, in the guest, under busybox
# sh; and again by what runs there, for the loads. The host's scripts read the names of
# devices and loads here. BENCH_SUBJECT is what is measured, BENCH_LIB the directory that
# has its folder and harness/.
#
# A run mounts the file system afresh, so that nothing is cached, and works inside of a
# memory cgroup. Its programs see a root in memory, loaded before, so that only the test
# device is waited for while the clock runs: the host's files, to which the guest has
# access, answer in the host's time, and an idle guest's clock goes on to its next timer
# meanwhile.

# the root of what runs; a link in it has the same name, so that all paths stay
BENCH_ROOT=/run/bench
BENCH_MNT=$BENCH_ROOT/mnt
BENCH_TOP=$BENCH_ROOT/overlay
BENCH_PARAMETERS=/sys/module/mlproxy_$BENCH_SUBJECT/parameters
BENCH_PIN=$BENCH_PARAMETERS/pin

. "$BENCH_LIB/harness/devices.sh"
. "$BENCH_LIB/harness/memory.sh"
. "$BENCH_LIB/harness/rate.sh"
. "$BENCH_LIB/$BENCH_SUBJECT/subject.sh"
[ ! -f "$BENCH_LIB/outside.sh" ] || . "$BENCH_LIB/outside.sh"

# bench_do LOAD SEED: the load itself; prints what its program prints.
bench_do()
{
	case " ${OUTSIDE_LOADS:-} " in
	*" $1 "*) outside_load "$@" ;;
	*)        bench_work "$@" ;;
	esac
}

# bench_readload SEED OPTION... STREAM...: read files in known patterns. An oracle may act
# on the phases of one.
bench_readload()
{
	seed=$1
	shift
	[ -z "${BENCH_PINS:-}" ] || set -- --phase-file "$BENCH_PIN" --phase-words "$BENCH_PINS" "$@"
	"$BENCH_BIN/readload" --seed "$seed" "$@"
}

# bench_phase N: a load's Nth kind of phase begins; an oracle may act on it.
bench_phase()
{
	[ -z "${BENCH_PINS:-}" ] || echo "$BENCH_PINS" | cut -d " " -f "$1" > "$BENCH_PIN"
}

bench_mount()
{
	case $BENCH_FS in
	ext4) mount -t ext4 -o ro,noload,noatime /dev/$BENCH_DISK $BENCH_MNT ;;
	xfs)  mount -t xfs -o ro,norecovery,noatime /dev/$BENCH_DISK $BENCH_MNT ;;
	*)    mount -t "$BENCH_FS" -o ro,noatime /dev/$BENCH_DISK $BENCH_MNT ;;
	esac
}

# bench_mount_for LOAD: as bench_mount; what writes does it into memory, above the files of
# the device, and that is dropped afterwards: each run starts from the same. Leaves where
# the files are in BENCH_FILES.
bench_mount_for()
{
	bench_mount || return 1
	BENCH_FILES=$BENCH_MNT
	if load_writes "$1"; then
		mkdir -p $BENCH_TOP/upper $BENCH_TOP/work $BENCH_TOP/merged
		mount -t overlay overlay $BENCH_TOP/merged -o \
			lowerdir=$BENCH_MNT,upperdir=$BENCH_TOP/upper,workdir=$BENCH_TOP/work ||
			return 1
		BENCH_FILES=$BENCH_TOP/merged
	fi
	export BENCH_FILES
}

bench_umount()
{
	if [ -d $BENCH_TOP/merged ]; then
		umount $BENCH_TOP/merged || return 1
		rm -rf $BENCH_TOP/upper $BENCH_TOP/work $BENCH_TOP/merged
	fi
	umount $BENCH_MNT
}

# bench_actions: lines of ACTION COUNT, of all decisions since the module was loaded.
bench_actions()
{
	[ -n "$proxy_runs" ] || return 0
	"$MLPROXY" stats "$BENCH_SUBJECT" -j | awk '
		/"by_action":/ { on = 1; next }
		on && /\}/ { exit }
		on { gsub(/[",:]/, ""); print $1, $2 }'
}

# bench_actions_since FILE: words of ACTION=COUNT, of those that FILE has not
bench_actions_since()
{
	bench_actions | awk -v before="$1" '
		BEGIN { while ((getline < before) > 0) had[$1] = $2 }
		$2 > had[$1] { printf "%s%s=%d", n++ ? " " : "", $1, $2 - had[$1] }'
}

# bench_run TAG LOAD SEED POLICY SETTING: one measured run, at SETTING of the kernel's own
# knob. Prints a line, with the times in microseconds:
# TAG,load,seed,policy,ops,us_per_op,reads,read_pages,link_busy_us,actions
# and leaves the time per operation in bench_us.
bench_run()
{
	subject_set "$5"
	load_mb=$(load_memory "$2")
	[ -z "$load_mb" ] || bench_memory "$load_mb"
	bench_mount_for "$2" || return 1
	subject_mounted "$5"
	bench_actions > /run/bench/actions
	bench_counters
	before_reads=$reads before_bytes=$bytes before_busy=$busy
	# 0: whoever writes it
	# shellcheck disable=SC2016 # for the other shell
	if ! (echo 0 > $BENCH_CGROUP/cgroup.procs && exec chroot $BENCH_ROOT sh -c '
	     . "$BENCH_LIB/harness/run.sh"
	     bench_do "$@"' sh "$2" "$3") \
	     > /run/bench/log 2>&1 || ! rate=$(bench_rate /run/bench/log); then
		cat /run/bench/log
		echo "load $2 failed" >&2
		bench_umount
		return 1
	fi
	bench_counters
	bench_umount || return 1
	# shellcheck disable=SC2034 # for the caller
	bench_us=${rate#*,}
	reads=$((reads - before_reads))
	echo "$1,$2,$3,$4,$rate,$reads,$(((bytes - before_bytes) / 4096)),$(((busy - before_busy) / 1000)),$(bench_actions_since /run/bench/actions)"
}

# bench_setup STAGE IMAGE DEVICE: the programs, and the device with the image on it, which
# is filled at full speed; with IMAGE+FS where the device is to have another file system.
bench_setup()
{
	BENCH_FS=$(bench_device_fs "$3")
	[ "$BENCH_FS" = ext4 ] || set -- "$1" "$2+$BENCH_FS" "$3"
	mkdir -p $BENCH_ROOT
	mount -t tmpfs -o size=400m tmpfs $BENCH_ROOT || return 1
	mkdir -p $BENCH_MNT $BENCH_ROOT/tmp $BENCH_ROOT/run
	ln -s / $BENCH_ROOT$BENCH_ROOT
	cp -a "$1/." $BENCH_ROOT/
	for fs in dev proc sys; do
		mkdir $BENCH_ROOT/$fs
		mount -o bind /$fs $BENCH_ROOT/$fs || return 1
	done
	BENCH_BIN=$BENCH_ROOT/bin
	BENCH_LIB=$BENCH_ROOT
	LD_LIBRARY_PATH=$BENCH_ROOT/lib
	TMPDIR=$BENCH_ROOT/tmp
	PATH=$BENCH_BIN:$PATH
	export BENCH_BIN BENCH_LIB BENCH_SUBJECT LD_LIBRARY_PATH TMPDIR PATH
	modprobe "$BENCH_FS" || return 1
	modprobe overlay || return 1
	bench_device "$3" $(($(stat -c %s "$2") / 1048576)) || return 1
	dd if="$2" of=/dev/$BENCH_DISK bs=1M conv=fsync 2>/dev/null || return 1
	bench_device_begin || return 1
	bench_memory_setup
}
