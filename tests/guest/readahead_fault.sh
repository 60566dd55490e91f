#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Page faults that the readahead proxy prefetches for, as the kernel does it: not with the
# memory map's lock held, and not where that can't be let go, or reads are held back.
#
# guest-test: timeout=300 modules=none patching=yes debug=thorough
#
# Needs python3 and mkfs.ext4. On a device with one request at a time, which are slow while
# others are counted: what was done in that, not how long it took.

. "$(dirname "$0")/readahead_util.sh"

testblk=/sys/module/mlproxy_testblk/parameters

# slow_device: the test device with one request at a time
slow_device()
{
	umount "$mnt" && rmmod mlproxy_testblk || exit 1
	mod_load mlproxy_testblk size_mb=64 preset=nvme depth=1 queues=1 instant=1 || exit 1
	echo none > /sys/block/mlptest0/queue/scheduler
	mkfs.ext4 -q -O ^has_journal /dev/mlptest0 && mount_fresh || exit 1
	cp "$tmp/reference" "$mnt/a" || exit 1
	echo 128 > /sys/block/mlptest0/queue/read_ahead_kb
	mount_fresh
}

slow_gone()
{
	umount "$mnt" && rmmod mlproxy_testblk && make_fs
}

# mapped: a program from stdin, which has a file mapped at base, touch() for a page of it,
# and value() of a counter
mapped()
{
	{
		cat <<'PYTHON'
import ctypes, os, resource, sys, threading, time
path, params, args = sys.argv[1], sys.argv[2], sys.argv[3:]
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
PROT_READ, MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 1, 1, 2, 32
base = libc.mmap(None, 16 << 20, PROT_READ, MAP_SHARED, os.open(path, os.O_RDONLY), 0)
# without Python's own lock
def touch(page):
    libc.memcpy(ctypes.create_string_buffer(1), base + page * 4096, 1)
def value(name):
    return int(open(params + "/nr_" + name).read())
PYTHON
		cat
	} > "$tmp/mapped.py"
	python3 "$tmp/mapped.py" "$1" $params "${@:2}"
}

# Others map and unmap memory while the requests of a prefetch wait for each other.
test_unlocked()
{
	slow_device
	proxy_load || exit 1
	proxy start
	pin 9
	mapped "$mnt/a" /sys/block/mlptest0/stat $testblk <<'PYTHON'
stat, testblk = args
def reads():
    return int(open(stat).read().split()[0])
def in_flight():
    return int(open(stat).read().split()[8])
def set_device(name, to):
    with open(testblk + "/" + name, "w") as f:
        f.write(str(to))
def fault():
    touch(1080)
touch(1000)
touch(1040)
set_device("base_us", 500000)
set_device("instant", 0)
names = "calls", "prefetched", "unlocked", "refused"
before = [value(n) for n in names]
major = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
thread = threading.Thread(target=fault)
thread.start()
while not in_flight() and thread.is_alive():
    pass
# how many requests had been served each time that memory could be mapped and unmapped
served = set()
while thread.is_alive():
    n = reads()
    at = libc.mmap(None, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    libc.munmap(at, 4096)
    if n == reads():
        served.add(n)
thread.join()
set_device("instant", 1)
major = resource.getrusage(resource.RUSAGE_SELF).ru_majflt - major
made = [value(n) - b for n, b in zip(names, before)]
print("mapped while so many requests had been served:", sorted(served))
print(", ".join("%s %d" % m for m in zip(names, made)), "major faults", major)
sys.exit(len(served) < 3 or made != [1, 1, 1, 0] or not major)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	slow_gone
	exit $status
}

# Who reads another's memory through /proc can't let go of the lock: see there.
test_locked()
{
	proxy_load || exit 1
	proxy start
	pin 9
	mount_fresh
	mapped "$mnt/a" "$tmp/reference" <<'PYTHON'
good = open(args[0], "rb").read()
names = "calls", "prefetched", "unlocked", "refused"
def read_third(first, read):
    touch(first)
    touch(first + 40)
    before = [value(n) for n in names]
    if read((first + 80) * 4096) != good[(first + 80) * 4096]:
        sys.exit("wrong data")
    return [value(n) - b for n, b in zip(names, before)]
mem = os.open("/proc/self/mem", os.O_RDONLY)
locked = read_third(1000, lambda at: os.pread(mem, 1, base + at)[0])
own = read_third(3000, lambda at: ctypes.string_at(base + at, 1)[0])
print(names, "locked", locked, "own", own)
sys.exit(locked != [1, 0, 0, 1] or own != [1, 1, 1, 0])
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# A reader whose cgroup's reads are held back: another module says that it is so.
test_congested()
{
	[ -e /sys/kernel/btf/vmlinux ] || { echo "this kernel has no type information"; exit 4; }
	proxy_load || exit 1
	proxy start
	mod_load mlproxy_hooktest function=blk_cgroup_congested prototype='"bool(void)"' || exit 1
	echo 1 > /sys/module/mlproxy_hooktest/parameters/attach || exit 1
	pin 9
	mount_fresh
	mapped "$mnt/a" /sys/module/mlproxy_hooktest/parameters/answer <<'PYTHON'
fd = os.open(path, os.O_RDONLY)
def backward(first):
    for i in range(4):
        os.pread(fd, 4096, (first - i) * 4096)
def strided(first):
    for i in range(4):
        touch(first + 40 * i)
def made(way, first):
    before = value("prefetched"), value("refused")
    way(first)
    return value("prefetched") - before[0], value("refused") - before[1]
def both(first):
    return made(backward, first), made(strided, first + 100)
free = both(500)
with open(args[0], "w") as f:
    f.write("1")
congested = both(2500)
print("prefetched, refused: free", free, "congested", congested)
sys.exit(any(p < 1 or r for p, r in free) or any(p or r < 1 for p, r in congested))
PYTHON
	status=$?
	rmmod mlproxy_hooktest
	rmmod mlproxy_readahead
	exit $status
}

# A window is for the fault that it was decided for: who faults on the same open file while that one
# waits has another.
test_own_window()
{
	proxy_load || exit 1
	proxy start
	mount_fresh
	echo 300000 > $testblk/base_us
	mapped "$mnt/a" <<'PYTHON'
def file_value(name):
    return open("/sys/block/mlptest0/" + name).read()
def pin(action):
    with open(params + "/pin", "w") as f:
        f.write(str(action))
before = int(file_value("testblk/read_bytes"))
# 16K
pin(2)
waits = threading.Thread(target=touch, args=(1000,))
waits.start()
while file_value("inflight").split()[0] == "0":
    time.sleep(0.001)
# kernel
pin(0)
touch(2000)
waits.join()
pages = (int(file_value("testblk/read_bytes")) - before) // 4096
print("pages of both faults:", pages)
sys.exit(pages < 32)
PYTHON
	status=$?
	echo 0 > $testblk/base_us
	rmmod mlproxy_readahead
	exit $status
}

ktap_test "a prefetch does not hold the memory map's lock" test_unlocked
ktap_stock "a fault that can't let go of it prefetches nothing" test_locked
ktap_stock "a reader that is held back has nothing prefetched" test_congested
ktap_test "a window is for the fault that it was decided for" test_own_window
ktap_end
