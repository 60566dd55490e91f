# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The training set: what the model learns from. Sourced by bench.sh.

# Other seeds, files, mixes and sizes of work than those of the comparisons, and
# patterns that are in none of them.
BENCH_TRAINING=${BENCH_TRAINING:-"t-rr-mmap t-rr-pread t-scan-mmap t-scan-back t-seq-mmap t-seq-pread
t-rev-mmap t-rev-pread t-rand t-clusters t-stride t-back t-forward t-phases
t-mix2 t-mix3 t-mix4"}

bench_train_work()
{
	case $1 in
	t-rr-mmap)   bench_db readrandom 400 "$2" --mmap_read=1 ;;
	t-rr-pread)  bench_db readrandom 300 "$2" ;;
	t-scan-mmap) bench_db seekrandom 100 "$2" --mmap_read=1 --seek_nexts=150 ;;
	t-scan-back) bench_db seekrandom 20 "$2" --reverse_iterator=1 --seek_nexts=300 ;;
	t-seq-mmap)  bench_db readseq 100000 "$2" --mmap_read=1 ;;
	t-seq-pread) bench_db readseq 120000 "$2" ;;
	t-rev-mmap)  bench_db readreverse 60000 "$2" --mmap_read=1 ;;
	t-rev-pread) bench_db readreverse 20000 "$2" ;;
	t-rand)      bench_load "$2" --ms 300 $BENCH_MNT/c,mmap,random ;;
	t-clusters)  bench_load "$2" --ms 300 $BENCH_MNT/a,mmap,cluster:24 ;;
	t-stride)    bench_load "$2" --ms 200 $BENCH_MNT/a,pread,stride:11 ;;
	t-back)      bench_load "$2" --ms 200 $BENCH_MNT/c,pread,reverse ;;
	t-forward)   bench_load "$2" --ms 200 $BENCH_MNT/c,mmap,seq ;;
	t-phases)    bench_load "$2" --ops 3000 $BENCH_MNT/c,mmap,phases:500 ;;
	t-mix2)      bench_load "$2" --ms 300 $BENCH_MNT/b,mmap,random $BENCH_MNT/a,pread,seq ;;
	t-mix3)
		bench_load "$2" --ms 300 $BENCH_MNT/c,pread,reverse \
			$BENCH_MNT/d,mmap,cluster:32 $BENCH_MNT/b,mmap,seq
		;;
	t-mix4)
		bench_load "$2" --ms 400 $BENCH_MNT/d,mmap,random $BENCH_MNT/a,pread,reverse \
			$BENCH_MNT/b,mmap,cluster:12 $BENCH_MNT/c,pread,seq
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}
