#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# One run of one load: in the evaluator, or in a guest with a stock kernel. $1 is a directory
# whose file "settings" says what to do:
#
#	device=zoned:MB:ZONE-MB or lfs:MB	load="writeload's words"	seed level warm measure
#	knobs="NAME=VALUE..." of /sys/fs/f2fs/DEVICE	eval="NAME=VALUE..." of the evaluator's
#	truth=FILE, to tell it			keep_truth=FILE, to leave it
#
# Prints COUNTERS lines around what counts, and writeload's line.

set -eu
here=$(dirname "$(readlink -f "$0")")
. "$1/settings"
dev=mlf2fs
META_MB=40
sys=/sys/fs/f2fs/$dev

# Numbers that only grow, as NAME=VALUE.
counters()
{
	{
		echo "moved_fg $(cat "$sys/moved_blocks_foreground")"
		echo "moved_bg $(cat "$sys/moved_blocks_background")"
		# since 6.5 with columns for counts beside the bytes
		awk -F: '/READ/ { on = 0 }
			on && NF == 2 { gsub(/[ \t]+/, "_", $1); split($2, n, " "); print $1, n[1] }
			/WRITE/ { on = 1 }' "/proc/fs/f2fs/$dev/iostat_info"
		awk '/GC calls/ { print "gc_all", $3; print "gc_bg", $5 + 0 }
			/- data segments/ { print "gc_data_segments", $5 }
			/- node segments/ { print "gc_node_segments", $5 }' \
			/sys/kernel/debug/f2fs/status
		awk '{ print "sectors", $7 }' "/sys/block/$dev/stat"
	} | awk -v when="$1" 'NF == 2 { line = line " " $1 "=" $2 } END { print "COUNTERS " when line }'
}

# Not before the file system is full: under cost-benefit alone (gc_idle=1) F2FS of 6.1 ran out of
# free sections while SQLite filled it, and died.
policy()
{
	for word in ${eval:-}; do
		echo "${word#*=}" > "/sys/module/f2fs/parameters/${word%%=*}"
	done
	for word in ${knobs:-}; do
		echo "${word#*=}" > "$sys/${word%%=*}"
	done
}

make_device()
{
	d=/sys/kernel/config/nullb/$dev
	mount -t configfs none /sys/kernel/config 2>/dev/null || :
	mkdir $d
	kind=${device%%:*} rest=${device#*:}
	echo "${rest%%:*}" > $d/size
	echo 1 > $d/memory_backed
	echo 4096 > $d/blocksize
	echo 2 > $d/irqmode
	echo 60000 > $d/completion_nsec
	[ "$kind" != zoned ] || {
		echo 1 > $d/zoned
		zone=${rest##*:}
		echo "$zone" > $d/zone_size
		# F2FS's own tables are written in place
		echo $(((META_MB + zone - 1) / zone)) > $d/zone_nr_conv
	}
	echo 1 > $d/power
	echo mq-deadline > "/sys/block/$dev/queue/scheduler"
}

if [ "${2:-}" = mark ]; then
	case $3 in
	filled) policy ;;
	*) sync; counters "$3" ;;
	esac
	exit 0
fi

make_device
# shellcheck disable=SC2046 # words
mkfs.f2fs -q -f $([ "$kind" = lfs ] || echo -m) /dev/$dev > /run/mkfs.log 2>&1 || {
	cat /run/mkfs.log
	exit 1
}
mkdir -p /run/f2fs
[ -z "${truth:-}" ] || cat "$truth" > /sys/kernel/debug/f2fs_truth
mount -t f2fs -o mode=lfs /dev/$dev /run/f2fs
echo 1 > $sys/iostat_enable
echo $((16 << 20)) > /proc/sys/vm/dirty_background_bytes
echo $((32 << 20)) > /proc/sys/vm/dirty_bytes
case $load in
rocksdb*)
	. "$here/rocksdb.sh"
	# shellcheck disable=SC2086 # words
	rocksdb_load ${load#rocksdb}
	;;
*)
	# shellcheck disable=SC2086 # words
	"$here/writeload" --seed "$seed" --level "$level" --warm "$warm" --measure "$measure" \
		--mark "sh $here/run.sh $1 mark" ${options:-} /run/f2fs $load
	;;
esac
# shellcheck disable=SC2013 # words
for file in /sys/module/f2fs/parameters/count_*; do
	[ ! -f "$file" ] || echo "COUNT ${file##*/count_}=$(cat "$file")"
done
[ -z "${keep_truth:-}" ] || cat /sys/kernel/debug/f2fs_truth > "$keep_truth"
umount /run/f2fs
if [ -n "${fsck:-}" ]; then
	fsck.f2fs --dry-run /dev/$dev > /run/fsck.log 2>&1 || { tail -n 20 /run/fsck.log; exit 1; }
	echo "FSCK clean"
fi
echo "FINISHED"
