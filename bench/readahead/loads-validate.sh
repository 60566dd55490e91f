# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The validation set: recipes of training are chosen by it, so that the test set needs
# not be looked at. In neither of the other sets. Sourced by bench.sh.

BENCH_VALIDATION=${BENCH_VALIDATION:-"v-rand-mmap v-zipf-pread v-seq-mmap v-seq-pread
v-back-pread v-back-mmap v-rev-mmap v-stride v-stride-mmap v-stride-even v-stride-wide v-streams
v-db-scan v-db-scan-pread v-db-multi v-db-back v-db-back-pread v-sql-range v-sql-range-mmap
v-sql-index v-sql-all v-files v-two-ways v-mix v-phases v-mix-phases"}

# Ranges of 30 rows from anywhere.
v_sql_range()
{
	bench_sqlite "$1" "$2" "SELECT sum((SELECT sum(length(v)) FROM t
		WHERE id BETWEEN x / 64 % 200000 AND x / 64 % 200000 + 29)) FROM r" 200
}

bench_validate_work()
{
	case $1 in
	v-rand-mmap)
		bench_readload "$2" --ops 2500 $BENCH_MNT/a,mmap,random,think=700
		;;
	v-zipf-pread)
		bench_readload "$2" --ops 3500 $BENCH_MNT/b,pread,zipf:55,pages=2
		;;
	v-seq-mmap)
		bench_readload "$2" --ops 24000 $BENCH_MNT/b,mmap,seq,think=4000
		;;
	v-seq-pread)
		bench_readload "$2" --ops 9000 $BENCH_MNT/a,pread,seq,pages=3,think=9000
		;;
	v-back-pread)
		bench_readload "$2" --ops 8000 $BENCH_MNT/d,pread,reverse,pages=2,think=2000
		;;
	v-back-mmap)
		bench_readload "$2" --ops 16000 $BENCH_MNT/a,mmap,burst:-90:-30,think=1500
		;;
	v-rev-mmap)
		bench_readload "$2" --ops 9000 $BENCH_MNT/c,mmap,reverse,think=2200
		;;
	v-stride)
		bench_readload "$2" --ops 7000 $BENCH_MNT/c,pread,stride:9,pages=2,think=1200
		;;
	v-stride-mmap)
		bench_readload "$2" --ops 4000 $BENCH_MNT/d,mmap,stride:23,think=1500
		;;
	v-stride-even)
		# every fault is where a window ended, or at its mark
		bench_readload "$2" --ops 4000 $BENCH_MNT/a,mmap,stride:8,think=2500
		;;
	v-stride-wide)
		bench_readload "$2" --ops 1500 $BENCH_MNT/a,mmap,stride:150,think=800
		;;
	v-streams)
		bench_readload "$2" --ops 9000 $BENCH_MNT/a,pread,interleave:4:1,pages=2,think=900
		;;
	v-db-scan)
		bench_db seekrandom 90 "$2" --mmap_read=1 --seek_nexts=120
		;;
	v-db-scan-pread)
		bench_db seekrandom 90 "$2" --seek_nexts=70
		;;
	v-db-back)
		bench_db seekrandom 70 "$2" --mmap_read=1 --reverse_iterator=1 --seek_nexts=60
		;;
	v-db-back-pread)
		bench_db seekrandom 70 "$2" --reverse_iterator=1 --seek_nexts=60
		;;
	v-sql-range)
		v_sql_range "$2" "PRAGMA mmap_size = 0"
		;;
	v-sql-range-mmap)
		v_sql_range "$2" "PRAGMA mmap_size = 1073741824"
		;;
	v-sql-index)
		# backward, and every fifth row of the table only
		timed 1200 sqlite3 -readonly $BENCH_MNT/sqlite.db \
			"PRAGMA mmap_size = 1073741824; SELECT sum(length(v)) FROM (SELECT v FROM t
			 INDEXED BY tk WHERE k <= $((190000 - $2 * 1000)) AND k % 5 = 0
			 ORDER BY k DESC LIMIT 1200)"
		;;
	v-sql-all)
		# from the end
		timed 30000 sqlite3 -readonly $BENCH_MNT/sqlite.db \
			"PRAGMA mmap_size = 0; SELECT sum(length(v)) FROM (SELECT v FROM t
			 WHERE id <= $((190000 - $2 * 1000)) ORDER BY id DESC LIMIT 30000)"
		;;
	v-files)
		timed 400 sh -c "busybox find $BENCH_MNT/tree/uapi $BENCH_MNT/tree/drm -name '*.h' |
			xargs cat"
		;;
	v-db-multi)
		bench_db multireadrandom 960 "$2" --batch_size=12 --mmap_read=1
		;;
	v-two-ways)
		# two readers of one file
		bench_readload "$2" --ops 12000 $BENCH_MNT/a,mmap,seq,think=1000 \
			$BENCH_MNT/a,mmap,reverse,think=1000
		;;
	v-mix)
		bench_readload "$2" --ms 400 $BENCH_MNT/d,mmap,hot:3000 $BENCH_MNT/a,pread,burst:50:14 \
			$BENCH_MNT/c,mmap,reverse
		;;
	v-phases)
		bench_readload "$2" --ops 5000 $BENCH_MNT/a,mmap,phases:620,think=300
		;;
	v-mix-phases)
		bench_readload "$2" --ms 400 $BENCH_MNT/a,mmap,phases:500,think=400 \
			$BENCH_MNT/b,pread,seq,pages=2
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}
