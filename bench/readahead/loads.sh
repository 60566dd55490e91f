# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The loads, and the programs that they run. Sourced by subject.sh.

. "$BENCH_LIB/readahead/loads-train.sh"
. "$BENCH_LIB/readahead/loads-validate.sh"
. "$BENCH_LIB/readahead/loads-test.sh"
. "$BENCH_LIB/readahead/loads-sealed.sh"

# Those that the demo's table is about.
BENCH_WORKLOADS=${BENCH_WORKLOADS:-"rr-mmap rr-pread scan-mmap seq-mmap seq-pread \
rev-mmap rev-pread mix phases"}

# bench_db NAME READS SEED [OPTION]...: run db_bench on the database. RocksDB gives no
# advice, or nobody else could choose, unless "advise" says so.
bench_db()
{
	name=$1 reads=$2 seed=$3
	shift 3
	"$BENCH_BIN/db_bench" --db="$BENCH_FILES/db" --use_existing_db=1 --readonly=1 \
		--benchmarks="$name" --reads="$reads" --seed="$seed" \
		--num=200000 --value_size=1000 --compression_type=none \
		--cache_size=1048576 --advise_random_on_open="${advise:-0}" "$@"
}

# bench_sqlite SEED PRAGMA QUERY OPERATIONS: R in the query is a table of random x.
bench_sqlite()
{
	timed "$4" sqlite3 -readonly $BENCH_MNT/sqlite.db "$2; WITH RECURSIVE r(i, x) AS (
		SELECT 1, $1 UNION ALL
		SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM r WHERE i < $4) $3"
}

# bench_work LOAD SEED: the load itself; prints what its program prints. The amount of work
# moves a little with the seed where the program itself draws nothing at random.
bench_work()
{
	more=$(($2 % 16 * 250))
	case $1 in
	rr-mmap)   bench_db readrandom 1200 "$2" --mmap_read=1 ;;
	rr-pread)  bench_db readrandom 1200 "$2" ;;
	scan-mmap) bench_db seekrandom 60 "$2" --mmap_read=1 --seek_nexts=200 ;;
	seq-mmap)  bench_db readseq $((24000 + more)) "$2" --mmap_read=1 ;;
	seq-pread) bench_db readseq $((24000 + more)) "$2" ;;
	rev-mmap)  bench_db readreverse $((24000 + more)) "$2" --mmap_read=1 ;;
	rev-pread) bench_db readreverse $((12000 + more)) "$2" ;;
	mix)
		bench_readload "$2" --ms 300 $BENCH_MNT/a,mmap,random $BENCH_MNT/b,pread,seq \
			$BENCH_MNT/c,mmap,cluster:16 $BENCH_MNT/d,pread,reverse
		;;
	phases)
		bench_readload "$2" --ops 4608 $BENCH_MNT/a,mmap,phases:768
		;;
	fits-*)
		bench_fits_work "$1" "$2"
		;;
	t-*)
		bench_train_work "$1" "$2"
		;;
	v-*)
		bench_validate_work "$1" "$2"
		;;
	s-*)
		bench_sealed_work "$1" "$2"
		;;
	*)
		bench_test_work "$1" "$2"
		;;
	esac
}

# Loads whose data fits in memory, for runs without a limit of it (BENCH_MEMORY_MB=max):
# a is 160 MB. What is read beside what was asked for is used later.
BENCH_FITS="fits-rand-mmap"

bench_fits_work()
{
	case $1 in
	fits-rand-mmap)
		bench_readload "$2" --ops 60000 $BENCH_MNT/a,mmap,random,think=400
		;;
	*)
		echo "no load $1" >&2
		return 1
		;;
	esac
}

load_is_single()
{
	case $1 in
	mix* | phases* | v-mix* | v-phases*) false ;;
	*)                                   true ;;
	esac
}

load_uses_mmap()
{
	case $1 in
	*-mmap* | mix* | phases*) true ;;
	s-*)                      sealed_uses_mmap "$1" ;;
	*)                        false ;;
	esac
}

# load_memory LOAD: megabytes for one that has a size of its own; nothing for the others
load_memory()
{
	case $1 in
	s-*) sealed_memory_mb "$1" ;;
	esac
}

load_writes()
{
	case $1 in
	*-rww-*) true ;;
	*)       false ;;
	esac
}

# load_fits LOAD DEVICE
load_fits()
{
	case $2,$1 in
	# its writer goes on while its reader waits, and does so into memory: by the time
	# that the reader is through, that is more than the limit
	slow,db-rww-*) false ;;
	*)             true ;;
	esac
}

# load_places LOAD: the files that an oracle may treat each in its own way, a pattern for
# each place; none for a single load.
load_places()
{
	case $1 in
	mix)          echo "a b c d" ;;
	mix-scan)     echo "a c d" ;;
	mix-phases)   echo "a b" ;;
	mix-programs) echo "db/*.sst sqlite.db" ;;
	v-mix)        echo "a c d" ;;
	esac
}

# load_phases LOAD: how many phases of a kind it has that an oracle may tell apart.
load_phases()
{
	case $1 in
	phases | phases-db) echo 3 ;;
	*)                  echo 0 ;;
	esac
}
