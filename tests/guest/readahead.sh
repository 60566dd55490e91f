#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The readahead proxy on a real file system: windows are in force for files on
# the target and nowhere else, the kernel's own are back when it stops, the data
# read is right under every action, and models and programs decide.
#
# guest-test: timeout=500 modules=none patching=yes debug=thorough
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Counts device
# bytes, and never takes a time.

. "$(dirname "$0")/readahead_util.sh"

test_load_unload()
{
	local i

	proxy_load && rmmod mlproxy_readahead || exit 1
	for i in $(seq "$rounds"); do
		mod_load mlproxy_readahead || exit 1
		rmmod mlproxy_readahead || exit 1
	done
	proxy_load max_files=64
	proxy start
	rmmod mlproxy_readahead
}

test_parameters()
{
	local bad

	proxy_load || exit 1
	expect target "$(param target)" mlptest0
	for bad in 300:x 5000:1 0:0 : 8: fstype: nofstype:ext4 "$(seq -s, 17)"; do
		expect_fail sh -c "echo mlptest0,$bad > $params/target"
	done
	expect "target after bad ones" "$(param target)" mlptest0
	echo "8:1, 8:2,8:1,/dev/mlptest0" > $params/target
	expect "several targets" "$(param target)" "8:1,8:2,/dev/mlptest0"
	echo > $params/target
	expect "no target" "$(param target)" ""
	expect_fail sh -c "echo 11 > $params/pin"
	expect_fail sh -c "echo 1 > $params/epoch_calls"
	expect_fail sh -c "echo 1 > $params/epoch_us"
	expect_fail sh -c "echo 1000001 > $params/wait_cpu_ns"
	expect_fail sh -c "echo 5 > $params/nr_calls"
	proxy start
	expect_fail test "$(param wait_cpu_ns)" = 0
	proxy stop
	echo 1234 > $params/wait_cpu_ns
	proxy start
	expect "wait_cpu_ns that was set" "$(param wait_cpu_ns)" 1234
	proxy stop
	rmmod mlproxy_readahead || exit 1
	expect_fail mod_load mlproxy_readahead max_files=1
	expect_fail mod_load mlproxy_readahead target=mlptest0,fstype:
	mod_load mlproxy_readahead target=no-such-device && rmmod mlproxy_readahead
}

is_hooked()
{
	local n

	n=$(grep -cE '^(filemap_fault|page_cache_(a)?sync_ra|generic_fadvise) ' $hooked)
	echo "$n"
}

test_attached()
{
	proxy_load || exit 1
	echo > $params/target
	expect "hooks, not running" "$(is_hooked)" 0
	proxy start
	expect "hooks without a target" "$(is_hooked)" 0
	echo mlptest0 > $params/target
	expect "hooks" "$(is_hooked)" 4
	echo > $params/target
	expect "hooks after the target was taken away" "$(is_hooked)" 0
	echo mlptest0 > $params/target
	proxy stop
	expect "hooks after stop" "$(is_hooked)" 0
	proxy start
	expect "hooks after start" "$(is_hooked)" 4
	mount_fresh
	cat "$mnt/a" > /dev/null
	proxy snapshot
	expect "health and states with a target" \
		"$(grep -cE 'health (good|strained)$|dev_latency0|active_files0' "$tmp/ctl")" 3
	rmmod mlproxy_readahead || exit 1
	expect "hooks after unload" "$(is_hooked)" 0
}

test_windows()
{
	proxy_load || exit 1
	proxy start
	python3 - "$mnt/a" $stats/read_bytes $params/pin <<'PYTHON' || exit 1
import mmap, os, sys
path, counter, pin = sys.argv[1:]
def read():
    return int(open(counter).read())
# action: pages of one fault
for action, window in {1: 1, 2: 4, 3: 8, 4: 16, 5: 64, 6: 256, 0: 32}.items():
    with open(pin, "w") as f:
        f.write(str(action))
    with open(path, "rb") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            m[0]
            before = read()
            for i in range(1, 11):
                m[i * 512 * 4096]
            pages = (read() - before) // 4096 / 10
            print("action", action, "pages a fault", pages)
            if pages != window:
                sys.exit("expected %d" % window)
PYTHON
	rmmod mlproxy_readahead
}

# A stream that was read with a large window goes on with a smaller one, or the kernel's.
test_shortened()
{
	proxy_load || exit 1
	proxy start
	python3 - "$mnt/a" $stats/reads $params/pin <<'PYTHON' || exit 1
import mmap, os, sys
path, counter, pin = sys.argv[1:]
def reads():
    return int(open(counter).read())
def read_on(fd, m, first, pages, action):
    with open(pin, "w") as f:
        f.write(str(action))
    before = reads()
    for i in range(first, first + pages):
        if m:
            m[i * 4096]
        else:
            os.pread(fd, 4096, i * 4096)
    return reads() - before
for way in "pread", "mmap":
    for action, window in (2, 4), (4, 16), (0, 32):
        with open(path, "rb") as f:
            fd = f.fileno()
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            m = mmap.mmap(fd, 0, prot=mmap.PROT_READ) if way == "mmap" else None
            large = read_on(fd, m, 0, 1536, 6)
            # what was read ahead already
            read_on(fd, m, 1536, 512, action)
            small = read_on(fd, m, 2048, 1024, action)
            if m:
                m.close()
        print(way, "action", action, "reads of 1M windows:", large, "then:", small)
        if large >= 1536 // 32 or abs(small - 1024 // window) > 3:
            sys.exit("expected %d" % (1024 // window))
PYTHON
	rmmod mlproxy_readahead
}

test_restored()
{
	proxy_load || exit 1
	proxy start
	pin 1
	mount_fresh
	python3 - "$mnt/a" $stats/read_bytes "$mlproxy" <<'PYTHON'
import mmap, subprocess, sys
path, counter, tool = sys.argv[1:]
def read():
    return int(open(counter).read())
def pages(m, first):
    before = read()
    for i in range(first, first + 8):
        m[i * 256 * 4096]
    return (read() - before) // 4096 // 8
with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    m[0]
    running = pages(m, 1)
    subprocess.run([tool, "stop", "readahead"], check=True, stdout=subprocess.DEVNULL)
    stopped = pages(m, 9)
print("pages a fault: running", running, "stopped", stopped)
sys.exit(running != 1 or stopped != 32)
PYTHON
	status=$?
	rmmod mlproxy_readahead
	exit $status
}

test_advice()
{
	local before

	proxy_load || exit 1
	proxy start
	pin 5
	mount_fresh
	before=$(param nr_advised)
	python3 - "$mnt/a" "$mnt/b" $stats/read_bytes <<'PYTHON'
import mmap, os, sys
by_file, by_map, counter = sys.argv[1:]
def read():
    return int(open(counter).read())
def pages(m):
    m[0]
    before = read()
    for i in range(1, 9):
        m[i * 512 * 4096]
    return (read() - before) // 4096 // 8
with open(by_file, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    sequential = pages(m)
with open(by_map, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    m.madvise(mmap.MADV_RANDOM)
    random = pages(m)
print("pages a fault: sequential file", sequential, "random mapping", random)
# The kernel doubles the device's window for POSIX_FADV_SEQUENTIAL.
sys.exit(sequential != 64 or random != 1)
PYTHON
	status=$?
	[ "$(param nr_advised)" -gt "$before" ] || { echo "no call counted as advised"; status=1; }
	rmmod mlproxy_readahead
	exit $status
}

# Of a window that is larger than what somebody has set, nothing comes.
test_limit()
{
	local kb from

	proxy_load epoch_calls=4 || exit 1
	proxy start
	follow_all
	"$BUILDDIR/tests/guest/ra_key" "$mnt/a" | sed 's/$/ 64K 65535 3600000/' |
		"$mlproxy" recommend readahead -f - || exit 1
	for kb in 32 64; do
		echo $kb > /sys/block/mlptest0/queue/read_ahead_kb
		mount_fresh
		from=$(param nr_overridden)
		python3 - "$mnt/a" <<'PYTHON' || exit 1
import mmap, random, sys
random.seed(1)
with open(sys.argv[1], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    for i in random.sample(range(0, len(m) // 4096, 64), 80):
        m[i * 4096]
PYTHON
		echo "$kb KB: $(($(param nr_overridden) - from)) calls with another window"
		[ "$(param nr_overridden)" -gt "$from" ] || echo $kb >> "$tmp/kept"
	done
	echo 128 > /sys/block/mlptest0/queue/read_ahead_kb
	expect "windows that were kept to" "$(cat "$tmp/kept")" 32
	rmmod mlproxy_readahead
}

test_other_fs()
{
	local calls

	proxy_load || exit 1
	proxy start
	pin 6
	modprobe brd rd_nr=1 rd_size=16384 2> /dev/null && [ -b /dev/ram0 ] || exit 4
	mkfs.ext4 -q /dev/ram0
	mkdir -p "$tmp/other"
	mount /dev/ram0 "$tmp/other" || exit 1
	dd if=/dev/zero of="$tmp/other/f" bs=1M count=8 status=none
	umount "$tmp/other"
	mount /dev/ram0 "$tmp/other"
	calls=$(param nr_calls)
	cat "$tmp/other/f" /bin/bash > /dev/null
	expect "calls seen on other file systems" "$(param nr_calls)" "$calls"
	mount_fresh
	cat "$mnt/a" > /dev/null
	[ "$(param nr_calls)" -gt "$calls" ] || { echo "no call seen on the target"; exit 1; }
	umount "$tmp/other"
	rmmod brd
	rmmod mlproxy_readahead
}

test_mmap_miss()
{
	local fix read_bytes pages=()

	proxy_load || exit 1
	proxy start
	pin 0
	cat > "$tmp/faults.py" <<'PYTHON'
import mmap, random, sys
random.seed(1)
with open(sys.argv[1], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    for i in range(1500):
        m[random.randrange(len(m) // 4096) * 4096]
PYTHON
	echo 16 > /sys/block/mlptest0/queue/read_ahead_kb
	for fix in 0 1; do
		echo $fix > $params/fix_mmap_miss
		mount_fresh
		read_bytes=$(< $stats/read_bytes)
		python3 "$tmp/faults.py" "$mnt/a" || exit 1
		pages[fix]=$((($(< $stats/read_bytes) - read_bytes) / 4096))
	done
	echo 128 > /sys/block/mlptest0/queue/read_ahead_kb
	echo "pages read: as the kernel counts ${pages[0]}, corrected ${pages[1]}"
	rmmod mlproxy_readahead
	# The newest kernels count right by themselves: hardly a page more than faults.
	[ "${pages[0]}" -lt 2000 ] || [ "${pages[1]}" -lt $((pages[0] * 3 / 4)) ]
}

test_data()
{
	proxy_load epoch_calls=2 || exit 1
	head -c ${short_kb}K "$tmp/reference" > "$tmp/short"
	cp "$tmp/short" "$mnt/c"
	sync "$mnt/c"
	proxy start
	python3 - "$mnt/c" "$tmp/short" $params/pin <<'PYTHON' || exit 1
import mmap, os, sys
path, reference, pin = sys.argv[1:]
good = open(reference, "rb").read()
for action in range(11):
    with open(pin, "w") as f:
        f.write(str(action))
    for size in (4096, 50000):
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        for at in reversed(range(0, len(good), size)):
            if os.pread(fd, size, at) != good[at:at + size]:
                sys.exit("wrong data by read, action %d, at %d" % (action, at))
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
            if m[:] != good:
                sys.exit("wrong data by mapping, action %d" % action)
        os.close(fd)
PYTHON
	rm "$mnt/c"
	rmmod mlproxy_readahead
}

# decisions_by SOURCE: there are some
decisions_by()
{
	"$mlproxy" stats readahead > "$tmp/stats" || exit 1
	grep -E "^  $1 +[1-9]" "$tmp/stats" || { cat "$tmp/stats"; exit 1; }
}

# What is shipped was made for the schema of today.
test_shipped_model()
{
	proxy_load epoch_calls=2 || exit 1
	proxy start
	"$mlproxy" load readahead "$TOP/models/readahead.mlp" --activate || exit 1
	follow_all
	start_load
	wait_calls
	wait_calls
	stop_load
	decisions_by model
	rmmod mlproxy_readahead
}

test_rule()
{
	local program=$BUILDDIR/examples/bpf/readahead.bpf.o

	[ -e "$program" ] || exit 4
	proxy_load epoch_calls=2 || exit 1
	proxy start
	"$mlproxy" bpf attach "$program" --name rule || exit 1
	follow_all
	mount_fresh
	# by read(), at random: what the rule then chooses is legal in free memory, too
	python3 - "$mnt/a" <<'PYTHON' || exit 1
import os, random, sys
random.seed(1)
fd = os.open(sys.argv[1], os.O_RDONLY)
for i in random.sample(range(0, 6000, 40), 100):
    os.pread(fd, 4096, i * 4096)
PYTHON
	(decisions_by bpf)
	status=$?
	"$mlproxy" bpf detach rule
	rmmod mlproxy_readahead
	exit $status
}

ktap_test "load and unload" test_load_unload
ktap_test "parameters" test_parameters
ktap_test "attached only while running, with a target" test_attached
ktap_stock "windows are in force" test_windows
ktap_stock "a stream goes on with a smaller window" test_shortened
ktap_stock "the kernel's window is back after stop" test_restored
ktap_stock "the application's advice wins" test_advice
ktap_stock "a window below the kernel's default is a limit" test_limit
ktap_test "other file systems are left alone" test_other_fs
ktap_stock "the kernel's misses are counted right on demand" test_mmap_miss
ktap_test "data is right under every action" test_data
ktap_test "the shipped model decides" test_shipped_model
ktap_stock "a hand-made rule in eBPF decides" test_rule
ktap_end
