#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The readahead proxy with readers on all CPUs at once: many threads in the same files, by
# read() and by page faults, while actions, parameters and memory change under them.
#
# guest-test: timeout=300 modules=none
#
# The hooks are attached and detached while one CPU is online, and the readers run on all of
# them: so the guest need not emulate its CPUs in turn (see scripts/vm --one-thread), and they
# do run at once. Needs mkfs.ext4. Checks what is read, and counts.

. "$(dirname "$0")/readahead_util.sh"

load=$GUESTBIN/ra_load
threads=4 reads=40
[ -z "$GUEST_DEBUG" ] || reads=4

# cpus 0|1: take all CPUs but the first one offline, or online
cpus()
{
	local cpu

	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$cpu" ] || [ "$(< "$cpu")" = "$1" ] || echo "$1" > "$cpu" || exit 1
	done
}

finish_smp()
{
	cpus 0
	finish
	cpus 1
}
trap finish_smp EXIT

# begin [PARAMETER=VALUE]...: the proxy decides often, by the shipped model
begin()
{
	cpus 0
	proxy_load epoch_calls=2 epoch_us=100 "$@" || exit 1
	"$mlproxy" load readahead "$TOP/models/readahead.mlp" --activate > /dev/null || exit 1
	proxy start
	follow_all
	cpus 1
}

end()
{
	cpus 0
	rmmod mlproxy_readahead || exit 1
	cpus 1
}

test_readers()
{
	begin
	mount_fresh
	"$load" read $threads $reads "$mnt/p" "$mnt/q" || exit 1
	echo "calls $(param nr_calls) decisions $(param nr_decisions) skipped $(param nr_skipped)" \
		"prefetched $(param nr_prefetched) overridden $(param nr_overridden)" \
		"unlocked $(param nr_unlocked) dropped $(param nr_dropped)"
	[ "$(param nr_calls)" -gt $((threads * reads)) ] || exit 1
	[ "$(param nr_decisions)" -gt $((threads * reads / 8)) ] || exit 1
	end
}

# Few entries, which are taken over while others decide; and actions forced in between.
test_changes()
{
	local i

	begin max_files=8
	mount_fresh
	for i in $(seq 12); do
		"$load" make "$mnt/n$i" 64
	done
	mount_fresh
	"$load" read $threads $reads "$mnt"/n? "$mnt/p" > "$tmp/one" 2>&1 &
	"$load" read $threads $reads "$mnt"/n1? "$mnt/q" "$mnt"/n[1-4] > "$tmp/two" 2>&1 &
	while [ -n "$(jobs -r)" ]; do
		for i in 9 2 -1 6 8 -1; do
			pin $i
			"$mlproxy" mode readahead emergency > /dev/null || exit 1
			echo 3 > /proc/sys/vm/drop_caches
			"$mlproxy" mode readahead recommendation > /dev/null || exit 1
		done
	done
	cat "$tmp/one" "$tmp/two"
	expect "readers that ended well" "$(cat "$tmp/one" "$tmp/two" | grep -c "pages read$")" 2
	echo "evicted $(param nr_evicted) dropped $(param nr_dropped)" \
		"corrections $(param nr_corrections)"
	[ "$(param nr_evicted)" -gt 0 ] || { echo "no file gave way"; exit 1; }
	end
}

# Windows that were in force for some faults are in force for no later one.
test_restored()
{
	begin
	pin 3
	mount_fresh
	"$load" read $threads $((reads / 2)) "$mnt/p" || exit 1
	pin -1
	cpus 0
	proxy stop
	mount_fresh
	python3 - "$mnt/p" $stats/read_bytes <<'PYTHON' || exit 1
import mmap, sys
path, counter = sys.argv[1:]
def read():
    return int(open(counter).read())
with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    m[0]
    before = read()
    for i in range(1, 6):
        m[i * 256 * 4096]
    pages = (read() - before) // 4096 / 5
print("pages a fault after the proxy was stopped:", pages)
sys.exit(pages != 32)
PYTHON
	end
}

[ "$(nproc)" -gt 1 ] || { echo "1..0 # SKIP one CPU"; exit 0; }
rm "$mnt/b"
mount_fresh
"$load" make "$mnt/p" 2048 && "$load" make "$mnt/q" 512 || exit 1

ktap_test "threads on all CPUs read what is there" test_readers
ktap_test "actions and entries change while they read" test_changes
ktap_stock "the kernel's window is back after it" test_restored
ktap_end
