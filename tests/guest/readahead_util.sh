# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the readahead proxy have in common: a file system on the test device,
# the proxy on it, and programs that read. Sourced by them.

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

# follow_all: all decisions are those of what proposes one, and no file is held to the
# kernel's
follow_all()
{
	"$mlproxy" mode readahead recommendation > /dev/null &&
		"$mlproxy" param readahead share.recommendation 1 > /dev/null &&
		"$mlproxy" param readahead outer.recommendation 0 > /dev/null || exit 1
}

# mount_fresh: nothing of the file system is cached after it, and nothing but what a program
# reads is read (a thread of ext4 fetches bitmaps after some mounts and not after others)
mount_fresh()
{
	umount -q "$mnt"
	mount -o noatime,no_prefetch_block_bitmaps /dev/mlptest0 "$mnt"
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

mkdir -p "$mnt"
[ -x "$mlproxy" ] || { echo "Bail out! no $mlproxy; run: make"; exit 1; }
make_fs || { echo "Bail out! cannot make a file system on the test device"; exit 1; }
