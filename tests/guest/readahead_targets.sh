#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Which files the readahead proxy looks after, by their devices and filesystems, and what
# it keeps apart for each of these.
#
# guest-test: timeout=300 modules=none patching=yes debug=thorough
#
# Needs python3 and mkfs.ext4; dmsetup, mkfs.xfs and mkfs.btrfs for some. Counts calls and bytes,
# and never takes a time.

. "$(dirname "$0")/readahead_util.sh"

ra_key=$BUILDDIR/tests/guest/ra_key

# part N: its device
part()
{
	echo "/dev/mlptest0p$1"
}

# make_mapped: a volume of the device mapper on the test device, $dm
make_mapped()
{
	local sectors

	command -v dmsetup > /dev/null || { echo "no dmsetup"; exit 4; }
	modprobe dm-mod 2> /dev/null || { echo "no device mapper"; exit 4; }
	drop_parts
	umount -q "$mnt"
	sectors=$(< /sys/block/mlptest0/size)
	drop_mapped
	echo "0 $sectors linear /dev/mlptest0 0" | dmsetup create --noudevsync mlp-linear || exit 1
	dm=$(dmsetup info -c --noheadings -o blkdevname mlp-linear)
	# there is no udev to do that
	mkdir -p /dev/mapper && ln -sf "../$dm" /dev/mapper/mlp-linear &&
		mkfs.ext4 -q -O ^has_journal /dev/mapper/mlp-linear || exit 1
	mkdir -p "$tmp/dm"
	mount -o noatime /dev/mapper/mlp-linear "$tmp/dm" || exit 1
	cp "$tmp/reference" "$tmp/dm/a" && sync "$tmp/dm/a" || exit 1
}

drop_mapped()
{
	mountpoint -q "$tmp/dm" && umount "$tmp/dm"
	dmsetup info mlp-linear > /dev/null 2>&1 || return 0
	dmsetup remove --noudevsync mlp-linear
	rm -f /dev/mapper/mlp-linear
}

# load TARGET OPTION...: the proxy, running
load()
{
	stop_load
	mod_loaded mlproxy_readahead && rmmod mlproxy_readahead
	mod_load mlproxy_readahead "target=$1" "${@:2}" && proxy start || exit 1
}

# make_parts: the test device has two partitions, with a filesystem on each
make_parts()
{
	local i

	mountpoint -q "$tmp/p1" && mountpoint -q "$tmp/p2" && return
	drop_parts
	umount -q "$mnt" "$tmp/late"
	for i in 1 2; do
		mkdir -p "$tmp/p$i"
		addpart /dev/mlptest0 $i $((i * 61440 - 59392)) 59392 &&
			mkfs.ext4 -q -O ^has_journal "$(part $i)" &&
			mount -o noatime "$(part $i)" "$tmp/p$i" &&
			head -c 10M "$tmp/reference" > "$tmp/p$i/a" &&
			cp "$tmp/p$i/a" "$tmp/p$i/b" || exit 1
		umount "$tmp/p$i" && mount -o noatime "$(part $i)" "$tmp/p$i" || exit 1
	done
}

drop_parts()
{
	local i

	for i in 1 2; do
		umount -q "$tmp/p$i" 2> /dev/null
		delpart /dev/mlptest0 $i 2> /dev/null
	done
}

clean_up()
{
	umount -ql "$tmp/hung" 2> /dev/null
	drop_parts
	drop_mapped
	finish
}
trap clean_up EXIT

# read_files SCRIPT: in python, with what it needs; $tmp/p1/a is p1, and so on
read_files()
{
	{
		echo "tool, ra_key, tmp = '$mlproxy', '$ra_key', '$tmp'"
		cat <<'PYTHON'
import json, os, random, subprocess, sys, threading
random.seed(1)
params = "/sys/module/mlproxy_readahead/parameters/"
def value(name):
    return int(open(params + "nr_" + name).read())
def cli(*args, text=None):
    return subprocess.run([tool, *args], input=text, check=True, capture_output=True,
                          text=True).stdout
def recommend(action, path):
    key = subprocess.run([ra_key, path], check=True, capture_output=True, text=True).stdout
    cli("recommend", "readahead", "-f", "-", text="%s %s 65535 3600000\n" % (key.strip(), action))
def taken(action):
    return json.loads(cli("stats", "readahead", "-j"))["by_action"][action]
def opened(name):
    return os.open(tmp + "/" + name, os.O_RDONLY)
def pread(fd, i):
    os.pread(fd, 4096, i * 4096)
def drop(fd):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
PYTHON
		cat
	} > "$tmp/read.py"
	python3 "$tmp/read.py"
}

# fill DIR: a file a there, which is on the device
fill()
{
	head -c 1M "$tmp/reference" > "$1/a" && sync "$1/a" || exit 1
}

# seen DIR: calls that the proxy sees as the file there is read from its device
seen()
{
	local before

	before=$(param nr_calls)
	dd if="$1/a" iflag=nocache count=0 status=none
	cmp -n $((1 << 20)) "$1/a" "$tmp/reference" > /dev/null || exit 1
	echo $(($(param nr_calls) - before))
}

expect_seen()
{
	[ "$(seen "$1")" -gt 0 ] || { echo "not looked after: $1; $(param target_state)"; exit 1; }
}

expect_unseen()
{
	expect "calls of $1, $(param target_state)" "$(seen "$1")" 0
}

# state TARGET: what is said of it
state()
{
	local line

	while read -r line; do
		[[ $line != "$1: "* ]] || echo "${line#"$1": }"
	done < $params/target_state
}

choose()
{
	echo "$1" > $params/target || exit 1
}

# disk MB PARAMETER...: the test device, of another size, without anything on it
disk()
{
	drop_parts
	umount -q "$mnt"
	rmmod mlproxy_testblk && mod_load mlproxy_testblk preset=ram size_mb="$@" || exit 1
}

# mounted TYPE OPTION...: a new filesystem on the test device
mounted()
{
	command -v "mkfs.$1" > /dev/null || { echo "no mkfs.$1"; exit 4; }
	"mkfs.$1" -q "${@:2}" /dev/mlptest0 > "$tmp/mkfs" 2>&1 || { cat "$tmp/mkfs"; exit 1; }
	modprobe -q "$1" 2> /dev/null
	grep -qw "$1" /proc/filesystems || { echo "no $1"; exit 4; }
	mount -o noatime /dev/mlptest0 "$mnt" || exit 1
	fill "$mnt"
}

# A name that means nothing is kept, and told of.
test_late()
{
	mkdir -p "$tmp/late"
	log_mark
	load "$tmp/late,fstype:vfat,no-such-device" || exit 1
	expect "warnings" "$(log_after | grep -c 'is taken up when it comes')" 3
	expect "what is chosen" "$(param target)" "$tmp/late,fstype:vfat,no-such-device"
	expect "state of a directory" "$(state "$tmp/late")" "none: nothing is mounted on this directory"
	expect "state of a type" "$(state fstype:vfat)" "none: nothing is mounted from it"
	expect "state of a name" "$(state no-such-device)" "none: not there"
	mountpoint -q "$mnt" || mount -o noatime /dev/mlptest0 "$mnt" || exit 1
	fill "$mnt"
	expect_unseen "$mnt"
	mount --bind "$mnt" "$tmp/late"
	# to look at it is to look for it
	[[ $(state "$tmp/late") == "ext4 on "*" (mlptest0)" ]] || { state "$tmp/late"; exit 1; }
	expect_seen "$mnt"
	umount "$tmp/late"
	expect "state without it" "$(state "$tmp/late")" "none: nothing is mounted on this directory"
	expect_unseen "$mnt"
	rmmod mlproxy_readahead
}

# within SECONDS COMMAND...: it must end
within()
{
	timeout -k 1 "$@" || { echo "does not end: ${*:2}"; exit 1; }
}

# As that of a server that is gone; or a path that leads there since it was chosen.
test_hung()
{
	local writer

	modprobe -q fuse 2> /dev/null
	mkdir -p "$tmp/hung"
	load "$tmp/hung/sub,mlptest0"
	exec 9<> /dev/fuse || exit 4
	mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hung "$tmp/hung" || exit 4
	within 60 cat $params/target_state
	within 60 sh -c "echo $tmp/hung > $params/target"
	expect "state" "$(state "$tmp/hung")" "none: served by a program"
	sh -c "echo $tmp/hung/sub > $params/target" 9<&- &
	writer=$!
	# it waits, until it is killed
	for i in $(seq 100); do
		grep -q fuse "/proc/$writer/stack" 2> /dev/null && break
		sleep 0.1
	done
	within 60 "$mlproxy" stop readahead
	within 60 "$mlproxy" start readahead
	kill -0 $writer || { echo "the writer did not wait"; exit 1; }
	kill -9 $writer
	wait $writer 2> /dev/null
	umount -l "$tmp/hung"
	exec 9<&-
	within 60 rmmod mlproxy_readahead
}

# It is looked for without being asked, too.
test_late_device()
{
	local i

	load mapper/mlp-linear
	expect "state of a name" "$(state mapper/mlp-linear)" "none: not there"
	make_mapped
	fill "$tmp/dm"
	for i in $(seq 600); do
		[ "$(seen "$tmp/dm")" -gt 0 ] && break
		sleep 0.1
	done
	expect_seen "$tmp/dm"
	rmmod mlproxy_readahead
	drop_mapped
}

# The disk below a volume has nothing mounted from it.
test_below()
{
	make_mapped
	fill "$tmp/dm"
	load mlptest0
	expect "state of the disk" "$(state mlptest0)" "none: nothing is mounted from it"
	expect_unseen "$tmp/dm"
	choose mapper/mlp-linear
	expect_seen "$tmp/dm"
	choose "$(lsblk -dno MAJ:MIN /dev/mapper/mlp-linear | tr -d ' ')"
	expect_seen "$tmp/dm"
	rmmod mlproxy_readahead
	drop_mapped
}

# All local ones: a disk's and that on a file of it; no other.
test_local()
{
	local dir

	mountpoint -q "$mnt" || mount -o noatime /dev/mlptest0 "$mnt" || exit 1
	fill "$mnt"
	mkdir -p "$mnt"/upper "$mnt"/work "$tmp"/{loop,tmpfs,overlay}
	rm -f "$mnt/b"
	truncate -s 16M "$mnt/image"
	mkfs.ext4 -q -O ^has_journal "$mnt/image"
	modprobe -q loop
	mount -o loop "$mnt/image" "$tmp/loop" || { echo "no loop device"; exit 4; }
	mount -t tmpfs tmpfs "$tmp/tmpfs" || exit 1
	mount -t overlay -o "lowerdir=$tmp/loop,upperdir=$mnt/upper,workdir=$mnt/work" \
		overlay "$tmp/overlay" || { echo "no overlay"; exit 4; }
	fill "$tmp/loop"
	fill "$tmp/tmpfs"
	load local
	[[ $(state local) == *"(mlptest0)"* && $(state local) == *"(loop"* ]] ||
		{ state local; exit 1; }
	[[ $(state local) != *tmpfs* && $(state local) != *overlay* ]] || { state local; exit 1; }
	expect_seen "$mnt"
	expect_seen "$tmp/loop"
	expect_unseen "$tmp/tmpfs"
	# which reads from the one below
	expect_seen "$tmp/overlay"
	choose "$tmp/loop"
	expect_unseen "$mnt"
	expect_seen "$tmp/overlay"
	for dir in "$tmp/tmpfs" "$tmp/overlay" fstype:overlay /proc; do
		choose "$dir"
		expect "state of $dir" "$(state "$dir")" "none: without a block device of its own"
		expect_unseen "$tmp/overlay"
	done
	rmmod mlproxy_readahead
	umount "$tmp/overlay" "$tmp/tmpfs" "$tmp/loop"
	rm "$mnt/image"
}

test_xfs()
{
	disk 400
	mounted xfs
	load mlptest0
	expect_seen "$mnt"
	choose fstype:ext4
	expect_unseen "$mnt"
	choose fstype:xfs
	expect_seen "$mnt"
	rmmod mlproxy_readahead
}

# It has no device of its own: a number, and subvolumes that share inode numbers.
test_btrfs()
{
	disk 256
	mounted btrfs
	load mlptest0
	expect_seen "$mnt"
	choose "$mnt"
	expect_seen "$mnt"
	btrfs -q subvolume snapshot "$mnt" "$mnt/snapshot" || exit 1
	expect "inode of the snapshot's file" "$(stat -c %i "$mnt/snapshot/a")" \
		"$(stat -c %i "$mnt/a")"
	expect_fail test "$("$ra_key" "$mnt/a")" = "$("$ra_key" "$mnt/snapshot/a")"
	pin 0
	read_files <<'PYTHON' || exit 1
fd = opened("mnt/a")
for n in range(60):
    drop(fd)
    for i in range(250):
        pread(fd, i)
print("watched", value("sampled"), "used", value("used"))
sys.exit(value("used") == 0)
PYTHON
	pin 8
	read_files <<'PYTHON'
for name in "mnt/a", "mnt/snapshot/a":
    fd = opened(name)
    prefetched = value("prefetched")
    for n in range(2):
        drop(fd)
        for i in range(250, 10, -1):
            pread(fd, i)
    prefetched = value("prefetched") - prefetched
    print(name, "prefetched:", prefetched, "refused:", value("refused"))
    if prefetched < 10:
        sys.exit(1)
PYTHON
	status=$?
	raw=$("$mlproxy" snapshot readahead)
	echo "$raw"
	rmmod mlproxy_readahead
	umount "$mnt"
	exit $status
}

# Two partitions of a chosen disk: what one of them is asked for is not seen of the other.
test_partitions()
{
	make_parts
	load mlptest0
	pin 0
	read_files <<'PYTHON'
p1, p2 = opened("p1/a"), opened("p2/a")
for n in range(12):
    for i in random.sample(range(0, 2500, 3), 100):
        pread(p1, i)
    for i in random.sample(range(0, 2500, 3), 2):
        pread(p2, i)
    drop(p1), drop(p2)
raw = json.loads(cli("snapshot", "readahead", "-j"))["raw"]
print("latency, depth, rate, files:", raw)
if len(raw) != 8:
    sys.exit("not the state of two devices")
# as log2, in 256ths
if raw[2] < raw[6] + 2 * 256:
    sys.exit("the partitions' rates are mixed")
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# read_beside DIR: large windows for DIR's file a, which a task reads alone, and then beside one
# that reads the other file, p1/b
read_beside()
{
	read_files <<PYTHON
recommend("256K", tmp + "/p2/a")
p1, p2, other = opened("p1/a"), opened("p2/a"), opened("p1/b")
both = $1
def read():
    before, decisions = taken("256K"), value("decisions")
    for n in range(2):
        for i in range(1500):
            if both:
                pread(p1, i)
            pread(p2, i)
        drop(p1), drop(p2)
    return taken("256K") - before, value("decisions") - decisions
busy = True
def beside():
    i = 0
    while busy:
        i += 37
        pread(other, i % 2500)
        drop(other)
alone = read()
thread = threading.Thread(target=beside, daemon=True)
thread.start()
shared = read()
busy = False
thread.join()
print("large windows, decisions: alone", alone, "beside another task", shared)
sys.exit(alone[0] < 2 or (shared[0] > alone[0] / 2) != $2)
PYTHON
}

# A task that reads from two disks is no other task on either of them, and another one on one of
# them is none on the other.
test_two_disks()
{
	local i

	disk 32 nr_devices=2
	for i in 1 2; do
		mkdir -p "$tmp/p$i"
		mkfs.ext4 -q -O ^has_journal "/dev/mlptest$((i - 1))" &&
			mount -o noatime "/dev/mlptest$((i - 1))" "$tmp/p$i" &&
			head -c 10M "$tmp/reference" > "$tmp/p$i/a" &&
			cp "$tmp/p$i/a" "$tmp/p$i/b" && sync "$tmp/p$i"/* || exit 1
		echo 3 > /proc/sys/vm/drop_caches
	done
	load mlptest0,mlptest1 epoch_calls=4
	follow_all
	read_beside True True
	status=$?
	rmmod mlproxy_readahead
	umount "$tmp/p1" "$tmp/p2"
	disk 64
	exit $status
}

# What reads from another partition of the disk takes its share of the disk.
test_disk_shared()
{
	make_parts
	load mlptest0 epoch_calls=4
	follow_all
	read_beside False False
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# Volumes count the time of reads in ticks, or not at all.
test_counted_in_ticks()
{
	local iostats

	make_mapped
	load mapper/mlp-linear
	pin 0
	echo 1000 > /sys/module/mlproxy_testblk/parameters/base_us
	for iostats in 1 0; do
		echo $iostats > "/sys/block/$dm/queue/iostats"
		read_files <<'PYTHON'
import mmap
fd = opened("dm/a")
mapped = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
def states(read):
    drop(fd)
    for i in random.sample(range(0, 6000, 40), 30):
        read(i)
    return json.loads(cli("snapshot", "readahead", "-j"))["raw"]
def fault(i):
    mapped[i * 4096]
shown = [states(read) for read in (lambda i: pread(fd, i), fault) for _ in range(1)]
print("latency, depth, rate, files:", shown)
# log2, in 256ths; what the device takes at least is 5096, some of it on the CPU
sys.exit(any(raw[0] < 4900 or not raw[1] or not raw[2] for raw in shown))
PYTHON
		status=$?
		[ $status = 0 ] || break
	done
	echo 0 > /sys/module/mlproxy_testblk/parameters/base_us
	rmmod mlproxy_readahead
	drop_mapped
	exit $status
}

# instances: their names
instances()
{
	local dir names=

	for dir in /sys/class/misc/mlproxy/readahead:*; do
		[ ! -d "$dir" ] || names="$names ${dir##*:}"
	done
	echo "${names# }"
}

wait_instances()
{
	local i

	for i in $(seq 300); do
		[ "$(instances)" = "$1" ] && return
		sleep 0.2
	done
	expect instances "$(instances)" "$1"
}

# decide NAME: the instance decides, while the file on its device is read
decide()
{
	read_files <<PYTHON
fd = opened("${1#mlptest0}/a")
def decided(name):
    return sum(json.loads(cli("stats", name, "-j"))["by_action"].values())
before = decided("readahead:$1")
for n in range(2):
    drop(fd)
    for i in random.sample(range(0, 2500, 3), 200):
        pread(fd, i)
print("decisions of $1:", before, decided("readahead:$1"))
sys.exit(decided("readahead:$1") == before)
PYTHON
}

# Each device decides by itself, from its first miss on until it is chosen no more.
test_instances()
{
	make_parts
	load mlptest0 per_device=1
	expect "instances" "$(instances)" ""
	cat "$tmp/p1/a" > /dev/null
	wait_instances mlptest0p1
	cat "$tmp/p2/a" > /dev/null
	wait_instances "mlptest0p1 mlptest0p2"
	decide mlptest0p1 && decide mlptest0p2 || exit 1
	"$mlproxy" snapshot readahead:mlptest0p2 || exit 1
	# out of sight is not gone, as long as it is read
	unshare -m --propagation private sh -ec "
		mkdir $tmp/hidden; mount $(part 1) $tmp/hidden
		nsenter -t $$ -m umount $tmp/p1
		for i in \$(seq 30); do
			echo 3 > /proc/sys/vm/drop_caches
			head -c 64K $tmp/hidden/a > /dev/null
			sleep 0.2
		done" || exit 1
	expect "instances while one is read elsewhere" "$(instances)" "mlptest0p1 mlptest0p2"
	# what is neither to be seen nor read is
	umount "$tmp/p2"
	wait_instances mlptest0p1
	mount -o noatime "$(part 1)" "$tmp/p1" && mount -o noatime "$(part 2)" "$tmp/p2" || exit 1
	cat "$tmp/p2/a" > /dev/null
	wait_instances "mlptest0p1 mlptest0p2"
	choose "$(part 2)"
	expect "instances of what is chosen" "$(instances)" mlptest0p2
	proxy stop
	choose "$(part 1)"
	expect "instances of what was not read" "$(instances)" ""
	proxy start
	cat "$tmp/p1/b" > /dev/null
	wait_instances mlptest0p1
	decide mlptest0p1 || exit 1
	rmmod mlproxy_readahead || exit 1
}

ktap_test "a directory, a type or a name that means nothing is kept, and told of" test_late
ktap_test "a filesystem that does not answer holds up nobody" test_hung
ktap_test "a device that comes later is taken up" test_late_device
ktap_test "a disk does not stand for the volumes on it" test_below
ktap_test "all local filesystems, and no other" test_local
ktap_test "partitions of a disk are told apart" test_partitions
ktap_test "who reads from another partition counts as one on the disk" test_disk_shared
ktap_test "an instance of the proxy for each device" test_instances
ktap_test "a task that reads from two disks is accounted on both" test_two_disks
ktap_test "reads are timed where the device does not" test_counted_in_ticks
ktap_test "XFS" test_xfs
ktap_test "btrfs, and its snapshots apart" test_btrfs
ktap_end
