#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# abi-grown.sh KERNEL DIRECTORY: does a program built against today's headers work on a
# kernel that has grown since? A copy of the modules is built in DIRECTORY with more
# sources, modes, arms, reasons and kinds of records, and with longer structures; then
# the guest runs tests/guest/abi, as it was built from this tree. docs/abi.md has the rules.

set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$MLPROXY_TOP"
kernel=$1 dir=$2
headers=$(scripts/kernels path "$kernel" headers)

rm -rf "$dir"
mkdir -p "$dir"
rsync -a --exclude='*.o' --exclude='*.ko' module uapi "$dir/"
header=$dir/uapi/linux/mlproxy.h

# one_more NAME: the number of an enum
one_more()
{
	local old

	old=$(sed -n "s/^#define $1[[:space:]]*\([0-9]*\)$/\1/p" "$header")
	[ -n "$old" ] || die "uapi/linux/mlproxy.h defines no $1"
	sed -i "s/^#define $1\([[:space:]]*\)$old\$/#define $1\1$((old + 1))/" "$header"
}

# longer STRUCT: a member behind its last
longer()
{
	grep -q "^struct $1 {" "$header" || die "uapi/linux/mlproxy.h has no struct $1"
	sed -i "/^struct $1 {/,/^};/ s/^};/	__aligned_u64 grown[2];\n};/" "$header"
}

for n in SOURCES MODES ARMS REASONS TYPES PRE HEALTH REC_TYPES TRIGGERS PARAMS; do
	one_more "MLPROXY_NR_$n"
done
for s in info list_entry bind feature action event_desc schema mode ring_setup ring_stats \
	rec_decision rec_feedback rec_event rec_mode transition efficiency heartbeat stats \
	snapshot dataset model_load model_info; do
	longer "mlproxy_$s"
done
make -s -C "$headers" M="$(realpath "$dir")/module" modules > "$dir/build.log" 2>&1 || {
	tail -n 20 "$dir/build.log"
	die "the grown modules don't build; see $dir/build.log"
}
scripts/vm --kernel "$kernel" --timeout 300 --env "MODDIR=$(realpath "$dir")/module" -- \
	tests/guest/run --kernel "$kernel" abi
