#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# /init of the VM runner's guest, run by busybox as process 1. Loads the
# virtio modules, builds the root (the host's, read-only over 9p, under a tmpfs
# overlay; or this initramfs itself) and hands over to guest-run.sh, which runs
# the command. /vm.env, written by scripts/vm, says what is wanted.

export PATH=/bin:/sbin:/usr/bin:/usr/sbin
bb=/bin/busybox

$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
. /vm.env

while read -r mod; do
	$bb insmod "$mod" || echo "mlproxy-vm: could not load $mod" > /dev/kmsg
done < /lib/modules/load-order

stop()
{
	echo "mlproxy-vm: $1" > /dev/kmsg
	$bb poweroff -f
}

# The second stage needs these after the root has changed.
stage()
{
	$bb mkdir -p "$1"
	$bb cp /vm.env /guest-run /cmd /bin/busybox "$1/" || stop "no room in $1"
	for f in /host.* /share.list; do
		[ -e "$f" ] && $bb cp "$f" "$1/"
	done
}

if [ -n "$VM_SELFCONTAINED" ]; then
	/bin/busybox --install -s /bin 2>/dev/null
	$bb mount -t tmpfs -o mode=755 tmpfs /run
	stage /run/mlproxy-vm
	exec /bin/busybox sh /run/mlproxy-vm/guest-run
fi

$bb mkdir -p /lower /rw
$bb mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose \
	host_root /lower || stop "cannot mount the host's root over 9p"
$bb mount -t tmpfs -o size=75% tmpfs /rw
$bb mkdir -p /rw/upper /rw/work
$bb mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work \
	overlay /newroot || stop "cannot mount the overlay root"

$bb mount -t tmpfs -o mode=755 tmpfs /newroot/run
stage /newroot/run/mlproxy-vm
for d in proc sys dev; do
	$bb mount --move /$d /newroot/$d || stop "cannot move /$d"
done
exec $bb switch_root /newroot /run/mlproxy-vm/busybox sh \
	/run/mlproxy-vm/guest-run
