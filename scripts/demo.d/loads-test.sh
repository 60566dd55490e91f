# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The test set: more loads, that only bench-readahead runs for its table, and that
# nothing is ever tuned with. Sourced by bench.sh.

# bench_sqlite SEED PRAGMA QUERY OPERATIONS: R in the query is a table of random x.
bench_sqlite()
{
	timed "$4" sqlite3 -readonly $BENCH_MNT/sqlite.db "$2; WITH RECURSIVE r(i, x) AS (
		SELECT 1, $1 UNION ALL
		SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM r WHERE i < $4) $3"
}

BENCH_TEST="db-seekback-mmap sq-point-mmap sq-point-pread sq-index sq-scan grep tar
mix-scan mix-phases"

bench_test_work()
{
	case $1 in
	db-seekback-mmap)
		bench_db seekrandom 60 "$2" --mmap_read=1 --reverse_iterator=1 --seek_nexts=100
		;;
	sq-point-mmap)
		bench_sqlite "$2" "PRAGMA mmap_size = 268435456" \
			"SELECT sum(length(v)) FROM r JOIN t ON t.id = x / 8 % 200000" 1500
		;;
	sq-point-pread)
		bench_sqlite "$2" "PRAGMA mmap_size = 0" \
			"SELECT sum(length(v)) FROM r JOIN t ON t.id = x / 8 % 200000" 1500
		;;
	sq-index)
		# in the order of an index: the rows are all over the table
		timed 1500 sqlite3 -readonly $BENCH_MNT/sqlite.db \
			"PRAGMA mmap_size = 0; SELECT sum(length(v)) FROM (SELECT v FROM t
			 INDEXED BY tk WHERE k >= $(($2 * 1000)) ORDER BY k LIMIT 1500)"
		;;
	sq-scan)
		timed 40000 sqlite3 -readonly $BENCH_MNT/sqlite.db \
			"PRAGMA mmap_size = 0; SELECT sum(length(v)) FROM (SELECT v FROM t
			 WHERE id >= $(($2 * 1000)) LIMIT 40000)"
		;;
	grep)
		timed 250 grep -rc "[a-z]*$2" $BENCH_MNT/tree/net
		;;
	tar)
		timed 1500 tar cf - $BENCH_MNT/tree/linux
		;;
	mix-scan)
		bench_load "$2" --ms 300 $BENCH_MNT/a,pread,stride:7 $BENCH_MNT/c,mmap,seq \
			$BENCH_MNT/d,pread,random
		;;
	mix-phases)
		bench_load "$2" --ms 300 $BENCH_MNT/a,mmap,phases:512 $BENCH_MNT/b,pread,seq
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}
