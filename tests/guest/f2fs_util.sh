# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the F2FS proxy have in common: filesystems on null_blk devices, and a load
# that knows what every block has to be. Sourced by them.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
params=/sys/module/mlproxy_f2fs/parameters
nullb=/sys/kernel/config/nullb
tmp=$(mktemp -d)

finish()
{
	local dir

	stop_churn
	for dir in "$tmp"/mnt-*; do
		umount -q "$dir"
	done
	mod_unload_all
	for dir in "$nullb"/mlp-*; do
		[ -d "$dir" ] || continue
		echo 0 > "$dir/power"
		rmdir "$dir"
	done
	modprobe -q -r f2fs
	rm -rf "$tmp"
}
trap finish EXIT

param()
{
	echo "$(< "$params/$1")"
}

pin()
{
	echo "$1" > $params/pin || exit 1
}

proxy()
{
	"$mlproxy" "$1" f2fs > "$tmp/ctl" 2>&1 || { cat "$tmp/ctl"; exit 1; }
}

proxy_load()
{
	mod_loaded mlproxy_f2fs && rmmod mlproxy_f2fs
	mod_load mlproxy_f2fs "$@" || exit 1
}

# make_device NAME MB SETTING=VALUE...: a null_blk device of this size
make_device()
{
	local dir=$nullb/mlp-$1 setting

	modprobe null_blk nr_devices=0 || exit 4
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || exit 4
	mkdir "$dir" && echo "$2" > "$dir/size" && echo 1 > "$dir/memory_backed" &&
		echo 4096 > "$dir/blocksize" || return
	shift 2
	for setting; do
		echo "${setting#*=}" > "$dir/${setting%%=*}" || return
	done
	echo 1 > "$dir/power"
}

# device NAME: its name in /dev, which some kernels take from that of the directory
device()
{
	if [ -b "/dev/mlp-$1" ]; then
		echo "mlp-$1"
	else
		echo "nullb$(< "$nullb/mlp-$1/index")"
	fi
}

# make_fs NAME OPTION...: F2FS on a device, mounted on $tmp/mnt-NAME with mode=lfs
make_fs()
{
	local dev

	dev=/dev/$(device "$1")
	mkdir -p "$tmp/mnt-$1"
	mkfs.f2fs -q -f "${@:2}" "$dev" > "$tmp/mkfs" 2>&1 || { cat "$tmp/mkfs"; return 1; }
	mount -t f2fs -o mode=lfs "$dev" "$tmp/mnt-$1"
}

# check_fs NAME: unmounted, fsck has nothing to say; and mounted again
check_fs()
{
	local dev

	dev=/dev/$(device "$1")
	umount "$tmp/mnt-$1" || exit 1
	if ! fsck.f2fs -f --dry-run "$dev" > "$tmp/fsck" 2>&1 ||
	   grep -qE '\[(FAIL|FIX)\]|ASSERT|FSCK_ERR' "$tmp/fsck"; then
		cat "$tmp/fsck"
		exit 1
	fi
	grep -c '\[Ok..\]' "$tmp/fsck" > /dev/null || { cat "$tmp/fsck"; exit 1; }
	mount -t f2fs -o mode=lfs "$dev" "$tmp/mnt-$1" || exit 1
}

# The load: overwrites, appends, deletions and syncs; it keeps what each block has to be.
# churn DIR ROUNDS [STOP]: as many rounds, or until the file STOP is there; verifies all at
# the end, from the device. What it knows is kept beside, in DIR.state, for churn DIR 0. With
# ACTIONS="..." as many rounds under each, with garbage collection in between; and it says how
# many blocks went to another log.
cat > "$tmp/churn.py" <<'PYTHON'
import fcntl, os, pickle, random, struct, sys
dir, rounds, stop = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
state = dir + ".state"
want, serial = pickle.load(open(state, "rb")) if os.path.exists(state) else ({}, 0)
random.seed(serial + 1)
BLOCK, MOST, FILES = 4096, 256, 40
def block(name, i, n):
    return struct.pack("<16sQQ", name.encode(), i, n) * 128
def write(name):
    global serial
    blocks = want.setdefault(name, {})
    fd = os.open(dir + "/" + name, os.O_RDWR | os.O_CREAT)
    size = len(blocks)
    if size < MOST and random.random() < 0.5:
        run = range(size, min(MOST, size + random.randrange(1, 96)))
    else:
        at = random.randrange(max(size, 1))
        run = range(at, min(max(size, 1), at + random.choice((1, 1, 4, 40))))
    for i in run:
        serial += 1
        blocks[i] = serial
        os.pwrite(fd, block(name, i, serial), i * BLOCK)
    if random.random() < 0.3:
        os.fdatasync(fd)
    os.close(fd)
def verify():
    os.sync()
    for name, blocks in want.items():
        fd = os.open(dir + "/" + name, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        for i, n in blocks.items():
            if os.pread(fd, BLOCK, i * BLOCK) != block(name, i, n):
                sys.exit("%s: block %d is wrong" % (name, i))
        os.close(fd)
params = "/sys/module/mlproxy_f2fs/parameters/"
def value(*names):
    return sum(int(open(params + "nr_" + name).read()) for name in names)
def one_round():
    name = "f%d" % (random.randrange(FILES) if random.random() < 0.3 else random.randrange(6))
    if name in want and random.random() < 0.02:
        os.unlink(dir + "/" + name)
        del want[name]
    else:
        write(name)
def collect():
    fd = os.open(dir, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, 0x4004f506, struct.pack("I", 1))	# F2FS_IOC_GARBAGE_COLLECT
    except OSError:
        pass	# nothing to collect
    os.close(fd)
for action in os.environ.get("ACTIONS", "").split():
    open(params + "pin", "w").write(action)
    before = value("moved", "moved_gc"), value("writes"), value("migrated")
    for i in range(rounds):
        one_round()
        if i % 4 == 3:
            collect()
    verify()
    print("action", action, "moved", value("moved", "moved_gc") - before[0], "of",
          value("writes") - before[1], "and", value("migrated") - before[2], flush=True)
done = 0 if "ACTIONS" not in os.environ else rounds
while done < rounds or (stop and not os.path.exists(stop)):
    done += 1
    one_round()
verify()
pickle.dump((want, serial), open(state, "wb"))
PYTHON

churn()
{
	python3 "$tmp/churn.py" "$@" || exit 1
}

# start_churn DIR, stop_churn: the same in the background
start_churn()
{
	rm -f "$tmp/stop"
	python3 "$tmp/churn.py" "$1" 0 "$tmp/stop" > "$tmp/churn.log" 2>&1 &
	echo $! > "$tmp/churn.pid"
}

stop_churn()
{
	local pid

	[ -s "$tmp/churn.pid" ] || return 0
	pid=$(< "$tmp/churn.pid")
	touch "$tmp/stop"
	while [ -d "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2> /dev/null; do
		sleep 0.1
	done
	rm -f "$tmp/churn.pid"
	[ ! -s "$tmp/churn.log" ] || { cat "$tmp/churn.log"; exit 1; }
}

# wait_mounts N: until so many filesystems are known
wait_mounts()
{
	local i

	for i in $(seq 300); do
		[ "$(param mounts)" = "$1" ] && return
		sleep 0.1
	done
	expect "filesystems known" "$(param mounts)" "$1"
}

[ -x "$mlproxy" ] || { echo "Bail out! no $mlproxy; run: make"; exit 1; }
command -v mkfs.f2fs > /dev/null || { echo "Bail out! no mkfs.f2fs; run: scripts/deps check"; exit 1; }
