#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make the file system that the workloads read: a RocksDB database and four plain
# files; with TREE, a directory of sources, that as well, an SQLite database and a large
# file; with OUTSIDE, a file of loads from outside, what its outside_files makes.
# Usage: image.sh IMAGE [TREE [OUTSIDE]]. Made once: IMAGE.key says from what.

set -euo pipefail
. "$(dirname "$0")/../../scripts/lib/common.sh"

image=$1 tree=${2:-} outside=${3:-} size=460
key=$(cat "$0" ${outside:+"$outside"} | sha256sum | cut -d' ' -f1)-$(dpkg-query -W -f '${Version}' rocksdb-tools)
key+=${tree:+-$(find "$tree" -type f | wc -l)}
if [ -f "$image" ] && [ "$(cat "$image.key" 2>/dev/null)" = "$key" ]; then
	exit 0
fi
need_tool db_bench rocksdb-tools
need_tool mkfs.ext4 e2fsprogs

tmp=$(mktemp -d "$(dirname "$image")/image.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
mkdir -p "$root/db"

# 126 MB, not compressed: compressed blocks could not be read in place by mmap.
db_bench --db="$root/db" --benchmarks=fillrandom,compact --seed=1 \
	--num=200000 --value_size=1000 --compression_type=none --disable_wal=1 \
	--write_buffer_size=33554432 --target_file_size_base=16777216 \
	--max_bytes_for_level_base=268435456 > "$tmp/log" 2>&1 || {
	cat "$tmp/log" >&2
	die "db_bench could not fill the database"
}
rm -f "$root"/db/LOG*
fill()
{
	# head closes the pipe; that is how yes ends
	(yes "mlproxy" || :) 2>/dev/null | head -c "$2" > "$root/$1"
}
fill a 160M
for f in b c d; do
	fill "$f" 48M
done

# 270 MB: 200,000 rows of 1250 bytes, in an order that is not that of their second key.
sqlite_database()
{
	sqlite3 "$root/sqlite.db" <<-SQL
	PRAGMA page_size = 4096;
	CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, v BLOB);
	BEGIN;
	WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 199999)
	INSERT INTO t SELECT i, i * 7919 % 200000, zeroblob(1250) FROM r;
	CREATE INDEX tk ON t (k);
	COMMIT;
	SQL
}
if [ -n "$tree" ]; then
	need_tool sqlite3 sqlite3
	sqlite_database
	cp -r "$tree" "$root/tree"
	# larger than any memory a run gets
	fill f 256M
	size=1180
fi

# in_outside COMMAND: in a shell of its own that has sourced OUTSIDE
in_outside()
{
	bash -euo pipefail -c '. "$1"; cd "$2"; eval "$3"' sh "$(readlink -f "$outside")" \
		"$root/outside" "$1"
}
[ -z "$outside" ] || mkdir "$root/outside"
if [ -n "$outside" ] && in_outside 'declare -F outside_files > /dev/null'; then
	# shellcheck disable=SC2016 # for the inner shell
	in_outside 'outside_files "$PWD"' || die "outside_files of $outside failed"
	# and for what the file system adds
	size=$((size + $(du -sm "$root/outside" | cut -f 1) * 9 / 8 + 8))
fi

# Fixed identifiers: the same layout, and directory hashes, on every machine.
truncate -s ${size}M "$tmp/image"
mkfs.ext4 -q -m 0 -O ^has_journal -U 6d6c7072-6f78-7900-0000-000000000001 \
	-E hash_seed=6d6c7072-6f78-7900-0000-000000000002,lazy_itable_init=0 \
	-d "$root" "$tmp/image"
mv "$tmp/image" "$image"
echo "$key" > "$image.key"
