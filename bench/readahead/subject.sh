# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the harness is told of readahead, in the guest; see ../README.md. The host's half
# is stage.sh, the report's subject.py.

# the kernel's own knob: the device's window in KB, from none to the largest
subject_default=128
subject_settings=${BENCH_SETTINGS:-"0 16 32 64 128 256 512 1024 4096"}
# the oracle's, where it tries actions in several places
subject_short_actions="kernel none 16K 64K 1M pattern1M"
subject_policies="corrected bdp"
subject_progress="think_ns wall_ns nr_calls nr_rewards reward_sum"

. "$BENCH_LIB/readahead/loads.sh"
. "$BENCH_LIB/readahead/vary.sh"

# subject_set SETTING
subject_set()
{
	echo "$1" > $BENCH_QUEUE/read_ahead_kb
}

# subject_mounted SETTING: btrfs has a window of its own in place of the device's, 4 MB. It is
# the default there, which any other setting replaces.
subject_mounted()
{
	[ "$1" != $subject_default ] || return 0
	for name in /sys/class/bdi/btrfs-*/read_ahead_kb; do
		[ ! -f "$name" ] || echo "$1" > "$name"
	done
}

# Windows larger than the kernel's own.
action_is_large()
{
	case $1 in
	256K | [0-9]*M) true ;;
	*)              false ;;
	esac
}

# subject_keys FILE...: by which recommendations name them, one a line
subject_keys()
{
	ra_key "$@"
}

# subject_policy_there POLICY
subject_policy_there()
{
	case $1 in
	corrected) [ -f "$BENCH_PARAMETERS/fix_mmap_miss" ] ;;
	# elsewhere it is the default
	bdp)       [ "$(subject_bdp)" -gt $subject_default ] ;;
	esac
}

# subject_bdp: KB that are under way while the device answers, bandwidth x latency, rounded up
# to a power of two; the default at least. What operators set by rule of thumb.
subject_bdp()
{
	for name in base_us seek_us mbps channels channel_mbps; do
		cat "/sys/module/mlproxy_testblk/parameters/$name"
	done | tr '\n' ' ' | awk -v least=$subject_default '{
		mbps = $3
		if ($4 && $5 && (!mbps || $4 * $5 < mbps))
			mbps = $4 * $5
		for (kb = least; kb * 1024 < ($1 + $2) * mbps; kb *= 2)
			;
		print kb
	}'
}

# subject_policy_fits POLICY LOAD
subject_policy_fits()
{
	case $1 in
	corrected) load_uses_mmap "$2" ;;
	*)         true ;;
	esac
}

# subject_policy_run LOAD SEED POLICY: the kernel's own algorithm, with an operator's window, or
# its count of mmap misses corrected
subject_policy_run()
{
	if [ "$3" = bdp ]; then
		bench_run RUN "$1" "$2" bdp "$(subject_bdp)"
		return
	fi
	parameter pin 0
	parameter fix_mmap_miss 1
	proxy_run RUN "$1" "$2" corrected $subject_default
	parameter fix_mmap_miss 0
	parameter pin -1
}
