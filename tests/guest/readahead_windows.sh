#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Which windows the readahead proxy may choose from: large ones are for reads in order, small
# ones for memory that is short; and what a file begins with.
#
# guest-test: timeout=600 modules=none patching=yes debug=thorough only-kernel=6.1
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Counts device bytes and decisions;
# the module takes the times of the device, whose latency is far above any delay of the guest.

. "$(dirname "$0")/readahead_count_util.sh"

# Large windows are for reads in order, of a task that has the device to itself.
test_apart()
{
	proxy_load epoch_calls=4 || exit 1
	proxy start
	mount_fresh
	count_large <<'PYTHON'
import threading
for what, one, places in (("random", pread, random.sample(range(0, 6000, 40), 140)),
                          ("backward faults", fault, range(6100, 100, -1)),
                          ("strided faults", fault, range(0, 6100, 41))):
    places = list(places)
    # it changes
    read(what, one, fd, places[:len(places) // 8])
    n, decisions = read(what, one, fd, places[len(places) // 8:])
    if n or decisions < 2:
        sys.exit(1)
alone, _ = read("in order", pread, fd, list(range(6000)) * 3)
def beside(places):
    while busy:
        os.pread(other, 4096, next(places) * 4096)
        os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
def strided():
    for n in range(1, 1 << 30):
        yield n * 37 % 6000
def anywhere():
    while True:
        yield random.randrange(6000)
# the latter rests
for name, places in ("strided", strided()), ("random", anywhere()):
    rested, busy = value("rested"), True
    thread = threading.Thread(target=beside, args=(places,), daemon=True)
    thread.start()
    shared, decisions = read("in order, beside %s reads" % name, pread, fd,
                             list(range(6000)) * 3)
    busy = False
    thread.join()
    print("rested:", value("rested") - rested)
    if shared > decisions / 4:
        sys.exit(1)
sys.exit(alone < 2)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# Nor are they for a reader whose memory cgroup, or one above it, is small beside them.
test_memory()
{
	proxy_load epoch_calls=4 || exit 1
	proxy start
	mount_fresh
	memory_cgroup $group || exit 4
	memory_cgroup $group/inner || exit 1
	count_large <<PYTHON
def write(text, name):
    with open("$group/" + name, "w") as f:
        f.write(text)
def in_order(what):
    n, _ = read(what, pread, fd, list(range(6000)) * 3)
    return n
if in_order("without a limit") < 2:
    sys.exit("no large window")
write("64M", "memory.max")
write("0", "inner/cgroup.procs")
if in_order("in 64 MB"):
    sys.exit("4 MB were read ahead in 64 MB")
write("256M", "memory.max")
sys.exit(in_order("in 256 MB") < 2)
PYTHON
	status=$?
	rmdir $group/inner $group
	rmmod mlproxy_readahead
	exit $status
}

# Of a mapped file, what lies around a fault is read in memory that has room for it: nobody
# would see that it is hit later.
test_room()
{
	proxy_load epoch_calls=4 epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	memory_cgroup $group || exit 4
	count_large <<'PYTHON'
recommend("none", keys)
def chosen(what, least):
    before, decisions = actions()["none"], value("decisions")
    for i in random.sample(range(6000), 400):
        fault(fd, i)
    n, decisions = actions()["none"] - before, value("decisions") - decisions
    print(what, "decisions:", decisions, "none:", n)
    return n if decisions >= least else -1
# where all comes to what the kernel does, it rests
if chosen("memory is free", 2):
    sys.exit("pages that would have been hits were not read")
maps[fd].madvise(mmap.MADV_DONTNEED)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
fill_memory(other)
if chosen("memory is full", 5) < 4:
    sys.exit("there was no room, but windows are none that may be small")
PYTHON
	status=$?
	rmdir $group
	rmmod mlproxy_readahead
	exit $status
}

# Faults that leave out pages, but none where the kernel's windows have their marks, are
# seen to do so before they get a large window; those in order get it. Epochs without a
# limit in time: how many there are would depend on how fast the guest is.
test_look()
{
	proxy_load epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	count_large <<'PYTHON'
def looked(what, of, places):
    looks = value("looks")
    n, _ = read(what, fault, of, places)
    return value("looks") - looks, n
cli("mode", "readahead", "emergency")
if looked("emergency", fd, range(0, 3000, 8)) != (0, 0):
    sys.exit("looked at in emergency")
cli("mode", "readahead", "recommendation")
# a decision for each look, and no other
looks, n = looked("strided", fd, range(0, 6000, 8))
if not 1 <= looks <= 3 or n != looks:
    sys.exit("strided: looked at %d times, large windows %d" % (looks, n))
looks, n = looked("in order", other, list(range(6000)) * 3)
if looks != 1 or n < 2:
    sys.exit("in order: not looked at once, or no large window after it")
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# A mapped file begins with what was decided for the task's last one; in emergency with the
# kernel's own. Epochs without a limit in time: after one, the last file counts as left.
test_inherits()
{
	proxy_load epoch_calls=4 epoch_us=10000000 || exit 1
	head -c 1M "$tmp/reference" > "$mnt/c"
	proxy start
	mount_fresh
	memory_cgroup $group || exit 4
	count_large <<'PYTHON'
fill_memory(fd)
recommend("none", keys[:1])
def decide(places):
    for i in places:
        fault(fd, i)
places = random.sample(range(0, 6000, 40), 40)
decide(places[:20])
inherited = pages_of_fault(other, 100)
cli("mode", "readahead", "emergency")
decide(places[20:])
own = pages_of_fault(os.open(os.path.dirname(path) + "/c", os.O_RDONLY), 100)
print("pages read by the first fault: after \"none\"", inherited, "in emergency", own)
sys.exit(inherited != 1 or own < 16)
PYTHON
	status=$?
	rm "$mnt/c"
	rmdir $group
	rmmod mlproxy_readahead
	exit $status
}

# It does not with a window that is larger than what the device's is set to.
test_inherits_less()
{
	proxy_load epoch_calls=4 epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	count_large <<'PYTHON'
def window_kb(kb):
    with open("/sys/block/mlptest0/queue/read_ahead_kb", "w") as f:
        f.write(str(kb))
recommend("64K", keys[:1])
window_kb(64)
decided = [pages_of_fault(os.open(path, os.O_RDONLY), at) for at in random.sample(range(0, 5000, 40), 20)][-1]
window_kb(32)
first = pages_of_fault(os.open(other_path, os.O_RDONLY), 5000)
print("pages of a fault: decided", decided, "then, at first", first)
sys.exit(decided != 16 or first != 8)
PYTHON
	status=$?
	echo 128 > /sys/block/mlptest0/queue/read_ahead_kb
	rmmod mlproxy_readahead
	exit $status
}

# link US MB: from now on, the latency of the device and what it delivers in a second
link()
{
	echo "$1" > /sys/module/mlproxy_testblk/parameters/base_us
	echo "$2" > /sys/module/mlproxy_testblk/parameters/mbps
}

# A device that is far away gets a window that fills its link, and a near one the kernel's: how
# near it is, reads tell that come one at a time.
test_link()
{
	proxy_load epoch_calls=4 || exit 1
	proxy start
	pin 10
	mount_fresh
	for us in 20000 0; do
		link $us 50
		count_reads <<-PYTHON >> "$tmp/reads" || exit 1
		os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
		for i in random.sample(range(0, 6000, 40), 50):
		    os.pread(fd, 4096, i * 4096)
		os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
		before = int(open("$stats/reads").read())
		for i in range(6000):
		    os.pread(fd, 4096, i * 4096)
		print(int(open("$stats/reads").read()) - before)
		PYTHON
	done
	link 0 0
	{ read -r far; read -r near; } < "$tmp/reads"
	echo "reads of the device: far $far near $near"
	[ "$near" -gt 150 ] && [ $((far * 2)) -lt "$near" ] || exit 1
	rmmod mlproxy_readahead
}

# The device's own window is for several readers, too; and none where the kernel has the same.
test_link_shared()
{
	proxy_load epoch_calls=4 || exit 1
	proxy start
	mount_fresh
	count_large <<'PYTHON'
import threading
def link(us, mb):
    for name, value in ("base_us", us), ("mbps", mb):
        with open("/sys/module/mlproxy_testblk/parameters/" + name, "w") as f:
            f.write(str(value))
def one_at_a_time():
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for i in random.sample(range(0, 6000, 40), 50):
        pread(fd, i)
def in_order(what):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for i in range(6000):
        pread(fd, i)
        # enough to be sure of the order
        if i == 1000:
            before, decisions = actions()["bdp"], value("decisions")
    n, decisions = actions()["bdp"] - before, value("decisions") - decisions
    print(what, "decisions:", decisions, "bdp:", n)
    return n, decisions
recommend("bdp", keys)
link(20000, 50)
if in_order("far")[0] < 2:
    sys.exit(1)
busy = True
def beside():
    while busy:
        os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
        for i in range(6000):
            pread(other, i)
            if not busy:
                break
thread = threading.Thread(target=beside, daemon=True)
thread.start()
shared, of = in_order("far, shared")
if shared < of * 2 / 5:
    sys.exit(1)
busy = False
link(0, 50)
thread.join()
one_at_a_time()
near, of = in_order("near")
sys.exit(near > of / 4)
PYTHON
	status=$?
	link 0 0
	rmmod mlproxy_readahead
	exit $status
}

# After one that was read with a large window, a file that is read from its start begins with the
# window of the device's link; but not one that is read from elsewhere, where the kernel may read
# all of a window at once.
test_next_file()
{
	proxy_load epoch_calls=4 || exit 1
	head -c 2M "$tmp/reference" > "$mnt/c"
	proxy start
	mount_fresh
	link 20000 50
	count_large <<'PYTHON'
recommend("bdp", keys[:1])
def begun(name, first):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for i in range(6000):
        pread(fd, i)
    new = os.open(os.path.dirname(path) + name, os.O_RDONLY)
    os.posix_fadvise(new, 0, 0, os.POSIX_FADV_DONTNEED)
    before = int(open("/sys/block/mlptest0/testblk/read_bytes").read())
    # four calls, after which there is a decision
    for i in range(first, first + 24):
        pread(new, i)
    return (int(open("/sys/block/mlptest0/testblk/read_bytes").read()) - before) // 4096
start = begun("/b", 0)
elsewhere = begun("/c", 100)
print("pages read for the first 24:", start, "from elsewhere", elsewhere)
sys.exit(start < 76 or elsewhere > 68)
PYTHON
	status=$?
	link 0 0
	rm "$mnt/c"
	rmmod mlproxy_readahead
	exit $status
}

# A window is no larger than what has been read in order so far: two of them are read in vain.
test_proven()
{
	proxy_load epoch_calls=4 || exit 1
	proxy start
	mount_fresh
	count_large <<'PYTHON'
def read_bytes():
    return int(open("/sys/block/mlptest0/testblk/read_bytes").read())
# streams of a file, one after the other
for first, pages in (5900, 64), (4000, 256), (2500, 1000), (0, 2000):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    before, n = read_bytes(), large()
    for i in range(first, first + pages):
        pread(fd, i)
    in_all, n = (read_bytes() - before) // 4096, large() - n
    print("pages read for", pages, "in order:", in_all, "decisions for 4M:", n)
    if in_all > (3 if n else 2) * pages or (n and pages < 1000) or (not n and pages == 2000):
        sys.exit(1)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

ktap_stock "large windows are for reads in order, and for one reader" test_apart
ktap_stock "a large window fits the memory of its reader" test_memory
ktap_stock "small windows are for memory that is short" test_room
ktap_stock "a mapped file that seems to be read in order is looked at" test_look
ktap_test "a mapped file begins as the task's last one" test_inherits
ktap_stock "a mapped file begins with no more than may be read ahead" test_inherits_less
ktap_stock "a window fills the device's link" test_link
ktap_stock "it is for several readers, and none where the kernel has it" test_link_shared
ktap_stock "a file that is read begins as the task's last one" test_next_file
ktap_test "a window is no larger than what was read in order so far" test_proven
ktap_end
