#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Which files the readahead proxy looks after, by their devices and filesystems, and what
# it keeps apart for each of these.
#
# guest-test: timeout=500 modules=none patching=yes
#
# Needs python3 and mkfs.ext4. Counts calls and bytes, and never takes a time.

. "$(dirname "$0")/readahead_util.sh"

ra_key=$BUILDDIR/tests/guest/ra_key

# part N: its device
part()
{
	echo "/dev/mlptest0p$1"
}

# make_mapped: a volume of the device mapper on the test device
make_mapped()
{
	local sectors

	command -v dmsetup > /dev/null || { echo "no dmsetup"; exit 4; }
	modprobe dm-mod 2> /dev/null || { echo "no device mapper"; exit 4; }
	umount -q "$mnt"
	sectors=$(< /sys/block/mlptest0/size)
	drop_mapped
	echo "0 $sectors linear /dev/mlptest0 0" | dmsetup create --noudevsync mlp-linear &&
		mkfs.ext4 -q -O ^has_journal /dev/mapper/mlp-linear || exit 1
	mkdir -p "$tmp/dm"
	mount -o noatime /dev/mapper/mlp-linear "$tmp/dm" || exit 1
	cp "$tmp/reference" "$tmp/dm/a" || exit 1
	mount -o remount,ro "$tmp/dm"
}

drop_mapped()
{
	mountpoint -q "$tmp/dm" && umount "$tmp/dm"
	[ ! -e /dev/mapper/mlp-linear ] || dmsetup remove --noudevsync mlp-linear
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

	umount -q "$mnt"
	drop_parts
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

# Two partitions of a chosen disk: what one of them is asked for is not seen of the other.
test_partitions()
{
	make_parts
	load mlptest0
	pin 0
	read_files <<'PYTHON'
p1, p2 = opened("p1/a"), opened("p2/a")
for n in range(60):
    for i in random.sample(range(0, 2500, 3), 150):
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
	drop_parts
	exit $status
}

# A task that reads from two devices is no other task on either of them, and hides no other.
test_two_devices()
{
	[ -z "$GUEST_DEBUG" ] || exit 4
	make_parts
	load mlptest0p1,mlptest0p2 epoch_calls=4
	follow_all
	read_files <<'PYTHON'
recommend("256K", tmp + "/p2/a")
p1, p2, other = opened("p1/a"), opened("p2/a"), opened("p2/b")
def read_both():
    before, decisions = taken("256K"), value("decisions")
    for n in range(4):
        for i in range(2500):
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
alone = read_both()
thread = threading.Thread(target=beside, daemon=True)
thread.start()
shared = read_both()
busy = False
thread.join()
print("large windows, decisions: alone", alone, "beside another task", shared)
sys.exit(alone[0] < 2 or shared[0] > alone[0] / 10)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	drop_parts
	exit $status
}

# Volumes count the time of reads in ticks, or not at all.
test_counted_in_ticks()
{
	local dm iostats

	make_mapped
	dm=$(basename "$(readlink -f /dev/mapper/mlp-linear)")
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
    for i in random.sample(range(0, 6000, 40), 40):
        read(i)
    return json.loads(cli("snapshot", "readahead", "-j"))["raw"]
def fault(i):
    mapped[i * 4096]
shown = [states(read) for read in (lambda i: pread(fd, i), fault) for _ in range(4)]
print("latency, depth, rate, files:", shown)
# log2, in 256ths, of what the device takes at least
sys.exit(any(raw[0] < 5100 or not raw[1] or not raw[2] for raw in shown))
PYTHON
		status=$?
		[ $status = 0 ] || break
	done
	echo 0 > /sys/module/mlproxy_testblk/parameters/base_us
	rmmod mlproxy_readahead
	drop_mapped
	exit $status
}

ktap_test "partitions of a disk are told apart" test_partitions
ktap_test "a task that reads from two devices is accounted on both" test_two_devices
ktap_test "reads are timed where the device does not" test_counted_in_ticks
ktap_end
