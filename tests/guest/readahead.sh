#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The readahead proxy on a real file system: windows are in force for files on
# the target and nowhere else, the kernel's own are back when it stops, the data
# read is right under every action, and files, mounts, devices and the module
# itself may go at any time.
#
# guest-test: timeout=500 modules=none patching=yes
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Counts device
# bytes, and never takes a time.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
params=/sys/module/mlproxy_readahead/parameters
stats=/sys/block/mlptest0/testblk
hooked=/sys/kernel/tracing/enabled_functions
tmp=$(mktemp -d)
mnt=$tmp/mnt
file_mb=24
rounds=6 short_kb=4096 loads="1 2"
[ -z "$GUEST_DEBUG" ] || rounds=2 short_kb=512 loads=1

finish()
{
	stop_load
	umount -q "$mnt"
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

proxy()
{
	"$mlproxy" "$1" readahead > "$tmp/ctl" 2>&1 || { cat "$tmp/ctl"; exit 1; }
}

param()
{
	echo "$(< "$params/$1")"
}

pin()
{
	echo "$1" > $params/pin
}

# mount_fresh: nothing of the file system is cached after it
mount_fresh()
{
	umount -q "$mnt"
	mount -o noatime /dev/mlptest0 "$mnt"
}

make_fs()
{
	mod_load mlproxy_testblk size_mb=64 preset=ram || return
	mkfs.ext4 -q -O ^has_journal /dev/mlptest0 &&
		mount -o noatime /dev/mlptest0 "$mnt" || return
	dd if=/dev/urandom of="$tmp/reference" bs=1M count=$file_mb status=none
	cp "$tmp/reference" "$mnt/a" && cp "$tmp/reference" "$mnt/b" || return
	echo 128 > /sys/block/mlptest0/queue/read_ahead_kb
}

# What a failed test left behind must not fail the next one.
proxy_load()
{
	stop_load
	mod_loaded mlproxy_readahead && rmmod mlproxy_readahead
	mountpoint -q "$mnt" || mount -o noatime /dev/mlptest0 "$mnt" || return
	mod_load mlproxy_readahead target=mlptest0 "$@"
}

# Endless mixed reading on the target, in the background.
start_load()
{
	cat > "$tmp/load.py" <<'PYTHON'
import mmap, os, random, sys, time
path, seed, pause = sys.argv[1], int(sys.argv[2]), sys.argv[3]
random.seed(seed)
while True:
    while os.path.exists(pause):
        time.sleep(0.01)
    try:
        with open(path, "rb") as f:
            size = os.fstat(f.fileno()).st_size
            if size < 65536:
                continue
            m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
            pages = size // 4096
            at = random.randrange(pages)
            for i in range(64):
                m[random.randrange(pages) * 4096]
                os.pread(f.fileno(), 8192, (at + i) % pages * 4096)
                os.pread(f.fileno(), 4096, (at - i) % pages * 4096)
                os.pread(f.fileno(), 4096, (at + 7 * i) % pages * 4096)
            m.close()
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except (OSError, ValueError):
        pass
PYTHON
	local i

	for i in $loads; do
		python3 "$tmp/load.py" "$mnt/a" $i "$tmp/pause" > /dev/null 2>&1 &
		echo $! >> "$tmp/load.pids"
	done
}

stop_load()
{
	local pid

	for pid in $(cat "$tmp/load.pids" 2>/dev/null); do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		while [ -d "/proc/$pid" ]; do
			sleep 0.05
		done
	done
	rm -f "$tmp/load.pids"
}

# wait_calls: until the proxy has seen more calls
wait_calls()
{
	local from i

	from=$(param nr_calls)
	for i in $(seq 300); do
		[ "$(param nr_calls)" -gt $((from + 20)) ] && return
		sleep 0.1
	done
	echo "the proxy saw no calls"
	exit 1
}

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
	proxy_load || exit 1
	expect target "$(param target)" "$(lsblk -dno MAJ:MIN /dev/mlptest0 | tr -d ' ')"
	expect_fail sh -c "echo no-such-device > $params/target"
	expect_fail sh -c "echo 300:x > $params/target"
	expect_fail sh -c "echo 5000:1 > $params/target"
	expect_fail sh -c "echo 8:1,8:2,8:3,8:4,8:5,8:6,8:7,8:8,8:9 > $params/target"
	expect "target after bad ones" "$(param target)" \
		"$(lsblk -dno MAJ:MIN /dev/mlptest0 | tr -d ' ')"
	echo "8:1, 8:2,8:1,/dev/mlptest0" > $params/target
	case $(param target) in
	8:1,8:2,*) ;;
	*) expect "several targets" "$(param target)" "8:1,8:2,..." ;;
	esac
	echo > $params/target
	expect "no target" "$(param target)" ""
	expect_fail sh -c "echo 10 > $params/pin"
	expect_fail sh -c "echo 1 > $params/epoch_calls"
	expect_fail sh -c "echo 1 > $params/epoch_us"
	expect_fail sh -c "echo 5 > $params/nr_calls"
	rmmod mlproxy_readahead || exit 1
	expect_fail mod_load mlproxy_readahead max_files=1
	expect_fail mod_load mlproxy_readahead target=no-such-device
}

is_hooked()
{
	local n

	n=$(grep -cE '^(filemap_fault|page_cache_(a)?sync_ra) ' $hooked)
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
	expect "hooks" "$(is_hooked)" 3
	echo > $params/target
	expect "hooks after the target was taken away" "$(is_hooked)" 0
	echo mlptest0 > $params/target
	proxy stop
	expect "hooks after stop" "$(is_hooked)" 0
	proxy start
	expect "hooks after start" "$(is_hooked)" 3
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
	python3 - "$mnt/a" $params <<'PYTHON'
import os, random, sys
path, params = sys.argv[1:]
def value(name):
    return int(open(params + "/nr_" + name).read())
random.seed(1)
fd = os.open(path, os.O_RDONLY)
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
	[ "${pages[1]}" -lt $((pages[0] * 3 / 4)) ]
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
for action in range(10):
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

test_reuse()
{
	local i

	proxy_load epoch_calls=2 max_files=8 || exit 1
	proxy start
	start_load
	for i in $(seq $((rounds * 2))); do
		pin $((i % 10))
		head -c 1M "$tmp/reference" > "$mnt/new"
		# written, and evicted: what is compared comes from the device
		dd of="$mnt/new" oflag=nocache conv=notrunc,fdatasync count=0 status=none
		cmp -n 1048576 "$mnt/new" "$tmp/reference" || exit 1
		rm "$mnt/new"
	done
	wait_calls
	stop_load
	[ "$(param nr_evicted)" -gt 0 ] || echo "no file was evicted"
	rmmod mlproxy_readahead
}

# umount_busy: as soon as the load has closed its file
umount_busy()
{
	local i status=1

	touch "$tmp/pause"
	for i in $(seq 1000); do
		umount -q "$mnt" 2> /dev/null && status=0 && break
		sleep 0.01
	done
	rm -f "$tmp/pause"
	[ $status -eq 0 ] || echo "never free to be unmounted"
	return $status
}

test_umount()
{
	local i

	proxy_load epoch_calls=2 || exit 1
	proxy start
	start_load
	for i in $(seq "$rounds"); do
		pin $((i % 10))
		umount_busy || exit 1
		mount -o noatime /dev/mlptest0 "$mnt" || exit 1
		wait_calls
	done
	stop_load
	umount "$mnt" || exit 1
	# The target's driver may go, too, and come back.
	rmmod mlproxy_testblk || exit 1
	param target
	make_fs || exit 1
	echo mlptest0 > $params/target
	start_load
	wait_calls
	stop_load
	rmmod mlproxy_readahead
}

test_device_gone()
{
	local disk

	modprobe sd_mod 2> /dev/null
	modprobe scsi_debug dev_size_mb=48 2> /dev/null || exit 4
	for disk in $(seq 50); do
		disk=$(grep -l scsi_debug /sys/block/*/device/model 2> /dev/null | head -n 1)
		[ -n "$disk" ] && break
		sleep 0.1
	done
	[ -n "$disk" ] || { echo "scsi_debug made no disk"; exit 4; }
	disk=${disk#/sys/block/}
	disk=${disk%%/*}
	umount -q "$mnt"
	mkfs.ext4 -q -O ^has_journal "/dev/$disk" && mount "/dev/$disk" "$mnt" || exit 1
	cp "$tmp/reference" "$mnt/a"
	umount "$mnt"
	mount "/dev/$disk" "$mnt"
	proxy_load epoch_calls=2 || exit 1
	echo "$disk" > $params/target
	proxy start
	pin 6
	start_load
	wait_calls
	echo 1 > "/sys/block/$disk/device/delete"
	sleep 0.5
	param nr_decisions
	stop_load
	umount "$mnt" || umount -l "$mnt"
	rmmod mlproxy_readahead || exit 1
	rmmod scsi_debug
	mount -o noatime /dev/mlptest0 "$mnt"
}

test_stop_start()
{
	local i

	proxy_load epoch_calls=2 || exit 1
	proxy start
	start_load
	for i in $(seq "$rounds"); do
		pin $((i % 10))
		wait_calls
		proxy stop
		proxy start
	done
	stop_load
	rmmod mlproxy_readahead
}

test_rmmod()
{
	local i

	proxy_load && rmmod mlproxy_readahead
	start_load
	for i in $(seq "$rounds"); do
		mod_load mlproxy_readahead target=mlptest0 epoch_calls=2 pin=$((i % 10)) || exit 1
		proxy start
		wait_calls
		rmmod mlproxy_readahead || exit 1
	done
	mod_load mlproxy_readahead target=mlptest0 || exit 1
	proxy start
	python3 - <<'PYTHON'
import fcntl, os, struct, subprocess, sys
fd = os.open("/dev/mlproxy", os.O_RDWR)
fcntl.ioctl(fd, 0xb802, bytearray(struct.pack("II32sII", 48, 0, b"readahead", 0, 0)))
bound = subprocess.run(["rmmod", "mlproxy_readahead"], stderr=subprocess.DEVNULL).returncode
os.close(fd)
free = subprocess.run(["rmmod", "mlproxy_readahead"]).returncode
print("rmmod while a session is bound:", bound, "after it:", free)
sys.exit(not bound or free)
PYTHON
	status=$?
	stop_load
	exit $status
}

# decided_by SOURCE: epochs of reading are decided by it
decided_by()
{
	"$mlproxy" mode readahead recommendation > /dev/null || exit 1
	"$mlproxy" param readahead share.recommendation 1 > /dev/null || exit 1
	start_load
	wait_calls
	wait_calls
	stop_load
	"$mlproxy" stats readahead > "$tmp/stats" || exit 1
	grep -E "^  $1 +[1-9]" "$tmp/stats" || { cat "$tmp/stats"; exit 1; }
}

# What is shipped was made for the schema of today.
test_shipped_model()
{
	proxy_load epoch_calls=2 || exit 1
	proxy start
	"$mlproxy" load readahead "$TOP/models/readahead.mlp" --activate || exit 1
	decided_by model
	rmmod mlproxy_readahead
}

test_rule()
{
	local program=$BUILDDIR/examples/bpf/readahead.bpf.o

	[ -e "$program" ] || exit 4
	proxy_load epoch_calls=2 || exit 1
	proxy start
	"$mlproxy" bpf attach "$program" --name rule || exit 1
	(decided_by bpf)
	status=$?
	"$mlproxy" bpf detach rule
	rmmod mlproxy_readahead
	exit $status
}

mkdir -p "$mnt"
[ -x "$mlproxy" ] || { echo "Bail out! no $mlproxy; run: make"; exit 1; }
make_fs || { echo "Bail out! cannot make a file system on the test device"; exit 1; }

ktap_test "load and unload" test_load_unload
ktap_test "parameters" test_parameters
ktap_test "attached only while running, with a target" test_attached
ktap_test "windows are in force" test_windows
ktap_test "the kernel's window is back after stop" test_restored
ktap_test "the application's advice wins" test_advice
ktap_test "other file systems are left alone" test_other_fs
ktap_test "backward reads are prefetched" streams 8 pread 10 -1
ktap_test "strided reads are prefetched" streams 8 pread 10 5
ktap_test "backward faults are prefetched" streams 9 mmap 40 -1
ktap_test "strided faults are prefetched" test_gaps
ktap_test "several streams of one file are prefetched" streams 8 pread 5 -1 7 -3
ktap_test "a change of the reads is seen at once" test_change
ktap_test "the kernel's misses are counted right on demand" test_mmap_miss
ktap_test "data is right under every action" test_data
ktap_test "files are made and removed meanwhile" test_reuse
ktap_test "unmount, and the driver goes" test_umount
ktap_test "the device goes away under load" test_device_gone
ktap_test "stop and start under load" test_stop_start
ktap_test "unload under load" test_rmmod
ktap_test "the shipped model decides" test_shipped_model
ktap_test "a hand-made rule in eBPF decides" test_rule
ktap_end
