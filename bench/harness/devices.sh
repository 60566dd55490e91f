# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Device models: the presets of the test block device, and plain pipes. Sourced by run.sh.

BENCH_DISK=mlptest0
BENCH_COUNTERS=/sys/block/$BENCH_DISK/testblk
BENCH_QUEUE=/sys/block/$BENCH_DISK/queue

# NAME=PRESET, or NAME=BASE_US:MBPS: a pipe, where a request takes a base latency, and its
# size over a bandwidth that all share, any number of them at once.
BENCH_DEVICES="nvme15=nvme15 nvme=nvme cloud=cloud-gp slow=5000:100"
# By their own names.
BENCH_PRESETS="ram nvme15 nvme sata-ssd cloud-gp cloud-burst hdd sd-card"
# Nothing is trained, tuned or validated on these.
BENCH_UNSEEN="sata-ssd cloud-burst hdd"

# For others an oracle would cost more than it tells.
BENCH_ORACLE_DEVICES="nvme cloud"

# A device's name may end in "+" and a file system, ext4 if it does not.

# bench_device_fs NAME
bench_device_fs()
{
	case $1 in
	*+*) echo "${1##*+}" ;;
	*)   echo ext4 ;;
	esac
}

# bench_device_model NAME: a preset or BASE_US:MBPS; NAME may be either as it is.
bench_device_model()
{
	set -- "${1%+*}"
	case $1 in
	*:*)
		echo "$1"
		return
		;;
	esac
	for device in $BENCH_DEVICES; do
		if [ "${device%%=*}" = "$1" ]; then
			echo "${device#*=}"
			return
		fi
	done
	for device in $BENCH_PRESETS; do
		[ "$device" != "$1" ] || echo "$1"
	done
}

# bench_device NAME SIZE_MB: load it; it answers at once until bench_device_begin.
bench_device()
{
	device_model=$(bench_device_model "$1")
	case $device_model in
	'')
		echo "no device model $1" >&2
		return 1
		;;
	*:*) set -- "$2" preset=ram base_us="${device_model%:*}" mbps="${device_model#*:}" ;;
	*)   set -- "$2" preset="$device_model" ;;
	esac
	device_mb=$1
	shift
	insmod "$BENCH_MODULES/testing/mlproxy_testblk.ko" size_mb="$device_mb" instant=1 "$@"
}

bench_device_begin()
{
	echo 0 > /sys/module/mlproxy_testblk/parameters/instant
}

# Leaves the device's counters in reads, bytes and busy; without a process of its own.
bench_counters()
{
	read -r reads < $BENCH_COUNTERS/reads
	read -r bytes < $BENCH_COUNTERS/read_bytes
	read -r busy < $BENCH_COUNTERS/link_busy_ns
}
