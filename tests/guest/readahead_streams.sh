#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the readahead proxy sees of the order of reads: streams are prefetched, a change
# ends an epoch, and a file that has nothing to gain rests.
#
# guest-test: timeout=900 modules=none patching=yes debug=thorough
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Counts device
# bytes, and never takes a time.

. "$(dirname "$0")/readahead_count_util.sh"

# streams ACTION METHOD LIMIT STEP...: reads in several patterns by turns, a call for
# LIMIT of them or more
streams()
{
	proxy_load || exit 1
	proxy start
	pin "$1"
	mount_fresh
	python3 - "$mnt/a" $params/nr_calls "$tmp/reference" "$2" "$3" "${@:4}" <<'PYTHON'
import mmap, os, sys
path, counter, reference, method, limit = sys.argv[1:6]
def calls():
    return int(open(counter).read())
good = open(reference, "rb").read()
fd = os.open(path, os.O_RDONLY)
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
pages = len(good) // 4096
steps = [int(s) for s in sys.argv[6:]]
# Each in a part of the file of its own.
part = pages // len(steps)
at = [part * (i + (s < 0)) - (s < 0) for i, s in enumerate(steps)]
before, n = calls(), 0
while n < 1000 and all(part * i <= a < part * (i + 1) for i, a in enumerate(at)):
    i = n % len(steps)
    first = at[i] * 4096
    data = m[first:first + 4096] if method == "mmap" else os.pread(fd, 4096, first)
    if data != good[first:first + 4096]:
        sys.exit("wrong data in page %d" % at[i])
    at[i] += steps[i]
    n += 1
made = calls() - before
print(n, "reads", made, "calls")
sys.exit(n < 100 or made * int(limit) > n)
PYTHON
	status=$?
	expect "prefetches refused" "$(param nr_refused)" 0
	rmmod mlproxy_readahead
	exit $status
}

# Strided faults: what lies between is not read.
test_gaps()
{
	proxy_load || exit 1
	proxy start
	mount_fresh
	python3 - "$mnt/a" $stats/read_bytes $params/pin <<'PYTHON'
import mmap, sys
path, counter, pin = sys.argv[1:]
def read():
    return int(open(counter).read())
def pages(m, action, first):
    with open(pin, "w") as f:
        f.write(str(action))
    before = read()
    for i in range(60):
        m[(first + i * 40) * 4096]
    return (read() - before) // 4096 / 60
with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    kernel, stream = pages(m, 0, 0), pages(m, 8, 2800)
print("pages a fault: kernel", kernel, "stream", stream)
sys.exit(kernel < 20 or stream > 5)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# Nothing but a change of the reads can end the second epoch here.
test_change()
{
	proxy_load epoch_calls=10000 epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	count_reads <<'PYTHON'
places = random.sample(range(0, 3000, 40), 60)
for at in places:
    os.pread(fd, 4096, at * 4096)
if value("decisions") != 1 or value("changes"):
    sys.exit("decisions %d, changes %d while nothing changed" %
             (value("decisions"), value("changes")))
before, n = value("calls"), 0
while value("decisions") == 1 and n < 100:
    os.pread(fd, 4096, (6000 - n) * 4096)
    n += 1
calls = value("calls") - before
print("backward reads until the next decision:", n, "calls:", calls)
sys.exit(value("changes") != 1 or calls > 9)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# by_turns: count_large, with turns(), by which threads read one after the other, each by a
# function of its own
by_turns()
{
	{
		cat <<'PYTHON'
import threading
def turns(readers, rounds):
    baton = [threading.Semaphore(i == 0) for i in range(len(readers))]
    def run(i):
        for n in range(rounds):
            baton[i].acquire()
            try:
                readers[i](n)
            finally:
                baton[(i + 1) % len(readers)].release()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(readers))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
PYTHON
		cat
	} | count_large
}

# Threads that read one file, each in an order of its own.
test_threads()
{
	proxy_load epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	by_turns <<'PYTHON'
threads = 16
part = 6000 // threads
recommend("pattern128K", keys)
for what, places in (("backward", range(part - 1, 0, -1)), ("strided", range(0, part, 6))):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    calls = value("calls")
    turns([lambda n, first=i * part: pread(fd, first + places[n]) for i in range(threads)],
          len(places))
    calls, reads = value("calls") - calls, threads * len(places)
    print(what, "reads:", reads, "calls:", calls)
    if calls * 3 > reads:
        sys.exit("not prefetched")
# with no large window among the actions, a look would be for nothing
looks = value("looks")
turns([lambda n, first=i * part: fault(other, first + n) for i in range(threads)], part)
print("looks at faults in order:", value("looks") - looks)
sys.exit(value("looks") != looks)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# One stream that is handed from thread to thread is one.
test_handed()
{
	proxy_load epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	by_turns <<'PYTHON'
threads, reads = 16, 3000
recommend("pattern128K", keys)
calls = value("calls")
turns([lambda n, i=i: pread(fd, 5900 - n * threads - i) for i in range(threads)],
      reads // threads)
calls = value("calls") - calls
print("reads:", reads, "calls:", calls)
sys.exit(calls * 3 > reads)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# A file that has no miss any more, since the application reads ahead itself.
test_left()
{
	proxy_load epoch_us=20000 || exit 1
	proxy start
	mount_fresh
	count_reads <<'PYTHON'
import time
other = os.open(os.path.dirname(path) + "/b", os.O_RDONLY)
def until_decided(first):
    before = value("decisions")
    for i in range(first, first + 100):
        os.pread(fd, 4096, i * 70 % 6000 * 4096)
        if value("decisions") > before:
            return
    sys.exit("no decision")
def reported(at):
    before, until = value("rewards"), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    os.pread(other, 4096, at * 4096)
    return value("rewards") - before
until_decided(1)
left = reported(100)
again = reported(300)
until_decided(2000)
open(params + "/epoch_us", "w").write("10000000")
early = reported(500)
print("outcomes: of a file that was left", left, "again", again, "before an epoch's time", early)
sys.exit(left != 1 or again or early)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# Threads that live for a moment leave room for those that read afterwards.
test_crowd()
{
	proxy_load || exit 1
	proxy start
	# nothing rests
	pin 0
	mount_fresh
	count_reads <<'PYTHON'
import threading, time
other = os.open(os.path.dirname(path) + "/b", os.O_RDONLY)
def read(of, places):
    for at in places:
        os.pread(of, 4096, at * 4096)
def in_thread(*args):
    thread = threading.Thread(target=read, args=args)
    thread.start()
    thread.join()
places = random.sample(range(0, 6000, 5), 700)
before = value("calls")
for at in places[:400]:
    in_thread(other, [at])
crowd = value("calls") - before
time.sleep(0.3)
skipped, rewards = value("skipped"), value("rewards")
in_thread(fd, places[400:])
skipped, rewards = value("skipped") - skipped, value("rewards") - rewards
print("calls of the crowd:", crowd, "then skipped:", skipped, "outcomes:", rewards)
sys.exit(crowd < 300 or skipped or not rewards)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# A file that is opened again for a miss or two is seen afresh each time; one that stays
# open is not.
test_opened()
{
	proxy_load || exit 1
	proxy start
	mount_fresh
	count_reads <<'PYTHON'
import time
places = random.sample(range(0, 6000, 40), 140)
# Some sleeps may last so long that the file counts as new all the same.
def seldom(read_one, most):
    before = value("decisions"), value("calls")
    for n in range(most):
        read_one()
        time.sleep(0.3)
        if n >= 5 and value("decisions") > before[0]:
            break
    return value("decisions") - before[0], value("calls") - before[1]
def read(of):
    os.pread(of, 4096, places.pop() * 4096)
def reopened():
    again = os.open(path, os.O_RDONLY)
    read(again)
    os.close(again)
opened, calls = seldom(reopened, 6)
kept, _ = seldom(lambda: read(fd), 60)
print("decisions: opened again", opened, "kept open", kept)
sys.exit(opened or calls < 6 or not kept)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# A file that has nothing to gain rests for most of its misses, until its reads find an
# order, or it is mapped.
test_rest()
{
	proxy_load epoch_us=10000000 || exit 1
	proxy start
	"$mlproxy" mode readahead emergency || exit 1
	mount_fresh
	count_reads <<'PYTHON'
import mmap
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
places = random.sample(range(0, 4000, 8), 500)
def read(n):
    for _ in range(n):
        os.pread(fd, 4096, places.pop() * 4096)
def until_rest(read=read):
    before = value("rested")
    for n in range(80):
        read(1)
        if value("rested") > before:
            return
    sys.exit("no rest in 80 calls")
other = os.open(os.path.dirname(path) + "/b", os.O_RDONLY)
mapped, left = mmap.mmap(other, 0, prot=mmap.PROT_READ), []
def touch(n):
    for _ in range(n):
        if not left:
            mapped.madvise(mmap.MADV_DONTNEED)
            os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
            left.extend(random.sample(range(20, 6000, 40), 140))
        mapped[left.pop() * 4096]
def reads_until_seen(read_one):
    rested = value("rested")
    for n in range(1, 20):
        before = rested
        read_one(n)
        rested = value("rested")
        if rested == before:
            return n
    sys.exit("not woken by 20 reads")
until_rest()
calls, rested, decisions = value("calls"), value("rested"), value("decisions")
read(240)
calls, rested = value("calls") - calls, value("rested") - rested
decisions = value("decisions") - decisions
print("of", calls, "calls rested:", rested, "decisions:", decisions)
if calls < 200 or rested < calls * 3 / 4 or decisions > 4:
    sys.exit(1)
until_rest()
calls, rested = value("calls"), value("rested")
os.posix_fadvise(fd, 4100 * 4096, 1 << 20, os.POSIX_FADV_WILLNEED)
read(1)
if value("calls") != calls + 1 or value("rested") != rested + 1:
    sys.exit("what the application read ahead itself counted as a miss, or woke the file")
backward = reads_until_seen(lambda n: os.pread(fd, 4096, (6000 - n) * 4096))
until_rest()
fault = reads_until_seen(lambda n: m[4096 * (4500 + 100 * n)])
print("seen again: backward read", backward, "fault", fault)
if backward > 5 or fault > 1:
    sys.exit(1)
until_rest(touch)
calls, rested = value("calls"), value("rested")
touch(240)
calls, rested = value("calls") - calls, value("rested") - rested
print("of", calls, "faults rested:", rested)
if calls < 200 or rested < calls * 3 / 4:
    sys.exit(1)
until_rest(touch)
plain = reads_until_seen(lambda n: os.pread(other, 4096, 40 * 4096 * n))
until_rest(touch)
mapped.madvise(mmap.MADV_DONTNEED)
os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
in_order = reads_until_seen(lambda n: mapped[4096 * (1000 + 30 * n)])
print("seen again: read", plain, "faults in order", in_order)
sys.exit(plain > 2 or in_order > 5)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# So does one that is read in order, once so much was that all windows are legal; but not while
# the proxy learns, nor if an experiment holds it to the kernel's choice.
test_rest_in_order()
{
	proxy_load epoch_calls=8 epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	follow_all
	"$mlproxy" mode readahead learning > /dev/null || exit 1
	in_order learning || exit 1
	"$mlproxy" mode readahead recommendation > /dev/null || exit 1
	in_order held || exit 1
	keys=$("$BUILDDIR/tests/guest/ra_key" "$mnt/a") || exit 1
	echo "$keys kernel 65535 3600000" | "$mlproxy" recommend readahead -f - > /dev/null || exit 1
	in_order recommended || exit 1
	"$mlproxy" mode readahead emergency > /dev/null || exit 1
	in_order emergency
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# in_order STATE: the file in order, and then from somewhere
in_order()
{
	echo 1 > /proc/sys/vm/drop_caches
	count_reads <<PYTHON
def read(pages):
    calls, rested = value("calls"), value("rested")
    for i in pages:
        os.pread(fd, 4096, i * 4096)
    return value("calls") - calls, value("rested") - rested
first, then = read(range(900)), read(range(900, 5500))
print("$1: calls, rested: at first", first, "then", then)
if "$1" in ("learning", "held"):
    sys.exit(first[1] or then[1])
if first[1] or then[1] < then[0] / 3:
    sys.exit(1)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
# into a rest that has just begun
at = rested = awake = 0
while rested < 4 and at < 6000:
    if read(range(at, at + 32))[1]:
        rested += awake
    else:
        awake, rested = 1, 0
    at += 32
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
changes = value("changes")
for n in range(20):
    calls, rested = read([6000 - 190 * n])
    if calls != 1:
        sys.exit("read %d was no miss" % n)
    if not rested:
        break
print("seen again: read", n + 1, "changes:", value("changes") - changes)
sys.exit(n != 2 or value("changes") != changes + 1)
PYTHON
}

# Time that passed while a file rested is no outcome of what was decided before: it is not known
# what was read in it. What does not rest would seem to be better.
test_rest_left()
{
	proxy_load || exit 1
	proxy start
	"$mlproxy" mode readahead emergency > /dev/null || exit 1
	mount_fresh
	count_reads <<'PYTHON'
import time
other = os.open(os.path.dirname(path) + "/b", os.O_RDONLY)
def read_until_rest():
    rested = value("rested")
    for at in random.sample(range(0, 6000, 8), 400):
        os.pread(fd, 4096, at * 4096)
        if value("rested") > rested:
            return
    sys.exit("no rest")
read_until_rest()
time.sleep(0.04)
before = value("rewards")
os.pread(other, 4096, 100 * 4096)
print("outcomes of a file that rests:", value("rewards") - before)
if value("rewards") != before:
    sys.exit(1)
# nor of one that was read before it
def read_other():
    for at in random.sample(range(0, 6000, 8), 7):
        os.pread(other, 4096, at * 4096)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
read_until_rest()
read_other()
places, before, rested = random.sample(range(4, 6000, 8), 100), value("rewards"), 0
while value("rested") > rested:
    rested = value("rested")
    os.pread(fd, 4096, places.pop() * 4096)
    time.sleep(0.04)
print("outcomes of the one before:", value("rewards") - before)
sys.exit(value("rewards") != before)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# Without order, no readahead is what the kernel does with read(); where some reads are in order,
# it is not, nor is it with faults.
test_rest_alike()
{
	proxy_load epoch_us=10000000 || exit 1
	proxy start
	mount_fresh
	memory_cgroup $group || exit 4
	count_large <<'PYTHON'
recommend("none", keys)
def rested(of, places):
    before = value("rested")
    for at in places:
        os.pread(of, 4096, at * 4096)
    return value("rested") - before
far = random.sample(range(0, 5000, 8), 240)
alone = rested(fd, far)
partly = rested(other, [at + i for at in far[:120] for i in (0, 1)])
print("rested: without order", alone, "partly in order", partly)
if alone < 100 or partly:
    sys.exit(1)
os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
fill_memory(fd)
before, chosen = value("rested"), actions()["none"]
for at in random.sample(range(0, 6000, 8), 240):
    fault(other, at)
rested, chosen = value("rested") - before, actions()["none"] - chosen
print("rested: faults that read nothing around", rested, "decisions for that", chosen)
sys.exit(rested or chosen < 4)
PYTHON
	status=$?
	rmdir $group
	rmmod mlproxy_readahead
	exit $status
}

# A device that has more to do than it can is not asked for more: what would have been
# prefetched is read as the kernel does, and nothing else is lost.
test_strained()
{
	proxy_load || exit 1
	proxy start
	pin 8
	mount_fresh
	count_reads <<'PYTHON'
import threading, time
good = open(reference, "rb").read()
raw = os.open("/dev/mlptest0", os.O_RDONLY)
pages = iter(range(0, os.lseek(raw, 0, os.SEEK_END) // 4096, 2))
busy = True
def latency(us):
    open("/sys/module/mlproxy_testblk/parameters/base_us", "w").write(str(us))
def load():
    while busy:
        for _ in range(100):
            os.posix_fadvise(raw, next(pages) * 4096, 4096, os.POSIX_FADV_WILLNEED)
        time.sleep(0.2)
def strided(first, n, warm):
    # The state of the device is looked at when a read misses, every 5 ms at most.
    for _ in range(warm):
        os.pread(fd, 4096, random.randrange(5000, 6000) * 4096)
        time.sleep(0.006)
    prefetched, refused = value("prefetched"), value("refused")
    for i in range(first, first + 7 * n, 7):
        if os.pread(fd, 4096, i * 4096) != good[i * 4096:(i + 1) * 4096]:
            sys.exit("wrong data in page %d" % i)
    return value("prefetched") - prefetched, value("refused") - refused
# Hundreds of reads in flight.
latency(500000)
thread = threading.Thread(target=load, daemon=True)
thread.start()
prefetched, refused = strided(0, 12, 3)
busy = False
latency(0)
thread.join()
again = strided(3000, 60, 20)
print("prefetched, refused: strained", prefetched, refused, "then", *again)
sys.exit(refused < 3 or prefetched or again[1] or again[0] < 3)
PYTHON
	status=$?
	echo 0 > /sys/module/mlproxy_testblk/parameters/base_us
	rmmod mlproxy_readahead
	exit $status
}

ktap_test "backward reads are prefetched" streams 8 pread 10 -1
ktap_stock "strided reads are prefetched" streams 8 pread 10 5
ktap_stock "backward faults are prefetched" streams 9 mmap 40 -1
ktap_stock "strided faults are prefetched" test_gaps
ktap_test "several streams of one file are prefetched" streams 8 pread 5 -1 7 -3
ktap_test "a strained device is not asked for more" test_strained
ktap_stock "a change of the reads is seen at once" test_change
ktap_test "threads have an order of their own in one file" test_threads
ktap_stock "a stream that threads share is one" test_handed
ktap_test "a file that is left has an outcome" test_left
ktap_stock "a task has a place beside many that are gone" test_crowd
ktap_stock "a file that is opened again is seen afresh" test_opened
ktap_test "a file that has nothing to gain rests" test_rest
ktap_stock "one that is read in order rests while nobody learns" test_rest_in_order
ktap_test "what was decided for a file that rests has no outcome" test_rest_left
ktap_stock "no readahead rests only where the kernel does the same" test_rest_alike
ktap_end
