#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Files, mounts, devices and the readahead proxy itself may go at any time, while programs
# read.
#
# guest-test: timeout=500 modules=none patching=yes debug=thorough
#
# Needs python3 (page faults at chosen places) and mkfs.ext4. Counts device
# bytes, and never takes a time.

. "$(dirname "$0")/readahead_util.sh"

# begin OPTION...: the proxy decides often, while programs read
begin()
{
	proxy_load epoch_calls=2 "$@" || exit 1
	proxy start
	start_load
}

test_reuse()
{
	local i

	begin max_files=8
	for i in $(seq $((rounds * 2))); do
		pin $((i % 11))
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

	begin
	for i in $(seq "$rounds"); do
		pin $((i % 11))
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
	for disk in $(seq 600); do
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

	begin
	for i in $(seq "$rounds"); do
		pin $((i % 11))
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
		mod_load mlproxy_readahead target=mlptest0 epoch_calls=2 pin=$((i % 11)) || exit 1
		proxy start
		wait_calls
		rmmod mlproxy_readahead || exit 1
	done
	mod_load mlproxy_readahead target=mlptest0 || exit 1
	proxy start
	python3 - <<'PYTHON'
import fcntl, os, struct, subprocess, sys
fd = os.open("/dev/mlproxy", os.O_RDWR)
fcntl.ioctl(fd, 0xe802, bytearray(struct.pack("II32sIIII", 56, 0, b"readahead", 0, 0, 0, 0)))
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

ktap_test "files are made and removed meanwhile" test_reuse
ktap_test "unmount, and the driver goes" test_umount
ktap_test "the device goes away under load" test_device_gone
ktap_test "stop and start under load" test_stop_start
ktap_test "unload under load" test_rmmod
ktap_end
