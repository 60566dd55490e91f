# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The demo's workloads, and how one run of one of them is measured. Sourced by
# guest.sh, in the guest, under busybox sh, with "here" set to its directory. The host's
# scripts read the names of devices and workloads here.
#
# A run mounts the file system afresh, so that nothing is cached, and works
# inside of a memory cgroup that is smaller than the data. Its programs see a root
# in memory, loaded before, so that only the test device is waited for while the clock
# runs: the host's files, to which the guest has access, answer in the host's time, and an
# idle guest's clock goes on to its next timer meanwhile.

BENCH_DISK=mlptest0
# the root of what runs; a link in it has the same name, so that all paths stay
BENCH_ROOT=/run/bench
BENCH_MNT=$BENCH_ROOT/mnt
BENCH_TOP=$BENCH_ROOT/overlay
BENCH_PIN=/sys/module/mlproxy_readahead/parameters/pin
BENCH_CGROUP=/sys/fs/cgroup/bench
BENCH_CGROUP_BYTES=$((32 << 20))
BENCH_COUNTERS=/sys/block/$BENCH_DISK/testblk
BENCH_QUEUE=/sys/block/$BENCH_DISK/queue

# Device models: latency of a request in us, and bandwidth in MB/s.
BENCH_DEVICES="nvme15=15:7000 nvme=80:2000 cloud=800:250 slow=5000:100"

BENCH_LIB=${BENCH_LIB:-$here/..}
. "$BENCH_LIB/readahead/loads-train.sh"
. "$BENCH_LIB/readahead/loads-validate.sh"
. "$BENCH_LIB/readahead/loads-test.sh"

# Those that the demo's table is about.
BENCH_WORKLOADS=${BENCH_WORKLOADS:-"rr-mmap rr-pread scan-mmap seq-mmap seq-pread \
rev-mmap rev-pread mix phases"}

# bench_db NAME READS SEED [OPTION]...: run db_bench on the database. RocksDB gives no
# advice, or nobody else could choose, unless "advise" says so.
bench_db()
{
	name=$1 reads=$2 seed=$3
	shift 3
	"$BENCH_BIN/db_bench" --db="${BENCH_DB:-$BENCH_MNT/db}" --use_existing_db=1 --readonly=1 \
		--benchmarks="$name" --reads="$reads" --seed="$seed" \
		--num=200000 --value_size=1000 --compression_type=none \
		--cache_size=1048576 --advise_random_on_open="${advise:-0}" "$@"
}

# bench_sqlite SEED PRAGMA QUERY OPERATIONS: R in the query is a table of random x.
bench_sqlite()
{
	timed "$4" sqlite3 -readonly $BENCH_MNT/sqlite.db "$2; WITH RECURSIVE r(i, x) AS (
		SELECT 1, $1 UNION ALL
		SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM r WHERE i < $4) $3"
}

# bench_load SEED OPTION... STREAM...: read the plain files in known patterns. An oracle may
# act on the phases of one.
bench_load()
{
	seed=$1
	shift
	[ -z "${BENCH_PINS:-}" ] || set -- --phase-file $BENCH_PIN --phase-words "$BENCH_PINS" "$@"
	"$BENCH_BIN/readload" --seed "$seed" "$@"
}

# bench_work WORKLOAD SEED: the workload itself; prints what its program prints.
# The amount of work moves a little with the seed where the program itself
# draws nothing at random.
bench_work()
{
	more=$(($2 % 16 * 250))
	case $1 in
	rr-mmap)   bench_db readrandom 1200 "$2" --mmap_read=1 ;;
	rr-pread)  bench_db readrandom 1200 "$2" ;;
	scan-mmap) bench_db seekrandom 60 "$2" --mmap_read=1 --seek_nexts=200 ;;
	seq-mmap)  bench_db readseq $((24000 + more)) "$2" --mmap_read=1 ;;
	seq-pread) bench_db readseq $((24000 + more)) "$2" ;;
	rev-mmap)  bench_db readreverse $((24000 + more)) "$2" --mmap_read=1 ;;
	rev-pread) bench_db readreverse $((12000 + more)) "$2" ;;
	mix)
		bench_load "$2" --ms 300 $BENCH_MNT/a,mmap,random $BENCH_MNT/b,pread,seq \
			$BENCH_MNT/c,mmap,cluster:16 $BENCH_MNT/d,pread,reverse
		;;
	phases)
		bench_load "$2" --ops 4608 $BENCH_MNT/a,mmap,phases:768
		;;
	t-*)
		bench_train_work "$1" "$2"
		;;
	v-*)
		bench_validate_work "$1" "$2"
		;;
	*)
		bench_test_work "$1" "$2"
		;;
	esac
}

# bench_phase N: a workload's Nth kind of phase begins; an oracle may act on it.
bench_phase()
{
	[ -z "${BENCH_PINS:-}" ] || echo "$BENCH_PINS" | cut -d " " -f "$1" > $BENCH_PIN
}

# bench_rate FILE: operations and microseconds an operation, out of the output of
# any of the programs; of several ones the sum and the geometric mean, for which busybox
# has no logarithm.
bench_rate()
{
	mawk '
	/micros\/op/ { for (i = 1; i < NF; i++) {
		if ($(i + 1) == "micros/op") { log_us += log($i); n++ }
		if ($(i + 1) ~ /^operations/) ops += $i
	} }
	/"ops_per_s"/ {
		match($0, /\],"ops":[0-9]+/)
		ops = substr($0, RSTART + 8, RLENGTH - 8)
		match($0, /"ops_per_s":[0-9.]+\}$/)
		log_us = log(1000000 / substr($0, RSTART + 12, RLENGTH - 13))
		n = 1
	}
	# fio, for each job
	/"runtime" :/ { ms = $3 + 0 }
	/"total_ios" :/ && ms && $3 + 0 {
		ops += $3
		log_us += log(ms * 1000 / $3)
		n++
		ms = 0
	}
	END {
		if (!n || !ops)
			exit 1
		printf "%d,%.4f\n", ops, exp(log_us / n)
	}' "$1"
}

bench_mount()
{
	mount -t ext4 -o ro,noload,noatime /dev/$BENCH_DISK $BENCH_MNT
}

# bench_mount_for WORKLOAD: as bench_mount; what writes does it into memory, above the
# files of the device, and that is dropped afterwards: each run starts from the same.
bench_mount_for()
{
	bench_mount || return 1
	BENCH_DB=$BENCH_MNT/db
	case $1 in
	*-rww-*)
		mkdir -p $BENCH_TOP/upper $BENCH_TOP/work $BENCH_TOP/merged
		mount -t overlay overlay $BENCH_TOP/merged -o \
			lowerdir=$BENCH_MNT,upperdir=$BENCH_TOP/upper,workdir=$BENCH_TOP/work ||
			return 1
		BENCH_DB=$BENCH_TOP/merged/db
		;;
	esac
	export BENCH_DB
}

bench_umount()
{
	if [ -d $BENCH_TOP/merged ]; then
		umount $BENCH_TOP/merged || return 1
		rm -rf $BENCH_TOP/upper $BENCH_TOP/work $BENCH_TOP/merged
	fi
	umount $BENCH_MNT
}

# Leaves the device's counters in reads, bytes and busy; without a process of its own.
bench_counters()
{
	read -r reads < $BENCH_COUNTERS/reads
	read -r bytes < $BENCH_COUNTERS/read_bytes
	read -r busy < $BENCH_COUNTERS/link_busy_ns
}

# bench_run TAG WORKLOAD SEED POLICY KB: one measured run, at a readahead window of
# KB by the device's default. Prints a line, with the times in microseconds:
# TAG,workload,seed,policy,ops,us_per_op,reads,read_pages,link_busy_us
# and leaves the time per operation in bench_us.
bench_run()
{
	echo "$5" > $BENCH_QUEUE/read_ahead_kb
	bench_mount_for "$2" || return 1
	bench_counters
	before_reads=$reads before_bytes=$bytes before_busy=$busy
	# 0: whoever writes it
	# shellcheck disable=SC2016 # for the other shell
	if ! (echo 0 > $BENCH_CGROUP/cgroup.procs && exec chroot $BENCH_ROOT sh -c '
	     . "$BENCH_LIB/harness/run.sh"
	     bench_work "$@"' sh "$2" "$3") \
	     > /run/bench/log 2>&1 || ! rate=$(bench_rate /run/bench/log); then
		cat /run/bench/log
		echo "workload $2 failed" >&2
		bench_umount
		return 1
	fi
	bench_counters
	bench_umount || return 1
	# shellcheck disable=SC2034 # for the caller
	bench_us=${rate#*,}
	reads=$((reads - before_reads))
	echo "$1,$2,$3,$4,$rate,$reads,$(((bytes - before_bytes) / 4096)),$(((busy - before_busy) / 1000))"
}

# bench_device_model NAME: base latency and bandwidth, out of the table or BASE_US:MBPS
# as it is.
bench_device_model()
{
	case $1 in
	*:*)
		echo "$1"
		return
		;;
	esac
	for device in $BENCH_DEVICES; do
		[ "${device%%=*}" != "$1" ] || echo "${device#*=}"
	done
}

bench_device()
{
	device_model=$(bench_device_model "$1")
	if [ -z "$device_model" ]; then
		echo "no device model $1" >&2
		return 1
	fi
	echo "${device_model%:*}" > /sys/module/mlproxy_testblk/parameters/base_us
	echo "${device_model#*:}" > /sys/module/mlproxy_testblk/parameters/mbps
}

# bench_setup STAGE IMAGE MODEL: the programs, and the device with the image on
# it, which is filled at full speed.
bench_setup()
{
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
	export BENCH_BIN BENCH_LIB LD_LIBRARY_PATH TMPDIR PATH
	modprobe ext4 || return 1
	modprobe overlay || return 1
	insmod "$BENCH_MODULES/testing/mlproxy_testblk.ko" preset=ram \
		size_mb=$(($(stat -c %s "$2") / 1048576)) || return 1
	dd if="$2" of=/dev/$BENCH_DISK bs=1M conv=fsync 2>/dev/null || return 1
	bench_device "$3" || return 1
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	mkdir $BENCH_CGROUP
	echo $BENCH_CGROUP_BYTES > $BENCH_CGROUP/memory.max
}
