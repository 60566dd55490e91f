#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The example proxy: decides at the kernel's own reads of /proc, changes none of what is
# read, gives outcomes, and goes under load.
#
# guest-test: timeout=300 modules=none patching=yes debug=thorough

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
larger=/sys/module/mlproxy_seqbuf/parameters/nr_larger
tmp=$(mktemp -d)
loops=20 unloads=4 records=100
[ -z "$GUEST_DEBUG" ] || loops=3 unloads=2 records=20

finish()
{
	touch "$tmp/stop"
	wait
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

stat_of()
{
	echo "$(< "$SYSFS/seqbuf/$1")"
}

test_decides()
{
	local before=$tmp/before after=$tmp/after i

	mod_load mlproxy_seqbuf || exit 1
	cat /proc/iomem > "$before"
	"$mlproxy" start seqbuf || exit 1
	for ((i = 0; i < loops; i++)); do
		cat /proc/iomem > "$after" || exit 1
		cmp "$before" "$after" || exit 1
	done
	[ "$(stat_of decisions)" -ge $loops ] || { stat_of decisions; exit 1; }
	[ "$(stat_of feedbacks)" -ge $loops ] || { stat_of feedbacks; exit 1; }
}

# Recommended for all kinds of files: what is read stays the same.
test_acts()
{
	local before=$tmp/before after=$tmp/after from i

	from=$(< $larger)
	"$mlproxy" record seqbuf -o "$tmp/seqbuf.h5" -n $records > "$tmp/record" 2>&1 &
	recorder=$!
	"$mlproxy" param seqbuf explore.learning 0.5 || exit 1
	cat /proc/iomem > "$before"
	while kill -0 $recorder 2> /dev/null; do
		cat /proc/iomem > "$after" || exit 1
		cmp "$before" "$after" || exit 1
	done
	wait $recorder || { cat "$tmp/record"; exit 1; }
	[ "$(< $larger)" -gt "$from" ] || { echo "always a page"; exit 1; }
}

load()
{
	while [ ! -e "$tmp/stop" ]; do
		cat /proc/iomem /proc/interrupts /proc/self/maps > /dev/null
	done
}

test_rmmod()
{
	local i

	rmmod mlproxy_seqbuf || exit 1
	load &
	load &
	for ((i = 0; i < unloads; i++)); do
		mod_load mlproxy_seqbuf && "$mlproxy" start seqbuf > /dev/null || exit 1
		until [ "$(stat_of decisions)" -gt 10 ]; do
			sleep 0.05
		done
		[ $((i % 2)) -eq 0 ] || "$mlproxy" stop seqbuf > /dev/null || exit 1
		rmmod mlproxy_seqbuf || exit 1
	done
	touch "$tmp/stop"
	wait
}

ktap_test "it decides at each first read" test_decides
ktap_test "larger buffers change nothing that is read" test_acts
ktap_test "unload under load" test_rmmod
ktap_end
