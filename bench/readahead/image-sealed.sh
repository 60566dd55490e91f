#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make the file systems that the sealed loads read: IMAGE with ext4 and all files of
# files-sealed.sh, IMAGE+xfs and IMAGE+btrfs with those of SEALED_ELSEWHERE.
# Usage: image-sealed.sh IMAGE. Made once: IMAGE.key says from what.

set -euo pipefail
. "$(dirname "$0")/../../scripts/lib/common.sh"
here=$(dirname "$(readlink -f "$0")")

image=$1 files=$1.files
elsewhere="lines fasta zstd gdbm h5 python"
uuid=6d6c7072-6f78-7900-0000-00000000000
key=$(cat "$0" "$here/files-sealed.sh" | sha256sum | cut -d' ' -f1)
[ "$(cat "$image.key" 2>/dev/null)" != "$key" ] || exit 0
need_tool mkfs.ext4 e2fsprogs
need_tool mkfs.xfs xfsprogs
need_tool mkfs.btrfs btrfs-progs

rm -rf "$files" "$image"{,+xfs,+btrfs,.part}
"$here/files-sealed.sh" "$files"

# megabytes DIRECTORY...: for them, and for what a file system adds
megabytes()
{
	echo $(($(du -smc "$@" | tail -n 1 | cut -f 1) * 9 / 8 + 64))
}

# prototype DIRECTORY: what is in it, for mkfs.xfs
prototype()
{
	local f mode

	for f in "$1"/*; do
		mode=644
		[ ! -x "$f" ] || mode=755
		if [ -L "$f" ]; then
			echo "${f##*/} l--777 0 0 $(readlink "$f")"
		elif [ -d "$f" ]; then
			echo "${f##*/} d--755 0 0"
			prototype "$f"
		else
			echo "${f##*/} ---$mode 0 0 $f"
		fi
	done
	echo "$"
}

truncate -s "$(megabytes "$files")M" "$image.part"
mkfs.ext4 -q -m 0 -O ^has_journal -U ${uuid}3 \
	-E hash_seed=${uuid}4,lazy_itable_init=0 -d "$files" "$image.part"
mv "$image.part" "$image"

mkdir "$files/elsewhere"
for d in $elsewhere; do
	mv "$files/$d" "$files/elsewhere/"
done
shopt -s nullglob dotglob
size=$(megabytes "$files/elsewhere")
{
	printf '/\n0 0\nd--755 0 0\n'
	prototype "$(readlink -f "$files/elsewhere")"
} > "$image.proto"
truncate -s "${size}M" "$image+xfs"
mkfs.xfs -q -m uuid=${uuid}5 -p "$image.proto" "$image+xfs"
truncate -s "${size}M" "$image+btrfs"
mkfs.btrfs -q -U ${uuid}6 -m single -d single --rootdir "$files/elsewhere" \
	"$image+btrfs" > /dev/null
rm -rf "$files" "$image.proto"
echo "$key" > "$image.key"
