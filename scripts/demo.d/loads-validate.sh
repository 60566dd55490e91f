# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The validation set: recipes of training are chosen by it, so that the test set needs
# not be looked at. In neither of the other sets. Sourced by bench.sh.

BENCH_VALIDATION=${BENCH_VALIDATION:-"v-rand-mmap v-zipf-pread v-seq-mmap v-seq-pread
v-back-pread v-back-mmap v-stride v-db-scan v-db-multi v-mix v-phases"}

bench_validate_work()
{
	case $1 in
	v-rand-mmap)
		bench_load "$2" --ops 2500 $BENCH_MNT/a,mmap,random,think=700
		;;
	v-zipf-pread)
		bench_load "$2" --ops 3500 $BENCH_MNT/b,pread,zipf:55,pages=2
		;;
	v-seq-mmap)
		bench_load "$2" --ops 24000 $BENCH_MNT/b,mmap,seq,think=4000
		;;
	v-seq-pread)
		bench_load "$2" --ops 9000 $BENCH_MNT/a,pread,seq,pages=3,think=9000
		;;
	v-back-pread)
		bench_load "$2" --ops 8000 $BENCH_MNT/d,pread,reverse,pages=2,think=2000
		;;
	v-back-mmap)
		bench_load "$2" --ops 16000 $BENCH_MNT/a,mmap,burst:-90:-30,think=1500
		;;
	v-stride)
		bench_load "$2" --ops 7000 $BENCH_MNT/c,pread,stride:9,pages=2,think=1200
		;;
	v-db-scan)
		bench_db seekrandom 90 "$2" --mmap_read=1 --seek_nexts=120
		;;
	v-db-multi)
		bench_db multireadrandom 960 "$2" --batch_size=12 --mmap_read=1
		;;
	v-mix)
		bench_load "$2" --ms 400 $BENCH_MNT/d,mmap,hot:3000 $BENCH_MNT/a,pread,burst:50:14 \
			$BENCH_MNT/c,mmap,reverse
		;;
	v-phases)
		bench_load "$2" --ops 5000 $BENCH_MNT/a,mmap,phases:620,think=300
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}
