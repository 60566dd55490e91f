#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Second stage of the VM runner's guest, process 1 in the final root: mounts
# what programs expect, runs the one command with its output on a virtio port,
# sends the kernel log on a second port, and the result line on a third, last
# of all. Whoever reads no result line knows that the guest did not finish.

stage=/run/mlproxy-vm
bb=$stage/busybox
[ -x "$bb" ] || bb=/bin/busybox
. $stage/vm.env

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=dumb
export MLPROXY_VM=1 MLPROXY_VM_KERNEL="$VM_KERNEL"
[ -d /root ] || export HOME=/

log()
{
	echo "mlproxy-vm: $*" > /dev/kmsg
}

port()
{
	for p in /sys/class/virtio-ports/*; do
		if [ "$($bb cat "$p/name" 2>/dev/null)" = "mlproxy.$1" ]; then
			echo "/dev/${p##*/}"
			return
		fi
	done
	# An unsent result is an error the runner sees by itself.
	log "no virtio port mlproxy.$1"
	echo /dev/null
}

mount_api()
{
	$bb mkdir -p /dev/pts /dev/shm /out
	$bb mount -t devpts devpts /dev/pts
	$bb mount -t tmpfs tmpfs /dev/shm
	$bb mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	$bb mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	$bb mount -t bpf bpf /sys/fs/bpf 2>/dev/null
	$bb mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
	[ -e /dev/fd ] || $bb ln -s /proc/self/fd /dev/fd
	[ -e /dev/stdin ] || $bb ln -s /proc/self/fd/0 /dev/stdin
	[ -e /dev/stdout ] || $bb ln -s /proc/self/fd/1 /dev/stdout
	[ -e /dev/stderr ] || $bb ln -s /proc/self/fd/2 /dev/stderr
	$bb hostname mlproxy-vm
	$bb ip link set lo up 2>/dev/null
}

# This kernel's modules, from the runner's cache, over the host's own: a bind
# of a directory in the overlay, so that DKMS can install into it.
mount_modules()
{
	if [ -n "$VM_SELFCONTAINED" ] || [ -z "$VM_MODULES" ]; then
		return
	fi
	$bb mkdir -p "/lib/modules/$VM_RELEASE"
	$bb mount --bind "$VM_MODULES" "/lib/modules/$VM_RELEASE" ||
		log "cannot put $VM_MODULES at /lib/modules/$VM_RELEASE"
}

mount_shares()
{
	[ -f $stage/share.list ] || return
	while read -r tag mode dir; do
		$bb mkdir -p "$dir"
		# cache=mmap: write-through, and mmap works.
		$bb mount -t 9p -o "$mode,trans=virtio,version=9p2000.L,msize=512000,cache=mmap" \
			"$tag" "$dir" || log "cannot mount share $tag at $dir"
	done < $stage/share.list
}

# Disks by the name given to --disk, where udev would put them.
link_disks()
{
	for d in /sys/block/vd*; do
		[ -r "$d/serial" ] || continue
		$bb mkdir -p /dev/disk/by-id
		$bb ln -sf "/dev/${d##*/}" \
			"/dev/disk/by-id/virtio-$($bb cat "$d/serial")"
	done
}

# Those that the runner left out at boot.
start_cpus()
{
	for c in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$c" ] || [ "$($bb cat "$c")" = 1 ] || echo 1 > "$c" ||
			log "cannot start ${c%/online}"
	done
}

kmemleak=/sys/kernel/debug/kmemleak

# The command's output goes through a pipe: a virtio port can be opened once
# only, and programs may reopen /dev/stdout.
run_command()
{
	$bb mkfifo $stage/pipe
	$bb cat $stage/pipe > "$(port out)" &
	reader=$!
	(
		cd "${VM_CWD:-/}" 2>/dev/null || cd /
		exec /bin/sh $stage/cmd
	) > $stage/pipe 2>&1 < /dev/null &
	command=$!
	wait $command
	result=$?

	# Let the pipe drain; a daemon left behind may hold it open.
	i=0
	while [ $i -lt 20 ] && $bb kill -0 $reader 2>/dev/null; do
		$bb sleep 0.05
		i=$((i + 1))
	done
}

# kmemleak reports only what is older than five seconds, and a pointer that
# is on the move may hide from one scan or be missed by it: scan twice.
scan_leaks()
{
	[ -w $kmemleak ] || return
	if [ "$VM_LEAKSCAN" = no ]; then
		return
	fi
	$bb sleep 6
	echo scan > $kmemleak
	$bb sleep 1
	echo scan > $kmemleak
	$bb cat $kmemleak
}

mount_api
mount_modules
mount_shares
link_disks
start_cpus
[ -w $kmemleak ] && echo clear > $kmemleak
# Read by tests that look at the log themselves.
log "command starts"
run_command
log "command ended with status $result"
{
	scan_leaks
	$bb dmesg
} > "$(port dmesg)" 2>&1
$bb sync
echo "MLPROXY-VM-RESULT: $result" > "$(port result)"
$bb poweroff -f
