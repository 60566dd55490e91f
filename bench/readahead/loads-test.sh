# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The test set: more loads, that only bench-readahead runs for its table, and that
# nothing is ever tuned with. Sourced by bench.sh.
#
# Names say what is read and how: "-mmap" and "-pread" the way, "-advice" that the
# program itself gives advice. Those that begin with "mix" read several files at once,
# those with "phases" change what they do; all others are single loads.

# bench_fio SEED ENGINE OPTION...: fio on one large file. It gives the kernel advice on
# its pattern if it is let; it is told not to empty the cache, which is empty, and not to
# look at the clock for each block.
bench_fio()
{
	seed=$1 engine=$2
	shift 2
	fio --name=global --filename=$BENCH_MNT/f --readonly --thread --gtod_reduce=1 \
		--ioengine="$engine" --bs=4k --fadvise_hint=0 --invalidate=0 --disk_util=0 \
		--clocksource=clock_gettime --randseed="$seed" --output-format=json "$@"
}

BENCH_FIO="fio-rand-mmap fio-rand-pread fio-zipf-mmap fio-zipf-pread fio-seq-mmap fio-seq-pread
fio-back-mmap fio-back-pread fio-stride-mmap fio-stride-pread fio-burst-mmap fio-burst-pread
fio-streams-mmap fio-streams-pread fio-bothways-mmap fio-bothways-pread"

BENCH_TEST="scan-pread db-seekback-mmap db-seekback-pread db-rww-mmap db-rww-pread
rr-mmap-advice rr-pread-advice scan-mmap-advice scan-pread-advice seq-mmap-advice
seq-pread-advice sq-point-mmap sq-point-pread sq-index sq-scan grep tar $BENCH_FIO
mix-scan mix-phases mix-programs phases-db"

# Where it draws nothing at random, it starts elsewhere with each seed. The file has
# 256 MB; forward patterns don't reach its end.
bench_fio_work()
{
	at=$(($2 % 8 * 4))
	case $1 in
	*-pread) engine=psync ;;
	*)       engine=mmap ;;
	esac
	case $1 in
	fio-rand-*)
		bench_fio "$2" $engine --name=a --rw=randread --norandommap --io_size=4800k
		;;
	fio-zipf-*)
		bench_fio "$2" $engine --name=a --rw=randread --norandommap --io_size=12m \
			--random_distribution=zipf:1.1
		;;
	fio-seq-*)
		bench_fio "$2" $engine --name=a --rw=read --offset=${at}m --io_size=64m
		;;
	fio-back-*)
		# the block before the last one; from the end of "size"
		bench_fio "$2" $engine --name=a --rw=read:-8k --size=$((250 - at))m --io_size=12m
		;;
	fio-stride-*)
		bench_fio "$2" $engine --name=a --rw=read:60k --offset=${at}m --io_size=10m
		;;
	fio-burst-*)
		# 64 KB in order, then 448 KB left out
		bench_fio "$2" $engine --name=a --rw=read --zonemode=strided --zonesize=64k \
			--zonerange=64k --zoneskip=448k --offset=${at}m --io_size=20m
		;;
	fio-streams-*)
		bench_fio "$2" $engine --name=a --numjobs=3 --rw=read --offset=$((at / 2))m \
			--offset_increment=80m --size=80m --io_size=20m
		;;
	fio-bothways-*)
		bench_fio "$2" $engine --name=a --rw=read --offset=${at}m --size=100m \
			--io_size=12m --name=b --rw=read:-8k --offset=130m --size=$((120 - at))m \
			--io_size=12m
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}

# bench_advised WORK SEED: a load of RocksDB as it is, with RocksDB's own advice.
bench_advised()
{
	advise=1
	bench_work "$1" "$2"
	advise=0
}

# bench_programs SEED: three programs at once, each on files of its own.
bench_programs()
{
	bench_db readrandom 500 "$1" --mmap_read=1 > /run/bench/log.1 &
	timed 500 grep -rcF "$1" $BENCH_MNT/tree/net > /run/bench/log.2 &
	timed 25000 sqlite3 -readonly $BENCH_MNT/sqlite.db "SELECT sum(length(v)) FROM
		(SELECT v FROM t WHERE id >= $(($1 * 1000)) LIMIT 25000)" > /run/bench/log.3
	wait
	cat /run/bench/log.1 /run/bench/log.2 /run/bench/log.3
}

# bench_db_phases SEED: one thing after the other on the same files.
bench_db_phases()
{
	bench_phase 1
	bench_db readrandom 300 "$1" --mmap_read=1
	bench_phase 2
	bench_db readseq 8000 "$1" --mmap_read=1
	bench_phase 1
	bench_db readrandom 300 $(($1 + 1)) --mmap_read=1
	bench_phase 3
	bench_db readreverse 8000 "$1" --mmap_read=1
}

bench_test_work()
{
	case $1 in
	scan-pread) bench_db seekrandom 60 "$2" --seek_nexts=200 ;;
	db-seekback-mmap)
		bench_db seekrandom 60 "$2" --mmap_read=1 --reverse_iterator=1 --seek_nexts=100
		;;
	db-seekback-pread)
		bench_db seekrandom 60 "$2" --reverse_iterator=1 --seek_nexts=100
		;;
	# one thread reads, another one writes 1 MB/s
	db-rww-mmap | db-rww-pread)
		[ "$1" = db-rww-pread ] || set -- "$@" --mmap_read=1
		seed=$2
		shift 2
		bench_db readwhilewriting 1000 "$seed" --readonly=0 --threads=1 \
			--benchmark_write_rate_limit=1048576 --disable_auto_compactions=1 \
			--write_buffer_size=4194304 "$@"
		;;
	*-advice)
		bench_advised "${1%-advice}" "$2"
		;;
	sq-point-mmap)
		bench_sqlite "$2" "PRAGMA mmap_size = 1073741824" \
			"SELECT sum(length(v)) FROM r JOIN t ON t.id = x / 8 % 200000" 1000
		;;
	sq-point-pread)
		bench_sqlite "$2" "PRAGMA mmap_size = 0" \
			"SELECT sum(length(v)) FROM r JOIN t ON t.id = x / 8 % 200000" 1000
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
		timed 500 grep -rcF "$2" $BENCH_MNT/tree/net
		;;
	tar)
		timed 1500 tar cf - $BENCH_MNT/tree/linux
		;;
	fio-*)
		bench_fio_work "$1" "$2"
		;;
	mix-scan)
		bench_readload "$2" --ms 300 $BENCH_MNT/a,pread,stride:7 $BENCH_MNT/c,mmap,seq \
			$BENCH_MNT/d,pread,random
		;;
	mix-phases)
		bench_readload "$2" --ms 300 $BENCH_MNT/a,mmap,phases:512 $BENCH_MNT/b,pread,seq
		;;
	mix-programs)
		bench_programs "$2"
		;;
	phases-db)
		bench_db_phases "$2"
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}
