#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The F2FS proxy on zoned and conventional devices: whatever is decided for a block, its data are
# right and fsck has nothing to say; what is not its business is left alone, and counted; and
# filesystems, F2FS itself and the proxy come and go in any order.
#
# guest-test: timeout=300 modules=none patching=yes only-kernel=6.1
#
# Needs python3 with h5py, f2fs-tools and null_blk.

. "$(dirname "$0")/f2fs_util.sh"

rounds=24

has_btf()
{
	[ -e /sys/kernel/btf/vmlinux ] || { echo "this kernel has no type information"; exit 4; }
}

# Without type information nothing is touched.
test_refused()
{
	[ ! -e /sys/kernel/btf/vmlinux ] || exit 4
	modprobe f2fs || exit 1
	proxy_load target=local
	log_mark
	expect_fail "$mlproxy" start f2fs
	expect "functions replaced" "$(param hooks)" 0
	log_after | grep "type information" || { log_after; exit 1; }
	rmmod mlproxy_f2fs
}

test_parameters()
{
	local bad

	proxy_load
	for bad in -2 6 x; do
		expect_fail sh -c "echo $bad > $params/pin"
	done
	expect_fail sh -c "echo 0:0 > $params/target"
	expect pin "$(param pin)" -1
	proxy start
	expect "functions replaced without a target" "$(param hooks)" 0
	rmmod mlproxy_f2fs
}

# F2FS is loaded before the proxy, after it, and unloaded under it.
test_module_comes()
{
	has_btf
	modprobe -q -r f2fs
	proxy_load target=local
	proxy start
	expect "functions replaced, no f2fs" "$(param hooks)" 0
	modprobe f2fs || exit 1
	expect "functions replaced" "$(param hooks)" 4
	proxy stop
	expect "functions replaced after stop" "$(param hooks)" 0
	proxy start
	expect "functions replaced, f2fs there" "$(param hooks)" 4
	modprobe -r f2fs || exit 1
	expect "functions replaced, f2fs gone" "$(param hooks)" 0
	modprobe f2fs && rmmod mlproxy_f2fs || exit 1
}

# make_all: a zoned and a conventional filesystem
make_all()
{
	[ -d $nullb/mlp-lfs ] && return
	make_device zoned 192 zoned=1 zone_size=4 zone_nr_conv=16 || { echo "no zoned null_blk"; exit 4; }
	make_device lfs 96 || exit 1
	make_fs zoned -m && make_fs lfs || exit 1
}

# expect_more WHAT BEFORE AFTER
expect_more()
{
	[ "$3" -gt "$2" ] || { echo "$1: $2, then $3"; exit 1; }
}

# under NAME ACTION...: these actions in turn
under()
{
	local action moved

	ACTIONS=${*:2} churn "$tmp/mnt-$1" $rounds > "$tmp/moved"
	sed "s/^/$1: /" "$tmp/moved"
	while read -r _ action _ moved _; do
		case $action in
		0) expect "blocks moved by the kernel's own choice" "$moved" 0 ;;
		4) ;; # by what it has seen
		*) expect_more "blocks moved" 0 "$moved" ;;
		esac
	done < "$tmp/moved"
	expect "actions" "$(wc -l < "$tmp/moved")" $(($# - 1))
	check_fs "$1"
	churn "$tmp/mnt-$1" 0
}

test_actions()
{
	local name

	has_btf
	make_all
	proxy_load target=fstype:f2fs
	proxy start
	# the first write asks for the instance
	for name in zoned lfs; do
		dd if=/dev/zero of="$tmp/mnt-$name/first" bs=64K count=1 conv=fsync status=none
	done
	wait_mounts 2
	"$mlproxy" list | grep f2fs:
	expect "instances" "$("$mlproxy" list | grep -cE "f2fs:($(device zoned)|$(device lfs)) ")" 2
	under zoned 0 1 2 3 4 5
	under lfs 3 5
	echo "of users: $(param nr_writes), migrated: $(param nr_migrated)," \
		"moved to another log: $(param nr_moved) and $(param nr_moved_gc)"
	expect "writes that make no sense" "$(param nr_odd)" 0
	expect_more "migrated" 0 "$(param nr_moved_gc)"
	rmmod mlproxy_f2fs
}

# Unloaded, loaded, stopped and started while blocks are written.
test_unload()
{
	local i

	has_btf
	make_all
	proxy_load target=fstype:f2fs pin=5
	start_churn "$tmp/mnt-zoned"
	for i in 1 2 3; do
		proxy_load target=fstype:f2fs pin=5
		proxy start
		wait_mounts 1
		[ $i = 2 ] || proxy stop
	done
	# under its own writes
	proxy start
	rmmod mlproxy_f2fs || exit 1
	stop_churn
	check_fs zoned
	churn "$tmp/mnt-zoned" 0
}

# A filesystem goes, and another comes.
test_umount()
{
	has_btf
	make_all
	proxy_load target="/dev/$(device lfs)" pin=5
	proxy start
	churn "$tmp/mnt-lfs" 10
	wait_mounts 1
	check_fs lfs
	expect "filesystems after unmounting" "$(param mounts)" 0
	churn "$tmp/mnt-lfs" 10
	wait_mounts 1
	echo > $params/target
	expect "filesystems without a target" "$(param mounts)" 0
	expect "functions replaced without a target" "$(param hooks)" 0
	check_fs lfs
	rmmod mlproxy_f2fs
}

# The age of what is overwritten is a feature; a death is an outcome, and an event.
test_lives()
{
	local mnt=$tmp/mnt-lfs settled dropped pid

	has_btf
	make_all
	proxy_load target="/dev/$(device lfs)"
	proxy start
	dd if=/dev/zero of="$mnt/first" bs=64K count=1 conv=fsync status=none
	wait_mounts 1
	"$mlproxy" record f2fs -o "$tmp/lives.h5" > "$tmp/rec" 2>&1 &
	pid=$!
	trap 'kill $pid 2> /dev/null' EXIT
	wait_handler $pid || { cat "$tmp/rec"; exit 1; }
	python3 - "$mnt/lives" <<'PYTHON' || exit 1
import os, sys
dir = sys.argv[1]
os.mkdir(dir)
def write(name, blocks):
    fd = os.open(dir + "/" + name, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, b"x" * 4096 * blocks, 0)
    os.fdatasync(fd)
    os.close(fd)
write("old", 8)
for i in range(20):
    write("between%d" % i, 50)
write("old", 1)
write("stride", 2048)
PYTHON
	# places are found for blocks that lie regularly, too
	dropped=$(param nr_dropped)
	echo "followed: $(param nr_sampled), without a place: $dropped"
	expect "many without a place" $((dropped > 16)) 0
	settled=$(param nr_settled)
	expect_more "blocks that are followed" 20 "$(param nr_sampled)"
	rm "$mnt"/lives/between* && sync
	expect_more "lives that are known" $((settled + 15)) "$(param nr_settled)"
	kill $pid && wait $pid
	python3 - "$tmp/lives.h5" <<'PYTHON' || exit 1
import h5py, sys
f = h5py.File(sys.argv[1])
old = [r for r in f["decisions"] if r["old"] and r["age_known"]]
ages = [float(r["age"]) / 256 for r in old]
print("ages, as log2:", ages)
# 1000 blocks of the device's 17920 or so
if len(ages) != 1 or not 11 <= ages[0] <= 12.5:
    sys.exit("expected one age of about 12")
seen = max(float(r["dir_seen"]) for r in f["decisions"])
print("outcomes:", len(f["feedback"]), "events:", len(f["events"]), "seen at most:", seen / 256)
if len(f["feedback"]) < 15 or len(f["events"]) < 15:
    sys.exit("too few")
PYTHON
	rmmod mlproxy_f2fs
}

# alone CAUSE: it counts more than it did
alone()
{
	local now

	now=$(param "nr_alone_$1")
	expect_more "left alone: $1" "$2" "$now"
}

test_alone()
{
	local mnt=$tmp/mnt-lfs dev writes kind hint advice

	has_btf
	make_all
	dev=/dev/$(device lfs)
	proxy_load target="$dev" pin=3
	proxy start
	dd if=/dev/zero of="$mnt/first" bs=64K count=1 conv=fsync status=none
	wait_mounts 1
	kind=$(param nr_alone_kind) hint=$(param nr_alone_hint) advice=$(param nr_alone_advice)
	mkdir "$mnt/dir" && touch "$mnt"/dir/{1..300} && sync
	alone kind "$kind"
	python3 - "$mnt/hinted" <<'PYTHON' || exit 1
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.fcntl(fd, 1036, struct.pack("Q", 2))	# F_SET_RW_HINT, short
os.pwrite(fd, b"x" * 65536, 0)
os.fsync(fd)
hint = struct.unpack("Q", fcntl.fcntl(fd, 1035, struct.pack("Q", 0)))[0]
if hint != 2:
    sys.exit("the hint is %d" % hint)
PYTHON
	alone hint "$hint"
	# cold by its name's extension
	head -c 65536 /dev/urandom > "$mnt/film.mp4" && sync
	alone advice "$advice"
	umount "$mnt" && mount -t f2fs "$dev" "$mnt" || exit 1
	log_mark
	expect "filesystems that are known" "$(param mounts)" 0
	dd if=/dev/zero of="$mnt/more" bs=64K count=1 conv=fsync status=none
	wait_mounts 1
	expect "instances" "$("$mlproxy" list | grep -c "f2fs:$(device lfs) ")" 0
	dd if=/dev/zero of="$mnt/more" bs=64K count=1 conv=fsync status=none
	alone mount 0
	log_after | grep "left alone: not mounted with mode=lfs" || { log_after; exit 1; }
	check_fs lfs
	rmmod mlproxy_f2fs
}

ktap_plan 8
ktap_test refused test_refused
ktap_test parameters test_parameters
ktap_test module_comes test_module_comes
ktap_test actions test_actions
ktap_test unload test_unload
ktap_test umount test_umount
ktap_test lives test_lives
ktap_test alone test_alone
ktap_end
