# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The sealed set: loads of programs that no other set has, on files that no other set has
# (files-sealed.sh). Nothing is tuned with them, and they run under any other policy than
# the kernel's own only for the report that counts its runs, docs/results/readahead-sealed.md.
# So a change of this file or of files-sealed.sh breaks the seal: the report says so.
#
# A load is s-NAME[-tN]-MEMORY: N threads or processes of it, 1 if nothing is said, and
# memory for a quarter of its data, for all of it, or for four times as much: "quarter",
# "equal", "ample". Nothing is cached when it begins. With memory for the data it is done
# twice over, with four times as much three times: from cold to warm, with other draws.
#
# What is drawn comes of the seed: which words, records, members or modules, which files are
# left out, in what order files come, or how a compiler optimizes. Only order is drawn of zstd,
# lmdb-copy, bdb-stat and join, which read all that they have: there the interval that a report
# gives is hardly wider than what the policy itself makes differ.
#
# All that could be run would take days of a CPU, this takes hours. So each program has one of
# the two larger memories, those that can be several are so in one or two ways, a third of the
# programs is on two other file systems, each on one device, and the static windows are seven.
# There is no oracle. The seeds are three: the interval of a single load is wide, the means over
# loads are what to look at.

# NAME DATA OWN OPERATIONS VARIANT...: megabytes that it reads from, megabytes that each
# process has for itself, what is counted as operations in one round, and what is run
SEALED_TABLE="
git-cat      48  3  400 quarter equal t4-quarter t16-ample
git-grep     48  4 2400 quarter ample t16-quarter
rg-tree      50  4 2400 quarter equal t4-quarter
rg-mmap      36  3 1000 quarter ample t16-quarter
faidx        63  3  400 quarter equal t4-quarter
bam          58  4   60 quarter ample
plocate      57  8    8 quarter equal
zstd         47  8 1000 quarter ample
lmdb-copy    72  6 1000 quarter equal
bdb-stat     70  3 1000 quarter ample
gdbm         59  2  400 quarter equal t16-quarter t16-ample
delve        19  2 5000 quarter ample
unzip        47  2  240 quarter equal t16-ample
h5           65  6  512 quarter ample t16-quarter
rsync       104 12 4800 quarter equal
look         36  1  120 quarter ample t4-quarter
join         37  2 1000 quarter equal
start-python 32 24   40 quarter ample
start-clang  64 40   40 quarter equal"
# Those that are run on other file systems as well: a third.
SEALED_ELSEWHERE="rg-mmap faidx zstd gdbm h5 start-python"
# The run that counts, but for what its command line narrows; see policies.sh, sweep.sh.
# shellcheck disable=SC2034 # for the host
{
	SEALED_DEVICES="nvme cloud sata-ssd cloud-burst hdd nvme+xfs hdd+btrfs"
	SEALED_SEEDS="11 12 13"
	SEALED_SETTINGS="0 16 64 128 512 1024 4096"
	SEALED_POLICIES="single rule bdp corrected mlproxy tree auto"
	SEALED_PROGRAMS="git rg samtools plocate zstd mdb_copy db5.3_stat gdbmtool xapian-delve
		unzip h5dump rsync look join"
}

# sealed_row NAME: its row of the table, in sealed_data, sealed_own, sealed_operations and
# sealed_variants
sealed_row()
{
	while read -r sealed_first sealed_data sealed_own sealed_operations sealed_variants; do
		[ "$sealed_first" != "$1" ] || return 0
	done <<-TABLE
	$SEALED_TABLE
	TABLE
	echo "no load $1" >&2
	return 1
}

# sealed_names: of the table
sealed_names()
{
	echo "$SEALED_TABLE" | awk '{ print $1 }'
}

# sealed_loads NAME...: all loads of these names, on a line
sealed_loads()
{
	sealed_list=''
	for sealed_name; do
		sealed_row "$sealed_name" || return 1
		for sealed_variant in $sealed_variants; do
			sealed_list="$sealed_list s-$sealed_name-$sealed_variant"
		done
	done
	echo "${sealed_list# }"
}

# shellcheck disable=SC2034,SC2046 # words
BENCH_SEALED=$(sealed_loads $(sealed_names))
# shellcheck disable=SC2034,SC2086 # the same
BENCH_SEALED_ELSEWHERE=$(sealed_loads $SEALED_ELSEWHERE)

# sealed_uses_mmap LOAD
sealed_uses_mmap()
{
	case $1 in
	s-git-* | s-rg-mmap-* | s-lmdb-* | s-gdbm-* | s-look-* | s-start-*) true ;;
	*)                                                                  false ;;
	esac
}

# sealed_parse LOAD: leaves its parts in sealed_name, sealed_threads, sealed_memory, and
# what the table says in sealed_data, sealed_own and sealed_operations.
sealed_parse()
{
	sealed_memory=${1##*-}
	sealed_name=${1#s-}
	sealed_name=${sealed_name%-*}
	sealed_threads=1
	case $sealed_name in
	*-t4 | *-t16)
		sealed_threads=${sealed_name##*-t}
		sealed_name=${sealed_name%-t*}
		;;
	esac
	sealed_row "$sealed_name"
}

# sealed_memory_mb LOAD: megabytes that it gets
sealed_memory_mb()
{
	sealed_parse "$1" || return 1
	case $sealed_memory in
	quarter) sealed_data=$(((sealed_data + 3) / 4)) ;;
	ample)   sealed_data=$((sealed_data * 4)) ;;
	esac
	echo $((sealed_data + sealed_own * sealed_threads))
}

# sealed_draw SEED N LIMIT [FORMAT]: N numbers from 0 to LIMIT - 1, a line each
sealed_draw()
{
	mawk -v x="$1" -v n="$2" -v limit="$3" -v format="${4:-%d}" 'BEGIN {
		x = x * 69621 % 2147483647
		while (n-- > 0) {
			x = x * 16807 % 2147483647
			printf format "\n", int(x / 2147483647 * limit)
		}
	}'
}

# sealed_lines SEED N FILE: N of the lines of a file, at places that are drawn
sealed_lines()
{
	mawk -v x="$1" -v n="$2" '{ line[NR] = $0 }
		END {
			x = x * 69621 % 2147483647
			while (n-- > 0) {
				x = x * 16807 % 2147483647
				print line[1 + int(x / 2147483647 * NR)]
			}
		}' "$3"
}

# sealed_try COMMAND...: 1 is "nothing was found"
sealed_try()
{
	"$@" || [ $? -eq 1 ]
}

# sealed_git ARGUMENT...
sealed_git()
{
	HOME=/ GIT_CONFIG_NOSYSTEM=1 git --git-dir="$BENCH_MNT/git/repo" -c safe.directory=\* "$@"
}

# sealed_search NAME SEED SHARE: programs that look for something. SHARE is how many processes
# there are that share in the operations.
sealed_search()
{
	words=$BENCH_MNT/lines/words
	case $1 in
	plocate)
		for word in $(sealed_lines "$2" 8 "$words"); do
			sealed_try plocate -c -d "$BENCH_MNT/names/names.db" "$word" || return 1
		done
		;;
	look)
		for word in $(sealed_lines "$2" $((120 / $3)) "$words"); do
			sealed_try look "${word}0000" "$BENCH_MNT/lines/sorted" || return 1
		done
		;;
	rg-mmap)
		sealed_try rg --mmap -j1 -c -F "$(sealed_lines "$2" 1 "$words")" \
			"$BENCH_MNT/lines/sorted"
		;;
	esac
}

# sealed_get NAME SEED SHARE: programs that get records, or members, from a file
sealed_get()
{
	case $1 in
	git-cat)
		sealed_lines "$2" $((400 / $3)) "$BENCH_MNT/git/blobs" | sealed_git cat-file --batch
		;;
	faidx)
		sealed_draw "$2" $((400 / $3)) 63000000 | awk '{
			at = $1 % 7900000
			printf "chr%d:%d-%d\n", 1 + int($1 / 7900000), at + 1, at + 300
		}' > "$TMPDIR/regions$2"
		samtools faidx -r "$TMPDIR/regions$2" "$BENCH_MNT/fasta/genome.fa"
		;;
	bam)
		# shellcheck disable=SC2046 # words
		samtools view -c "$BENCH_MNT/bam/reads.bam" $(sealed_draw "$2" 60 29000000 |
			awk '{ printf "chr1:%d-%d ", $1 + 1, $1 + 60000 }')
		;;
	gdbm)
		sealed_draw "$2" $((400 / $3)) 56000 "fetch key%08d" > "$TMPDIR/fetch$2"
		gdbmtool -N -q -r -l -f "$TMPDIR/fetch$2" "$BENCH_MNT/gdbm/hash.db"
		;;
	delve)
		# the terms of documents, and how frequent each is
		# shellcheck disable=SC2046 # words
		xapian-delve -1 -v $(sealed_draw "$2" 4 600 | awk '{ print "-r", $1 + 1 }') \
			"$BENCH_MNT/xapian/index"
		;;
	unzip)
		# each once, or it complains
		# shellcheck disable=SC2046 # words
		unzip -p "$BENCH_MNT/zip/texts.zip" $(sealed_lines "$2" $((240 / $3)) \
			"$BENCH_MNT/zip/members" | sort -u)
		;;
	h5)
		# every 16th row of columns
		for column in $(sealed_draw "$2" $((16 / $3)) 4096); do
			h5dump -d /m -s "3,$column" -S 16,1 -c 255,1 "$BENCH_MNT/h5/matrix.h5" ||
				return 1
		done
		;;
	esac
}

# sealed_whole NAME SEED THREADS: programs that read their data once, whole
sealed_whole()
{
	word=$(sealed_lines "$2" 1 "$BENCH_MNT/lines/words")
	case $1 in
	git-grep)  sealed_try sealed_git grep --threads="$3" -c -F "$word" main ;;
	rg-tree)   sealed_try rg -j "$3" -c -F "$word" "$BENCH_MNT/texts" ;;
	rsync)
		# but for a few directories
		# shellcheck disable=SC2046 # words
		rsync -rcn --out-format=%n $(sealed_draw "$2" 4 80 --exclude=/d%02d) \
			"$BENCH_MNT/texts/" "$BENCH_MNT/changed/"
		;;
	esac
}

# sealed_parts NAME SEED: the same, of data in parts, in an order that is drawn
sealed_parts()
{
	parts=4
	case $1 in
	# else memory for a quarter of the data were enough for a part
	lmdb-copy | bdb-stat) parts=2 ;;
	esac
	for part in $(sealed_draw "$2" $parts 1000000 | awk '{ print $1, NR - 1 }' | sort -n |
		      cut -d ' ' -f 2); do
		case $1 in
		zstd)      zstd -q -t "$BENCH_MNT/zstd/part$part.zst" ;;
		lmdb-copy) mdb_copy -n -c "$BENCH_MNT/lmdb/part$part.mdb" ;;
		bdb-stat)  db5.3_stat -d "$BENCH_MNT/bdb/part$part.db" ;;
		join)      join "$BENCH_MNT/lines/odd$part" "$BENCH_MNT/lines/others$part" ;;
		esac || return 1
	done
}

# sealed_start NAME SEED: programs that are started, with their libraries, from the device
sealed_start()
{
	case $1 in
	start-python)
		imports=$(sealed_lines "$2" 24 "$BENCH_MNT/python/modules" | tr '\n' ,)
		chroot "$BENCH_MNT/python" /usr/bin/python -B -c "import ${imports}numpy"
		;;
	start-clang)
		chroot "$BENCH_MNT/clang" \
			/usr/lib/llvm-14/bin/clang -S "-O$(($2 % 3 + 1))" -o - /src/sums.c
		;;
	esac
}

# sealed_one NAME SEED SHARE
sealed_one()
{
	case $1 in
	plocate | look | rg-mmap)                          sealed_search "$@" ;;
	git-cat | faidx | bam | gdbm | delve | unzip | h5) sealed_get "$@" ;;
	git-grep | rg-tree | rsync)                        sealed_whole "$@" ;;
	zstd | lmdb-copy | bdb-stat | join)                sealed_parts "$@" ;;
	start-*)                                           sealed_start "$@" ;;
	esac
}

# sealed_round NAME SEED THREADS: once over
sealed_round()
{
	case $1 in
	git-grep | rg-tree)
		# these have threads of their own
		sealed_one "$@"
		return
		;;
	esac
	sealed_pids=''
	n=0
	while [ $n -lt "$3" ]; do
		sealed_one "$1" $(($2 * 16 + n)) "$3" &
		sealed_pids="$sealed_pids $!"
		n=$((n + 1))
	done
	for pid in $sealed_pids; do
		wait "$pid" || return 1
	done
}

# sealed_rounds LOAD SEED: what is timed
sealed_rounds()
{
	sealed_parse "$1" || return 1
	case $sealed_memory in
	quarter) rounds=1 ;;
	equal)   rounds=2 ;;
	ample)   rounds=3 ;;
	esac
	round=0
	while [ $round -lt "$rounds" ]; do
		sealed_round "$sealed_name" $(($2 * 4 + round)) "$sealed_threads" || return 1
		round=$((round + 1))
	done
}

# bench_sealed_work LOAD SEED
bench_sealed_work()
{
	sealed_parse "$1" || return 1
	case $sealed_memory in
	equal) sealed_operations=$((sealed_operations * 2)) ;;
	ample) sealed_operations=$((sealed_operations * 3)) ;;
	esac
	# shellcheck disable=SC2016 # for the other shell
	BENCH_MNT=$BENCH_MNT LC_ALL=C timed "$sealed_operations" sh -c '
		. "$BENCH_LIB/readahead/loads-sealed.sh"
		sealed_rounds "$@"' sh "$1" "$2"
}
