#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The cleaner for NILFS2: it frees segments by each policy and in each order, keeps what files
# and a snapshot have, suspends nilfs_cleanerd and resumes it, may be killed at any moment, and
# helps a writer for whom there is no space.
#
# guest-test: timeout=300 modules=none only-kernel=request
#
# Needs nilfs-tools, python3 and null_blk.

. "$(dirname "$0")/ktap.sh"

cleaner=$BUILDDIR/userspace/bin/mlproxy-nilfs2
nullb=/sys/kernel/config/nullb
tmp=$(mktemp -d)
mnt=$tmp/mnt
snap=$tmp/snapshot

finish()
{
	umount -q "$snap" "$mnt"
	if [ -d $nullb/mlp-nilfs2 ]; then
		echo 0 > $nullb/mlp-nilfs2/power
		rmdir $nullb/mlp-nilfs2
	fi
	modprobe -q -r nilfs2
	rm -rf "$tmp"
}
trap finish EXIT

# The load: files of blocks that say which they are. data.py DIR ROUNDS overwrites, verifies
# all, and keeps what each block has to be beside, in DIR.state; data.py DIR 0 [STATE] verifies.
cat > "$tmp/data.py" <<'PYTHON'
import os, pickle, random, struct, sys
dir, rounds = sys.argv[1], int(sys.argv[2])
state = sys.argv[3] if len(sys.argv) > 3 else dir + ".state"
want, serial = pickle.load(open(state, "rb")) if os.path.exists(state) else ({}, 0)
random.seed(serial + 1)
BLOCK, FILES, BLOCKS = 4096, 12, 200
def block(name, i, n):
    return struct.pack("<16sQQ", name.encode(), i, n) * 128
for r in range(rounds):
    name = "f%d" % (r % FILES if serial < FILES * BLOCKS else random.choice((0, 0, 1, 2, 5, 9)))
    blocks = want.setdefault(name, {})
    at, run = (0, BLOCKS) if not blocks else (random.randrange(BLOCKS), random.choice((3, 40)))
    fd = os.open(dir + "/" + name, os.O_RDWR | os.O_CREAT)
    for i in range(at, min(BLOCKS, at + run)):
        serial += 1
        blocks[i] = serial
        os.pwrite(fd, block(name, i, serial), i * BLOCK)
    if r % 8 == 7:
        os.fsync(fd)
    os.close(fd)
if rounds:
    pickle.dump((want, serial), open(state, "wb"))
os.sync()
for name, blocks in want.items():
    fd = os.open(dir + "/" + name, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for i, n in blocks.items():
        if os.pread(fd, BLOCK, i * BLOCK) != block(name, i, n):
            sys.exit("%s: block %d is wrong" % (name, i))
    os.close(fd)
PYTHON

data()
{
	python3 "$tmp/data.py" "$@" || exit 1
}

clean_segments()
{
	lssu -a "$dev" > "$tmp/lssu" || exit 1
	awk '$4 == "---"' "$tmp/lssu" | wc -l
}

# once SEGMENTS OPTION...: what it did, in $copied and so on
once()
{
	"$cleaner" --once "$1" --protect 0 "${@:2}" "$mnt" > "$tmp/once" 2>&1 || {
		cat "$tmp/once"
		exit 1
	}
	cat "$tmp/once"
	eval "$(tail -n 1 "$tmp/once")"
}

# peer: what nilfs_cleanerd does
peer()
{
	nilfs-clean --status "$dev" 2>&1
}

make_fs()
{
	local dir=$nullb/mlp-nilfs2

	modprobe -q nilfs2 && modprobe null_blk nr_devices=0 || exit 4
	mkdir -p /dev/mqueue
	mountpoint -q /dev/mqueue || mount -t mqueue none /dev/mqueue || exit 4
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || exit 4
	mkdir $dir && echo 64 > $dir/size && echo 1 > $dir/memory_backed &&
		echo 4096 > $dir/blocksize && echo 1 > $dir/power || exit 1
	dev=/dev/mlp-nilfs2
	[ -b $dev ] || dev=/dev/nullb$(< $dir/index)
	mkfs.nilfs2 -q -B 64 "$dev" && mkdir -p "$mnt" "$snap" &&
		mount -t nilfs2 "$dev" "$mnt"
}

test_policies()
{
	local policy order=disk before

	data "$mnt" 24
	mkcp -s "$dev" || exit 1
	cp "$mnt.state" "$tmp/snapshot.state"
	for policy in timestamp greedy cost-benefit lifetime; do
		data "$mnt" 40
		before=$(clean_segments)
		once 8 --policy $policy --order $order
		expect "segments cleaned by $policy" "${segments:?}" 8
		[ "$(clean_segments)" -gt "$before" ] || { echo "no more are clean"; exit 1; }
		order=$([ $order = disk ] && echo age || echo life)
	done
	data "$mnt" 0
}

# Of an hour's checkpoints all are kept, and nothing here is older.
test_protection()
{
	local kept

	kept=$(lscp "$dev" | wc -l)
	"$cleaner" --once 8 --protect 3600 "$mnt" | tee "$tmp/once"
	grep -q 'segments=0 ' "$tmp/once" || exit 1
	[ "$(lscp "$dev" | wc -l)" -ge "$kept" ] || { echo "checkpoints are gone"; exit 1; }
}

test_snapshot()
{
	mount -t nilfs2 -o "ro,cp=$(lscp -s "$dev" | awk 'NR == 2 { print $1 }')" "$dev" "$snap" ||
		exit 1
	data "$snap" 0 "$tmp/snapshot.state"
	umount "$snap"
}

# start OPTION...: in the background, and wait until it handles signals
start()
{
	"$cleaner" --protect 0 "$@" "$mnt" > "$tmp/log" 2>&1 &
	pid=$!
	wait_handler $pid || { cat "$tmp/log"; exit 1; }
}

# wait_peer STATE
wait_peer()
{
	local i

	for ((i = 0; i < 100; i++)); do
		[[ $(peer) != *"$1"* ]] || return 0
		sleep 0.1
	done
	echo "nilfs_cleanerd is $(peer), not $1"
	cat "$tmp/log"
	kill -9 $pid
	exit 1
}

test_peer()
{
	[[ $(peer) != *suspended* ]] || { peer; exit 1; }
	start
	wait_peer suspended
	"$cleaner" --protect 0 "$mnt" > "$tmp/second" 2>&1 && exit 1
	grep -q 'another mlproxy-nilfs2' "$tmp/second" || { cat "$tmp/second"; exit 1; }
	wait_peer suspended
	kill $pid
	wait $pid || { cat "$tmp/log"; exit 1; }
	wait_peer idle
	# killed, it is resumed by the next one, or by hand
	start
	wait_peer suspended
	kill -9 $pid
	wait $pid
	wait_peer suspended
	"$cleaner" --resume "$mnt" || exit 1
	wait_peer idle
}

test_killed()
{
	local i pid

	for i in 1 2 3 4; do
		data "$mnt" 12
		"$cleaner" --protect 0 --once 100 --policy greedy "$mnt" > "$tmp/log" 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -9 $pid 2> /dev/null
		wait $pid 2> /dev/null
	done
	data "$mnt" 40
	once 4
	expect "segments cleaned after that" "${segments:?}" 4
	wait_peer idle
	data "$mnt" 0
}

# A writer without space gets some, with nobody to tell the cleaner.
test_full()
{
	local i

	start --interval 3600000
	wait_peer suspended
	kill $pid
	wait $pid
	nilfs-clean --suspend "$dev" || exit 1
	for ((i = 0; i < 400; i++)); do
		dd if=/dev/zero of="$mnt/filler" bs=64K count=16 conv=fsync status=none \
			2> "$tmp/dd" || break
	done
	cat "$tmp/dd"
	grep -q 'No space' "$tmp/dd" || exit 1
	start --interval 50
	for ((i = 0; i < 600; i++)); do
		dd if=/dev/zero of="$mnt/filler" bs=64K count=16 conv=fsync status=none \
			2> "$tmp/dd" && break
		sleep 0.1
	done
	kill $pid
	wait $pid
	cat "$tmp/dd" "$tmp/log"
	[ ! -s "$tmp/dd" ] || exit 1
	eval "$(tail -n 1 "$tmp/log")"
	[ "${emergencies:?}" -gt 0 ] || exit 1
	# it was not this cleaner that suspended it
	wait_peer suspended
	nilfs-clean --resume "$dev"
	data "$mnt" 0
}

test_mounted_again()
{
	umount "$mnt" && mount -t nilfs2 "$dev" "$mnt" || exit 1
	data "$mnt" 0
	test_snapshot
}

# Of a nilfs_cleanerd that was killed nothing is waited for.
test_peer_killed()
{
	kill -9 "$(pgrep -f "nilfs_cleanerd $dev")" || exit 1
	once 1
}

test_bad_input()
{
	expect_fail "$cleaner" --policy nothing "$mnt"
	expect_fail "$cleaner" --low 30 --high 20 "$mnt"
	expect_fail "$cleaner" --once 1x "$mnt"
	"$cleaner" /proc 2>&1 | grep -q 'no NILFS2 file system'
}

[ -x "$cleaner" ] || { echo "Bail out! no $cleaner; run: make"; exit 1; }
command -v mkfs.nilfs2 > /dev/null || {
	echo "Bail out! no mkfs.nilfs2; run: scripts/deps check"
	exit 1
}
make_fs || { echo "Bail out! no NILFS2 on null_blk"; exit 1; }
ktap_test "each policy frees segments and keeps data" test_policies
ktap_test "protected checkpoints are kept" test_protection
ktap_test "the snapshot is kept" test_snapshot
ktap_test "nilfs_cleanerd is suspended and resumed, and there is one cleaner" test_peer
ktap_test "killed at any moment, it loses nothing" test_killed
ktap_test "a writer without space gets some" test_full
ktap_test "all is there when mounted again" test_mounted_again
ktap_test "a nilfs_cleanerd that was killed is not waited for" test_peer_killed
ktap_test "what makes no sense is refused" test_bad_input
ktap_end
