# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Device models: a request takes a base latency, and its size over a bandwidth that all
# requests share. Sourced by run.sh.

BENCH_DISK=mlptest0
BENCH_COUNTERS=/sys/block/$BENCH_DISK/testblk
BENCH_QUEUE=/sys/block/$BENCH_DISK/queue

# NAME=BASE_US:MBPS
BENCH_DEVICES="nvme15=15:7000 nvme=80:2000 cloud=800:250 slow=5000:100"

# For others an oracle would cost more than it tells.
BENCH_ORACLE_DEVICES="nvme cloud"

# bench_device_model NAME: base latency and bandwidth, out of the table or BASE_US:MBPS
# as it is.
bench_device_model()
{
	case $1 in
	*:*)
		echo "$1"
		return
		;;
	esac
	for device in $BENCH_DEVICES; do
		[ "${device%%=*}" != "$1" ] || echo "${device#*=}"
	done
}

bench_device()
{
	device_model=$(bench_device_model "$1")
	if [ -z "$device_model" ]; then
		echo "no device model $1" >&2
		return 1
	fi
	echo "${device_model%:*}" > /sys/module/mlproxy_testblk/parameters/base_us
	echo "${device_model#*:}" > /sys/module/mlproxy_testblk/parameters/mbps
}

# Leaves the device's counters in reads, bytes and busy; without a process of its own.
bench_counters()
{
	read -r reads < $BENCH_COUNTERS/reads
	read -r bytes < $BENCH_COUNTERS/read_bytes
	read -r busy < $BENCH_COUNTERS/link_busy_ns
}
