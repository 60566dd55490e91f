#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The F2FS proxy in hard use, with a random log for each block: full filesystems, several writers,
# mapped and direct writes, remounting, freezing, and a shutdown.
#
# guest-test: timeout=300 modules=none patching=yes only-kernel=request
#
# Needs python3, f2fs-tools and null_blk, and type information of the kernel.

. "$(dirname "$0")/f2fs_util.sh"

# start: a filesystem on a zoned device, with random logs
start()
{
	[ -e /sys/kernel/btf/vmlinux ] || { echo "this kernel has no type information"; exit 4; }
	if [ ! -d $nullb/mlp-zoned ]; then
		make_device zoned 192 zoned=1 zone_size=4 zone_nr_conv=16 ||
			{ echo "no zoned null_blk"; exit 4; }
		make_fs zoned -m || exit 1
	fi
	mnt=$tmp/mnt-zoned dev=/dev/$(device zoned)
	proxy_load target=fstype:f2fs pin=5
	proxy start
	dd if=/dev/zero of="$mnt/first" bs=64K count=1 conv=fsync status=none
	wait_mounts 1
}

end()
{
	expect "writes that make no sense" "$(param nr_odd)" 0
	rmmod mlproxy_f2fs
}

# A writer fills it while another one overwrites; then there is no space, and again some.
test_full()
{
	start
	churn "$mnt" 8
	start_churn "$mnt"
	dd if=/dev/urandom of="$tmp/reference" bs=1M count=8 status=none
	for i in 1 2 3; do
		cp "$tmp/reference" "$mnt/big$i" 2> /dev/null
	done
	stop_churn
	dd if=/dev/zero of="$mnt/rest" bs=64K status=none 2> /dev/null
	[ "$(df --output=avail "$mnt" | tail -n 1)" -lt 1024 ] || { df "$mnt"; exit 1; }
	sync
	rm "$mnt/rest"
	check_fs zoned
	churn "$mnt" 0
	for i in 1 2 3; do
		cmp -n "$(stat -c %s "$mnt/big$i")" "$mnt/big$i" "$tmp/reference" || exit 1
	done
	rm "$mnt"/big*
	echo "moved: $(param nr_moved) and $(param nr_moved_gc), left alone: $(param nr_alone_mount)"
	expect "blocks moved" $(($(param nr_moved) > 100)) 1
	end
}

test_mapped_and_direct()
{
	start
	python3 - "$mnt/mapped" "$mnt/direct" <<'PYTHON' || exit 1
import mmap, os, random, sys
random.seed(1)
BLOCKS = 512
def block(n):
    return n.to_bytes(8, "little") * 512
want = [{}, {}]
mapped = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(mapped, BLOCKS * 4096)
m = mmap.mmap(mapped, BLOCKS * 4096)
direct = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_DIRECT)
buf = mmap.mmap(-1, 4096)
for n in range(1, 1500):
    i = random.randrange(BLOCKS)
    if n % 3:
        m[i * 4096:(i + 1) * 4096] = block(n)
        want[0][i] = n
    else:
        buf[:] = block(n)
        os.pwrite(direct, buf, i * 4096)
        want[1][i] = n
    if n % 200 == 0:
        m.flush()
m.flush()
m.close()
os.sync()
for path, blocks in zip(sys.argv[1:], want):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for i, n in blocks.items():
        if os.pread(fd, 4096, i * 4096) != block(n):
            sys.exit("%s: block %d is wrong" % (path, i))
PYTHON
	rm "$mnt/mapped" "$mnt/direct"
	check_fs zoned
	end
}

# While it is written to.
test_remount_and_freeze()
{
	start
	start_churn "$mnt"
	for i in 1 2 3; do
		mount -o "remount,mode=lfs,$([ $i = 2 ] && echo noatime || echo relatime)" "$mnt" ||
			exit 1
		fsfreeze -f "$mnt" && fsfreeze -u "$mnt" || exit 1
		sync
	done
	stop_churn
	check_fs zoned
	churn "$mnt" 0
	end
}

# After F2FS_IOC_SHUTDOWN, without a checkpoint, what was synced is there.
test_shutdown()
{
	start
	echo synced > "$mnt/synced" && sync
	python3 - "$mnt" <<'PYTHON' || exit 1
import fcntl, os, struct, sys
fd = os.open(sys.argv[1] + "/unsynced", os.O_RDWR | os.O_CREAT)
os.write(fd, b"x" * 1000000)
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
PYTHON
	# to be recovered by mounting it
	umount "$mnt" && mount -t f2fs -o mode=lfs "$dev" "$mnt" || exit 1
	check_fs zoned
	expect "what was synced" "$(< "$mnt/synced")" synced
	end
}

ktap_plan 4
ktap_test "a full filesystem" test_full
ktap_test "mapped and direct writes" test_mapped_and_direct
ktap_test "remounting and freezing" test_remount_and_freeze
ktap_test "shutdown" test_shutdown
ktap_end
