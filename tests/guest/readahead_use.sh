#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the readahead proxy knows of the pages that were read ahead: which of them a program
# uses later, by page faults and by read(), and which it misses after they were evicted.
#
# guest-test: timeout=300 modules=none patching=yes skip-debug=the-readahead-tests-run-this-code
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. What is counted is compared with
# what the program did.

. "$(dirname "$0")/readahead_util.sh"

# reader: a program from stdin, with the file's path and its pages
reader()
{
	{
		cat <<'PYTHON'
import mmap, os, random, sys
path = sys.argv[1]
fd = os.open(path, os.O_RDONLY)
pages = os.fstat(fd).st_size // 4096
random.seed(1)
def mapped():
    return mmap.mmap(fd, 0, prot=mmap.PROT_READ)
PYTHON
		cat
	} > "$tmp/reader.py"
	python3 "$tmp/reader.py" "$mnt/a" || exit 1
}

# watch [PARAMETER=VALUE]...: the action $action always; every use counts, however late
watch()
{
	proxy_load pin=$action "$@" || exit 1
	proxy start
	mount_fresh
}

counted()
{
	echo "watched $(param nr_sampled), used $(param nr_used), unused $(param nr_unused)"
}

# around SHARE: windows of 64K around faults at pages 16, 48, ..., and that share of the pages
# around is used; but not the one behind which the kernel reads on
around()
{
	reader <<PYTHON
m = mapped()
for p in range(16, pages - 16, 32):
    m[p * 4096]
    for q in range(p - 8, p + 8):
        if q != p + 4 and random.random() < $1:
            m[q * 4096]
PYTHON
}

# The file's samples that are left are looked after by its next call.
late()
{
	echo 1 > $params/use_ms
	reader <<< "mapped()[(pages - 1) * 4096]"
	for _ in $(seq 100); do
		[ $(($(param nr_used) + $(param nr_unused))) -lt "$(param nr_sampled)" ] || return
		sleep 0.1
		echo 3 > /proc/sys/vm/drop_caches
		reader <<< "mapped()[(pages - 1) * 4096]"
	done
	counted
	echo "some are never resolved"
	exit 1
}

test_all_used()
{
	action=4
	watch use_ms=30000
	around 1.1
	counted
	[ "$(param nr_used)" -ge 16 ] || exit 1
	expect "pages that were read in vain" "$(param nr_unused)" 0
}

test_none_used()
{
	action=4
	watch use_ms=30000
	around 0
	expect "pages that were used" "$(param nr_used)" 0
	late
	counted
	[ "$(param nr_unused)" -ge 16 ] || exit 1
	expect "pages that were used" "$(param nr_used)" 0
}

test_half_used()
{
	local used unused

	action=4
	watch use_ms=30000
	around 0.5
	late
	counted
	used=$(param nr_used) unused=$(param nr_unused)
	[ "$used" -gt $(((used + unused) / 5)) ] && [ "$unused" -gt $(((used + unused) / 5)) ] ||
		exit 1
}

test_read_in_order()
{
	action=0
	watch use_ms=30000
	reader <<PYTHON
for p in range(pages):
    os.pread(fd, 4096, p * 4096)
PYTHON
	counted
	[ "$(param nr_used)" -ge 16 ] || exit 1
	expect "pages that were read in vain" "$(param nr_unused)" 0
}

# The marks are the kernel's own: the watched pages must not make it read more, or in other
# pieces.
reads_of()
{
	local before

	mount_fresh
	before=$(awk '{ print $1 }' /sys/block/mlptest0/stat)
	reader <<PYTHON
for p in list(range(pages // 2)) + [q for r in range(pages // 2, pages - 32, 32)
                                    for q in range(r, r + 5)]:
    os.pread(fd, 4096, p * 4096)
PYTHON
	echo $(($(awk '{ print $1 }' /sys/block/mlptest0/stat) - before))
}

test_kernel_reads_on()
{
	local without with

	action=0
	watch use_ms=30000
	proxy stop
	without=$(reads_of)
	proxy start
	with=$(reads_of)
	counted
	[ "$(param nr_used)" -ge 16 ] || exit 1
	expect "reads of the device" "$with" "$without"
}

test_missed_again()
{
	local group=/sys/fs/cgroup/use

	memory_cgroup $group || exit 4
	action=1
	watch
	around 1.1
	expect "pages evicted while memory is free" "$(param nr_reclaimed)" 0
	echo 20M > $group/memory.max
	mount_fresh
	(
		echo $BASHPID > $group/cgroup.procs
		reader <<PYTHON
for i in range(12000):
    os.pread(fd, 4096, random.randrange(pages) * 4096)
PYTHON
	) || exit 1
	echo "evicted $(param nr_reclaimed), missed again $(param nr_returned)"
	[ "$(param nr_reclaimed)" -ge 16 ] && [ "$(param nr_returned)" -ge 8 ] || exit 1
	rmdir $group
}

ktap_test "pages around a fault that are all used" test_all_used
ktap_test "pages around a fault that nobody uses" test_none_used
ktap_test "half of the pages around a fault are used" test_half_used
ktap_test "a file that is read in order uses all" test_read_in_order
ktap_test "the kernel reads on where it did" test_kernel_reads_on
ktap_test "evicted pages that are missed again" test_missed_again
ktap_end
