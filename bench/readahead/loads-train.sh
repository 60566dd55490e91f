# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The training set: what the model learns from. Sourced by bench.sh.
#
# Other seeds, files, mixes, sizes and programs than those of the comparisons and of
# the validation. Much of it is drawn: what a load does that nobody thought of is
# then nearer to something that was recorded. Numbers move with the seed, so
# that no two runs of a load are alike.

BENCH_TRAINING=${BENCH_TRAINING:-"t-draw1 t-rr-mmap t-rr-pread t-multi t-draw2 t-scan-mmap
t-scan-pread t-back-mmap t-back-pread t-draw3 t-seq-mmap t-seq-pread t-rev-mmap t-rev-pread t-draw4
t-miss t-threads t-rand-large t-rand-fits t-draw5 t-forward-mmap t-forward-pread t-down-mmap
t-down-pread t-steps-mmap t-steps-pread t-mix t-draw6 t-draw7 t-dd t-sum t-draw8 t-abreast-pread
t-abreast-mmap"}

# bench_pick SEED VALUE...: one of the values.
bench_pick()
{
	n=$1
	shift
	shift $((n % $#))
	echo "$1"
}

# bench_table SEED: one of the database's files, of 16 MB.
bench_table()
{
	# shellcheck disable=SC2046 # no blanks in these names
	bench_pick "$1" $(echo $BENCH_MNT/db/*.sst)
}

bench_train_db()
{
	case $1 in
	t-rr-mmap)
		bench_db readrandom 1500 "$2" --mmap_read=1
		;;
	t-rr-pread)
		bench_db readrandom 300 "$2"
		;;
	t-multi)
		bench_db multireadrandom 480 "$2" --batch_size="$(bench_pick "$2" 4 32 64)" \
			--mmap_read=$(($2 / 3 % 2))
		;;
	t-miss)
		bench_db readmissing 300 "$2" --mmap_read=$(($2 % 2))
		;;
	t-threads)
		# several readers in the same files
		bench_db readrandom 120 "$2" --threads="$(bench_pick "$2" 2 3 6)" \
			--mmap_read=$(($2 / 3 % 2))
		;;
	t-scan-mmap)
		nexts=$(bench_pick "$2" 15 400 60 150 30 1000)
		bench_db seekrandom $((30000 / (nexts + 20))) "$2" --mmap_read=1 \
			--seek_nexts="$nexts"
		;;
	t-scan-pread)
		nexts=$(bench_pick "$2" 300 20 700 80 40 150)
		bench_db seekrandom $((30000 / (nexts + 20))) "$2" --seek_nexts="$nexts"
		;;
	t-back-*)
		[ "$1" = t-back-pread ] || set -- "$@" --mmap_read=1
		seed=$2 nexts=$(bench_pick "$2" 40 500 20 300 150)
		shift 2
		bench_db seekrandom $((16000 / (nexts + 20))) "$seed" --reverse_iterator=1 \
			--seek_nexts="$nexts" "$@"
		;;
	t-seq-mmap)
		bench_db readseq 160000 "$2" --mmap_read=1
		;;
	t-seq-pread)
		bench_db readseq 160000 "$2"
		;;
	t-rev-mmap)
		bench_db readreverse 80000 "$2" --mmap_read=1
		;;
	t-rev-pread)
		bench_db readreverse 20000 "$2"
		;;
	*)
		echo "no workload $1" >&2
		return 1
		;;
	esac
}

# Programs that read to an end. They start where the seed says, since what they read
# is the same each time.
bench_train_program()
{
	case $1 in
	t-dd)
		# requests that are no whole pages, from the middle of a file
		bytes=$(bench_pick "$2" 1700 200000 12345 70000 5000)
		timed 1000 dd if=$BENCH_MNT/a of=/dev/null bs="$bytes" \
			skip=$(($2 % 90 * 1000000 / bytes)) count=$((40000000 / bytes))
		;;
	t-sum)
		timed 1000 busybox "$(bench_pick "$2" md5sum cat sha1sum)" "$(bench_table "$2")"
		;;
	esac
}

# bench_train_steps SEED mmap|pread MS: strides of several lengths, one after the other, each
# in another file.
bench_train_steps()
{
	for n in 0 1 2 3; do
		stride=$(bench_pick $(($1 * 4 + n)) 5 21 -11 50 8 -3 130 33 12 -27 3 75 19)
		file=$BENCH_MNT/$(bench_pick $n a b c d)
		bench_readload "$1" --cpu-ms "$3" --ms 4000 \
			"$file,$2,stride:$stride,pages=$((($1 + n) % 3 + 1)),think=$((n * 700 + 1))"
	done
}

# bench_train_abreast SEED pread|mmap: two to four that read a file each in order
bench_train_abreast()
{
	streams=''
	for n in b c d a; do
		streams="$streams $BENCH_MNT/$n,$2,seq,pages=$(($1 % 3 + 1)),think=$(($1 % 4 * 1500 + 1))"
		[ $n != "$(bench_pick "$1" c d a)" ] || break
	done
	# shellcheck disable=SC2086 # words
	bench_readload "$1" --cpu-ms 200 --ms 6000 $streams
}

# Those that readload makes end by their CPU time, or later by the clock: waiting for a
# slow device costs the host nothing, computing does.
bench_train_work()
{
	case $1 in
	t-draw*)
		set -- "$1" "$(($2 * 16 + ${1#t-draw}))"
		bench_readload "$2" --cpu-ms 250 --ms 8000 --ops 30000 --draw $BENCH_MNT/a $BENCH_MNT/b \
			$BENCH_MNT/a $BENCH_MNT/d "$(bench_table "$2")"
		;;
	t-rand-large)
		bench_readload "$2" --cpu-ms 300 --ms 8000 $BENCH_MNT/a,mmap,random,think=$(($2 % 5 * 3000 + 1))
		;;
	t-rand-fits)
		bench_readload "$2" --cpu-ms 300 --ms 8000 $BENCH_MNT/d,mmap,random,pages=$(($2 % 3 + 1))
		;;
	t-forward-*)
		# A window is decided on once for megabytes.
		bench_readload "$2" --cpu-ms 700 --ms 8000 \
			$BENCH_MNT/a,"${1#t-forward-}",seq,pages="$(bench_pick "$2" 1 12 2 64 4 \
			30)",think=$(($2 % 4 * 3000 + 1))
		;;
	t-down-mmap)
		bench_readload "$2" --cpu-ms 300 --ms 8000 \
			$BENCH_MNT/c,mmap,reverse,pages=$(($2 % 5 + 1)),think=$(($2 % 4 * 1000 + 1))
		;;
	t-down-pread)
		bench_readload "$2" --cpu-ms 100 --ms 8000 \
			$BENCH_MNT/c,pread,reverse,pages=$(($2 % 5 + 1))
		;;
	t-steps-mmap)
		bench_train_steps "$2" mmap 100
		;;
	t-steps-pread)
		bench_train_steps "$2" pread 40
		;;
	t-mix)
		# one that wants much, beside one that wants little
		bench_readload "$2" --cpu-ms 80 --ms 4000 $BENCH_MNT/b,mmap,random \
			$BENCH_MNT/a,pread,"$(bench_pick "$2" seq burst:40:25 reverse)" \
			$BENCH_MNT/d,"$(bench_pick $(($2 / 3)) mmap,cluster:12 pread,zipf:80 mmap,seq)"
		;;
	t-abreast-*)
		bench_train_abreast "$2" "${1#t-abreast-}"
		;;
	t-dd | t-sum)
		bench_train_program "$1" "$2"
		;;
	t-*)
		bench_train_db "$1" "$2"
		;;
	esac
}
