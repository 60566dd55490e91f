#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the readahead proxy tells the outer experiment: the time of the tasks that use a
# file, and the work that they get done in it, with misses and without, in both arms.
#
# guest-test: timeout=500 modules=none patching=yes skip-debug=the-readahead-tests-run-this-code only-kernel=6.1
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Work is compared with what the
# kernel's own ticks found, never with a clock.

. "$(dirname "$0")/readahead_util.sh"

# cost_start [PARAMETER=VALUE]...: in collaboration mode with the shipped network, all files
# in either arm, and every report counts
cost_start()
{
	proxy_load || exit 1
	"$mlproxy" load readahead "$TOP/models/readahead.mlp" --activate > /dev/null || exit 1
	collaborate "$@"
}

# collaborate [PARAMETER=VALUE]...: the same with whatever proposes actions
collaborate()
{
	local p

	"$mlproxy" mode readahead collaboration > /dev/null || exit 1
	for p in outer_washout=0 outer_hold=1ms outer.collaboration=1 "$@"; do
		"$mlproxy" param readahead "${p%%=*}" "${p#*=}" > /dev/null || exit 1
	done
	proxy start
	mount_fresh
}

# costs: a program from stdin, which ends the test. It has two files mapped, miss() at a new
# place of one, compute() for so many seconds of CPU time, which returns the time in user
# mode that ticks found, and report(): what was told, by arm, as (work, cost).
costs()
{
	local status

	{
		cat <<'PYTHON'
import json, mmap, os, random, subprocess, sys, time
mlproxy, params, path, other_path = sys.argv[1:]
random.seed(1)
def open_mapped(p):
    return mmap.mmap(os.open(p, os.O_RDONLY), 0, prot=mmap.PROT_READ)
mine, other = open_mapped(path), open_mapped(other_path)
places = random.sample(range(0, 6100, 70), 87)
def miss(m=mine):
    m[places.pop() * 4096]
def value(name):
    return int(open(params + "/nr_" + name).read())
def cli(*args):
    return subprocess.run([mlproxy, *args], check=True, capture_output=True,
                          text=True).stdout
def user_s():
    return int(open("/proc/stat").readline().split()[1]) / os.sysconf("SC_CLK_TCK")
def compute(seconds):
    before, end = user_s(), time.process_time() + seconds
    while time.process_time() < end:
        for _ in range(20000):
            pass
    return user_s() - before
def report():
    arms = json.loads(cli("efficiency", "readahead", "-j"))["verdicts"]["outer"]["arms"]
    return {name: (a["n"] / 1e9, (a["mean"] or 0) * a["n"] / 1e9)
            for name, a in arms.items()}
def work():
    return sum(w for w, _ in report().values())
def cost():
    return sum(c for _, c in report().values())
# the first reports come in a period that began before the experiment
miss()
time.sleep(0.01)
miss()
PYTHON
		cat
	} > "$tmp/costs.py"
	python3 "$tmp/costs.py" "$mlproxy" $params "$mnt/a" "$mnt/b"
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

# What a task does between two misses is counted, and both arms get some.
test_computed()
{
	cost_start
	costs <<'PYTHON'
before, ticks = report(), 0
for _ in range(40):
    ticks += compute(0.05)
    miss()
after = report()
for arm in "baseline", "model":
    w, c = (after[arm][i] - before[arm][i] for i in (0, 1))
    print(arm, "work", w, "cost", c)
    if w <= 0 or c <= 0:
        sys.exit("nothing was reported for one arm")
w, c = work(), cost()
print("in user mode by the ticks", ticks, "work", w, "cost", c)
# ticks may find a little more than there was
sys.exit(w < ticks / 2 or c < w * 0.8)
PYTHON
}

# Of a long time between two misses the arm of its end gets the end alone.
test_long()
{
	cost_start
	costs <<'PYTHON'
before = cost(), work()
ticks = compute(2)
miss()
c, w = cost() - before[0], work() - before[1]
print("in user mode by the ticks", ticks, "work", w, "cost", c)
sys.exit(w > 0.3 or w <= 0 or c > 1)
PYTHON
}

# What passes while nothing is watched is none of its files'.
test_stopped()
{
	cost_start
	costs <<'PYTHON'
miss()
before = report()
cli("stop", "readahead")
for _ in range(10):
    miss()
    compute(0.02)
stopped = report()
cli("start", "readahead")
miss()
again = work() - sum(w for w, _ in before.values())
print("work reported while stopped, or of that time:", again)
sys.exit(stopped != before or again > 0)
PYTHON
}

# The time after a call that is under advice is not the last file's.
test_elsewhere()
{
	cost_start
	costs <<'PYTHON'
other.madvise(mmap.MADV_RANDOM)
def worked(between):
    miss()
    before, ticks = work(), 0
    for _ in range(10):
        between()
        ticks += compute(0.05)
        miss()
    return work() - before, ticks
advised, ticks = worked(lambda: miss(other))
own, own_ticks = worked(miss)
print("work: after a call under advice", advised, "of", ticks, "after one of its own", own,
      "of", own_ticks)
sys.exit(advised > ticks / 4 or own < own_ticks / 2)
PYTHON
}

# A file that is held to the baseline is the kernel's: it is not even looked at.
test_control()
{
	cost_start outer_hold=1h
	costs <<'PYTHON'
import threading
def read_all():
    for i in range(6000):
        mine[i * 4096]
def read(seed):
    cli("param", "readahead", "seed", str(seed))
    mine.madvise(mmap.MADV_DONTNEED)
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    # seen afresh
    time.sleep(2.1)
    before = [value(n) for n in ("decisions", "looks", "overridden")]
    # one that has not yet been seen to read in order
    thread = threading.Thread(target=read_all)
    thread.start()
    thread.join()
    return [value(n) - b for n, b in zip(("decisions", "looks", "overridden"), before)]
kernel = policy = 0
for seed in range(1, 40):
    decisions, looks, overridden = read(seed)
    print("decisions", decisions, "looks", looks, "overridden", overridden)
    if not decisions:
        sys.exit("no decision")
    if looks or overridden:
        policy += 1
    else:
        kernel += 1
    if kernel >= 2 and policy >= 2:
        sys.exit(0)
sys.exit("arms: kernel's %d, policy's %d" % (kernel, policy))
PYTHON
}

# One that takes over what was decided for another file is not held to the baseline.
test_inherited()
{
	local i

	proxy_load || exit 1
	collaborate outer_hold=1h
	rm "$mnt/b"
	for i in $(seq 12); do
		head -c 1M "$tmp/reference" > "$mnt/n$i"
	done
	cp "$mnt/n1" "$mnt/b"
	mount_fresh
	# while memory is free, smaller ones than the device's are not legal
	echo 16 > /sys/block/mlptest0/queue/read_ahead_kb
	echo 4 > $params/epoch_calls
	costs <<'PYTHON'
files = [os.path.dirname(path) + "/n%d" % i for i in range(1, 13)]
build = os.path.dirname(os.path.dirname(os.path.dirname(mlproxy)))
keys = subprocess.run([build + "/tests/guest/ra_key", path] + files, check=True,
                      capture_output=True, text=True).stdout.split()
subprocess.run([mlproxy, "recommend", "readahead", "-f", "-"], check=True, text=True,
               input="".join("%s 16K 65535 3600000\n" % k for k in keys))
def overridden(m, at):
    before = value("overridden")
    m[at * 4096]
    return value("overridden") - before
def read_mine(calls):
    global places
    if len(places) < calls:
        mine.madvise(mmap.MADV_DONTNEED)
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
        places = random.sample(range(0, 6100, 70), 87)
    return [overridden(mine, places.pop()) for _ in range(calls)][-1]
for seed in range(1, 20):
    cli("param", "readahead", "seed", str(seed))
    if read_mine(12):
        break
seen = {}
for f in files:
    if not read_mine(1):
        sys.exit("what was recommended is not in force")
    m = open_mapped(f)
    calls = [overridden(m, at) for at in (5, 60, 100, 170, 215, 250)]
    print(os.path.basename(f), "calls with another window:", calls)
    # the first two are before its first decision
    seen.setdefault(bool(calls[-1]), []).append(sum(calls[:2]))
print("held to the kernel's:", seen.get(False), "to the policy:", seen.get(True))
sys.exit(seen.get(False, [1]) != [0] * len(seen.get(False, [1])) or 2 not in seen.get(True, []))
PYTHON
}

ktap_test "work between misses is reported, in both arms" test_computed
ktap_test "of a long time without a miss the end is reported" test_long
ktap_test "nothing is reported of the time while the proxy is stopped" test_stopped
ktap_test "time after a call under advice belongs to no file" test_elsewhere
ktap_test "a file that is held to the baseline is the kernel's" test_control
ktap_test "it takes nothing over from another file" test_inherited
ktap_end
