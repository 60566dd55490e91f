#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# guest-test: timeout=240 modules=none debug=thorough
#
# The test block device: tags limit what is in flight, data are right, a cap of I/O
# operations holds in the device's own time, requests merge under a scheduler, and what it
# refuses. When a request completes is tests/unit/test_testblk_model.c's.

. "$(dirname "$0")/ktap.sh"

disk=/sys/block/mlptest0
stats=$disk/testblk
params=/sys/module/mlproxy_testblk/parameters
tmp=$(mktemp -d)
ops=200
[ -z "$GUEST_DEBUG" ] || ops=40

finish()
{
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

stat_of()
{
	echo "$(< "$stats/$1")"
}

# device PARAMETER...: the device anew
device()
{
	rmmod mlproxy_testblk 2> /dev/null
	insmod "$(mod_file mlproxy_testblk)" size_mb=64 "$@" || exit 1
}

io()
{
	"$GUESTBIN/blkio" /dev/mlptest0 "$@" || exit 1
}

# One process asks for some MB ahead, in requests of 512 KB at most. Where some are to be in
# flight at once, they take long enough for a slow host to issue them.
tags_limit()
{
	local depth mb

	for depth in 1 4; do
		mb=$((20 / (depth + 1)))
		device preset=nvme base_us=$((depth * depth * 50000)) depth=$depth queues=1
		io ahead $mb
		expect "most in flight with $depth tags" "$(stat_of max_in_flight)" $depth
		[ "$(stat_of read_bytes)" -ge $((mb << 20)) ] ||
			expect "bytes read" "$(stat_of read_bytes)" "$mb MiB or more"
	done
	device preset=nvme base_us=1000000 depth=64 queues=1
	io ahead 16
	[ "$(stat_of max_in_flight)" -gt 4 ] ||
		expect "most in flight with 64 tags" "$(stat_of max_in_flight)" "more than 4"
}

queues()
{
	device preset=nvme queues=1
	expect "queues" "$(echo $disk/mq/*)" $disk/mq/0
	device preset=nvme depth=16
	expect "queues" "$(echo $disk/mq/* | wc -w)" "$(nproc)"
	expect "tags" "$(< $disk/mq/0/nr_tags)" 16
	expect "rotational" "$(< $disk/queue/rotational)" 0
	device preset=hdd
	expect "queues of a disk" "$(echo $disk/mq/*)" $disk/mq/0
	expect "tags of a disk" "$(< $disk/mq/0/nr_tags)" 32
	expect "rotational" "$(< $disk/queue/rotational)" 1
}

data_are_right()
{
	device preset=nvme
	io verify 4 $ops
	# a head that is always busy, and few tags
	device preset=hdd seek_us=300 depth=3
	io verify 4 $ops
	[ "$(stat_of seeks)" -gt 0 ] || expect seeks "$(stat_of seeks)" "more than 0"
}

# Requests that wait for the head are not lost when there is none any more.
presets_change_under_load()
{
	device preset=hdd
	io verify 4 $ops $params/preset hdd nvme ram sd-card nvme15
}

# In time as the device counts it: from when the newest request of the first run completes
# to when that of the second does. The cap is one that no host is too slow for.
cap_holds()
{
	local iops=40 burst=10 reads due ns

	device preset=cloud-burst
	expect iops "$(< $params/iops)" 500
	expect iops_burst "$(< $params/iops_burst)" 100
	device preset=cloud-burst iops=$iops iops_burst=$burst
	io random 4 4
	reads=$(stat_of reads) due=$(stat_of due_ns)
	io random 4 15
	reads=$(($(stat_of reads) - reads)) ns=$(($(stat_of due_ns) - due))
	echo "$reads reads in $ns ns"
	[ $reads -ge 60 ] || expect reads "$reads" "60 or more"
	[ $reads -le $((burst + 1 + ns * iops / 1000000000)) ] || expect reads "$reads" "fewer"
	[ "$(stat_of cap_wait_ns)" -gt 0 ] || expect cap_wait_ns 0 "more than 0"
}

# With one tag, requests for adjacent blocks wait in the scheduler: all but the one in flight
# and the next, which has left it.
merging()
{
	local try merged

	device preset=sd-card base_us=200000 depth=1
	echo 64 > $disk/queue/nr_requests
	grep -q mq-deadline $disk/queue/scheduler || exit 4
	grep -qF '[mq-deadline]' $disk/queue/scheduler ||
		expect "scheduler of a card" "$(< $disk/queue/scheduler)" mq-deadline
	for ((try = 0; try < 10; try++)); do
		io adjacent 8
		read -r _ merged _ < $disk/stat
		[ "$merged" -eq 0 ] || break
	done
	echo "$merged merged"
	[ "$merged" -gt 0 ] || expect merged 0 "more than 0"
	device preset=nvme queues=1
	grep -qF '[none]' $disk/queue/scheduler ||
		expect "scheduler of an NVMe" "$(< $disk/queue/scheduler)" none
}

devices_and_partitions()
{
	device preset=ram nr_devices=2
	[ -b /dev/mlptest1 ] || expect /dev/mlptest1 missing there
	printf 'size=16M\nsize=16M\n' | sfdisk -q /dev/mlptest0 || exit 1
	expect "partitions" "$(echo $disk/mlptest0p*)" "$disk/mlptest0p1 $disk/mlptest0p2"
	head -c 4M /dev/urandom > "$tmp/data"
	dd if="$tmp/data" of=/dev/mlptest0p2 bs=1M oflag=direct status=none || exit 1
	cmp -n 4M "$tmp/data" /dev/mlptest0p2 || exit 1
	[ "$(cut -c1-9 $disk/mlptest0p2/stat | tr -d ' ')" -gt 0 ] ||
		expect "reads of the partition" 0 "more than 0"
	expect "writes of the other device" "$(< /sys/block/mlptest1/testblk/writes)" 0
}

# Not loaded, and the log says of each why.
wrong_parameters()
{
	local wrong log before

	rmmod mlproxy_testblk 2> /dev/null
	before=$(dmesg | wc -l)
	for wrong in size_mb=0 size_mb=1000000 nr_devices=0 nr_devices=17 depth=1025 \
		     channels=257 base_us=10000001 iops=many preset=floppy; do
		expect_fail insmod "$(mod_file mlproxy_testblk)" "$wrong"
	done
	log=$(dmesg | tail -n +$((before + 1)))
	for wrong in size_mb nr_devices depth channels base_us iops preset; do
		[[ $log =~ mlproxy_testblk:\ [^$'\n']*$wrong ]] ||
			expect "what the log says of $wrong" "$log" "what is wrong"
	done
	device preset=nvme
	expect preset "$(< $params/preset)" nvme
	expect_fail sh -c "echo floppy > $params/preset"
	expect_fail sh -c "echo 10000001 > $params/base_us"
	expect_fail sh -c "echo 1 > $params/depth"
	expect preset "$(< $params/preset)" nvme
	echo 81 > $params/base_us
	expect preset "$(< $params/preset)" custom
}

unload()
{
	device preset=nvme
	exec 3< /dev/mlptest0
	expect_fail rmmod mlproxy_testblk
	exec 3<&-
	io random 2 10
	rmmod mlproxy_testblk || exit 1
	[ ! -e $disk ] || expect $disk there gone
}

ktap_plan 9
ktap_test tags_limit tags_limit
ktap_stock queues queues
ktap_test data_are_right data_are_right
ktap_test presets_change_under_load presets_change_under_load
ktap_stock cap_holds cap_holds
ktap_stock merging merging
ktap_test devices_and_partitions devices_and_partitions
ktap_stock wrong_parameters wrong_parameters
ktap_test unload unload
ktap_end
