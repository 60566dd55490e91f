# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The memory cgroup that runs work in: less than the data, or as much as BENCH_MEMORY_MB
# says; "max" is no limit. Sourced by run.sh.

BENCH_MEMORY_MB=${BENCH_MEMORY_MB:-32}
BENCH_CGROUP=/sys/fs/cgroup/bench

# bench_memory MB: from now on
bench_memory()
{
	case $1 in
	max) echo max ;;
	*)   echo $(($1 << 20)) ;;
	esac > $BENCH_CGROUP/memory.max
}

bench_memory_setup()
{
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	mkdir $BENCH_CGROUP
	bench_memory "$BENCH_MEMORY_MB"
}
