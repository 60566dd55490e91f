#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing in the kernel depends on user space. While an agent is stopped, killed or
# never scheduled, the file system that the proxy decides about is written full and
# memory is short: writers come to their end, the mode goes to emergency by itself,
# and leaves it when the agent is heard again. And an agent that keeps its records on
# that very file system, in pages that it faults in and dirties itself, can't make
# write-back wait for itself; one that hangs in the file system stops no decision.
#
# guest-test: timeout=300 modules=none patching=yes skip-debug=too-slow-there only-kernel=6.1
#
# Needs mkfs.ext4, fsfreeze and chrt. Takes no time but to bound its waiting.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
stats=$SYSFS/readahead
tmp=$(mktemp -d)
mnt=$tmp/mnt
group=/sys/fs/cgroup/mlproxy-test
beat_ms=2000
rounds=20
[ -z "$GUEST_DEBUG" ] || { beat_ms=6000; rounds=5; }

end_process()
{
	local pid

	pid=$(cat "$tmp/$1" 2> /dev/null) || return 0
	rm -f "$tmp/$1"
	kill -KILL "$pid" 2> /dev/null
	kill -CONT "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	return 0
}

# Everybody with little memory, children of children as well: a reader that is still
# there would keep the file system mounted.
end_group()
{
	local i

	[ -e "$group/cgroup.kill" ] || return 0
	echo 1 > "$group/cgroup.kill"
	for ((i = 0; i < 600; i++)); do
		grep -q '^populated 0' "$group/cgroup.events" && return
		sleep 0.1
	done
}

finish()
{
	fsfreeze -u "$mnt" 2> /dev/null
	end_process hog
	echo 950000 > /proc/sys/kernel/sched_rt_runtime_us
	end_process agent
	end_group
	umount -q "$mnt"
	umount -q "$tmp/memory"
	rmdir "$group" 2> /dev/null
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# wait_for FILE WORD: until a file has it
wait_for()
{
	local i

	for ((i = 0; i < 1200; i++)); do
		[ "$(cat "$1" 2> /dev/null)" = "$2" ] && return
		sleep 0.1
	done
	echo "$1 is \"$(cat "$1")\", waited for \"$2\""
	exit 1
}

# wait_decisions: until more were made
wait_decisions()
{
	local from i

	from=$(cat "$stats/decisions")
	for ((i = 0; i < 600; i++)); do
		[ "$(cat "$stats/decisions")" -gt $((from + 5)) ] && return
		sleep 0.1
	done
	echo "no decision was made"
	exit 1
}

# Whoever is in it has to reclaim; the kernel's own limits are left alone.
make_group()
{
	memory_cgroup "$group" || return
	echo 24M > "$group/memory.max"
}

# limited COMMAND...: run it with little memory
limited()
{
	sh -c 'echo $$ > "$0/cgroup.procs"; exec "$@"' "$group" "$@"
}

set_up()
{
	local i

	mod_load mlproxy_testblk size_mb=48 preset=ram || return
	mkfs.ext4 -q /dev/mlptest0 && mkdir -p "$mnt" &&
		mount -o noatime /dev/mlptest0 "$mnt" || return
	for i in a b; do
		dd if=/dev/urandom of="$mnt/$i" bs=1M count=8 status=none || return
	done
	sync
	mod_load mlproxy_readahead target=mlptest0 epoch_calls=2 || return
	"$mlproxy" start readahead > /dev/null || return
	make_group
}

# Endless reading that misses the cache, so that decisions are asked for.
start_readers()
{
	# shellcheck disable=SC2016 # for the inner shell
	limited sh -c 'while :; do for f in a b; do
		dd if="$0/$f" of=/dev/null bs=64k iflag=nocache status=none; done; done' \
		"$mnt" > /dev/null 2>&1 &
}

# start_agent [PREFIX...]
start_agent()
{
	taskset -c 1 "$@" "$GUESTBIN/dependent" readahead beat $beat_ms > "$tmp/agent.out" 2>&1 &
	echo $! > "$tmp/agent"
	wait_for "$tmp/agent.out" ready
}

# Full, by a writer who has no memory to spare.
write_full()
{
	limited dd if=/dev/zero of="$mnt/fill" bs=1M conv=fsync 2> "$tmp/dd" && {
		echo "the file system never got full"
		exit 1
	}
	grep -q 'No space left' "$tmp/dd" || { cat "$tmp/dd"; exit 1; }
	df --output=avail "$mnt" | tail -n 1
	rm -f "$mnt/fill"
	sync -f "$mnt"
}

# Memory of the whole machine, down to reclaim: all there is but a little. The kernel
# fills it, which is quickest where it is emulated.
exhaust_memory()
{
	local kb

	mkdir -p "$tmp/memory"
	mount -t tmpfs -o size=100% none "$tmp/memory" || exit 1
	kb=$(awk '/MemAvailable/ { print int($2 * 0.95) }' /proc/meminfo)
	fallocate -l "${kb}K" "$tmp/memory/all" || echo "no more memory, which is as good"
	limited dd if=/dev/zero of="$mnt/fill" bs=1M conv=fsync 2> /dev/null
	rm -f "$mnt/fill"
	umount "$tmp/memory"
}

# The agent's silence is noticed under load; nothing waits for it.
without_agent()
{
	write_full
	[ -z "$1" ] || exhaust_memory
	wait_for $stats/mode emergency
	expect reason "$(cat $stats/mode_reason)" agent_lost
	wait_decisions
}

stopped()
{
	start_agent
	wait_for $stats/mode learning
	kill -STOP "$(cat "$tmp/agent")"
	without_agent memory
	kill -CONT "$(cat "$tmp/agent")"
	wait_for $stats/mode learning
	end_process agent
}

killed()
{
	start_agent
	wait_for $stats/mode learning
	end_process agent
	without_agent ""
	start_agent
	wait_for $stats/mode learning
	end_process agent
}

# The CPU that the agent is bound to belongs to somebody else. For so long only as
# the kernel's own work on that CPU may wait, too. The agent is a real-time task of
# the lowest priority: since 6.12 the kernel keeps a share for the others.
never_scheduled()
{
	[ "$(nproc --all)" -gt 1 ] || exit 4
	start_agent chrt -f 1
	wait_for $stats/mode learning
	echo -1 > /proc/sys/kernel/sched_rt_runtime_us
	# What ends it must not run on its CPU, or never gets to.
	timeout $((beat_ms / 1000 + 6)) taskset -c 1 chrt -f 99 \
		sh -c 'while :; do :; done' &
	echo $! > "$tmp/hog"
	wait_for $stats/mode emergency
	expect reason "$(cat $stats/mode_reason)" agent_lost
	limited dd if=/dev/zero of="$mnt/fill" bs=1M conv=fsync 2> /dev/null
	rm -f "$mnt/fill"
	wait "$(cat "$tmp/hog")"
	rm -f "$tmp/hog"
	echo 950000 > /proc/sys/kernel/sched_rt_runtime_us
	wait_for $stats/mode learning
	end_process agent
}

keeps_records_here()
{
	limited "$GUESTBIN/dependent" readahead "$1" "$mnt/records" $rounds > "$tmp/kept" 2>&1
	local status=$?

	cat "$tmp/kept"
	[ $status -eq 0 ] || exit 1
	grep -qE '(copied|read) [1-9]' "$tmp/kept"
}

# An agent that hangs in the file system, for as long as that is frozen.
frozen()
{
	"$GUESTBIN/dependent" readahead dirty "$mnt/records" 1000000 > "$tmp/agent.out" 2>&1 &
	echo $! > "$tmp/agent"
	wait_for "$tmp/agent.out" ready
	fsfreeze -f "$mnt" || exit 1
	wait_decisions
	wait_decisions
	echo emergency > $stats/mode
	wait_decisions
	echo auto > $stats/mode
	fsfreeze -u "$mnt"
	end_process agent
	"$mlproxy" stats readahead > /dev/null
}

# All but the agent on the first CPU: the other one will be taken away.
taskset -cp 0 $$ > /dev/null
set_up || { echo "Bail out! cannot set up a file system, a proxy and a memory cgroup"; exit 1; }
start_readers
wait_decisions
ktap_test "the agent is stopped while the file system and memory run full" stopped
ktap_test "the agent is killed" killed
ktap_test "the agent is never scheduled" never_scheduled
ktap_test "records go into pages of the proxy's own file system" keeps_records_here dirty
ktap_test "read() into such pages" keeps_records_here read
ktap_test "the agent hangs in a frozen file system" frozen
ktap_end
