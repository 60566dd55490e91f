#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Makes the files of the sealed loads (loads-sealed.sh), and is part of what is sealed.
# Usage: files-sealed.sh DIRECTORY, which must not be there. All contents are drawn from
# fixed seeds.

set -euo pipefail
. "$(dirname "$0")/../../scripts/lib/common.sh"

export LC_ALL=C TZ=UTC
python=/usr/bin/python3

# draw PROGRAM ARGUMENT...: Perl, whose rand() is the same everywhere; word() is drawn, few
# words often and many seldom.
draw()
{
	local program=$1

	shift
	perl -e 'use strict; srand(7);
		my @syllable = map { my $c = $_; map { "$c$_" } qw(a e i o u) }
			qw(b d f g k l m n p r s t v z);
		my @word = map { join("", map { $syllable[rand(@syllable)] } 0 .. 1 + rand(3)) }
			1 .. 20000;
		sub word { return $word[@word * rand() ** 3] }
		sub text { my $t = ""; $t .= word() . (rand(9) < 1 ? "\n" : " ")
			while length($t) < $_[0]; return "$t\n" }'"$program" "$@"
}

# 48 MB: 2,400 files in 80 directories
texts()
{
	draw 'for my $d (0 .. 79) {
		mkdir(sprintf("texts/d%02d", $d)) or die;
		for my $f (0 .. 29) {
			open(my $out, ">", sprintf("texts/d%02d/f%02d.txt", $d, $f)) or die;
			print $out text(4000 + rand(32000));
		}
	}'
	find texts -exec touch -h -d '2024-01-01 00:00:00' {} +
}

# The same once more; one file in six differs, at the same size and time.
changed()
{
	cp -a texts/. changed
	perl -e 'for (glob("changed/*/*[05].txt")) {
		open(my $f, "+<", $_) or die;
		seek($f, -2, 2);
		print $f "#";
	}'
	find changed -exec touch -h -d '2024-01-01 00:00:00' {} +
}

# Ten commits of the texts, not compressed: one pack of 48 MB
repository()
{
	local n git="git -c core.compression=0 -c user.name=bench -c user.email=bench@localhost"

	git+=" -c init.defaultBranch=main -c gc.auto=0"
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_DIR=$PWD/git/repo
	export GIT_WORK_TREE=$PWD/texts
	$git init -q
	for n in 0 1 2 3 4 5 6 7; do
		export GIT_AUTHOR_DATE="2024-01-0$((n + 1))T00:00:00Z"
		export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
		(cd texts && $git add "d$n"* && $git commit -q -m "texts $n")
	done
	# as a server has it
	$git config --unset core.worktree
	$git config core.bare true
	unset GIT_WORK_TREE
	$git -c pack.threads=1 repack -q -a -d -F --window=0
	$git rev-list --objects --all | grep '\.txt$' | cut -c 1-40 | sort > git/blobs
	rm -rf git/repo/hooks git/repo/logs git/repo/index
	unset GIT_DIR
}

# 36 MB: sorted lines; and two halves of them to join, in four parts
lines()
{
	draw 'printf("%s%08d %s\n", word(), $_, join(" ", map { word() } 1 .. 8))
		for 1 .. 500000' | sort > lines/sorted
	awk '{ part = int((NR - 1) / 125000) }
		NR % 2 { print > ("lines/odd" part) }
		NR % 3 { print > ("lines/others" part) }' lines/sorted
	# what other loads look for, too
	draw 'for (1 .. 1000) { my $w = word(); print "$w\n" if length($w) == 6 }' > lines/words
}

# 64 million bases, read at places
bases()
{
	draw 'my @b = qw(A C G T); my $piece = join("", map { $b[rand(4)] } 1 .. 600000);
		for my $c (1 .. 8) {
			print ">chr$c\n";
			print substr($piece, rand(599940), 60), "\n" for 1 .. 133333;
		}' > fasta/genome.fa
	samtools faidx fasta/genome.fa
}

# 300,000 reads in order, not compressed: 50 MB
reads()
{
	{
		printf '@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:30000000\n'
		draw 'my @b = qw(A C G T); my $piece = join("", map { $b[rand(4)] } 1 .. 100000);
			for my $n (1 .. 300000) {
				printf("read%06d\t0\tchr1\t%d\t60\t100M\t*\t0\t0\t%s\t%s\n", $n,
				       $n * 99 + rand(50), substr($piece, rand(99900), 100),
				       "F" x 100);
			}'
	} > sam
	samtools view --no-PG -b --output-fmt-option level=0 -o bam/reads.bam sam
	samtools index bam/reads.bam
	rm sam
}

# the names of 2 million files
names()
{
	draw 'for my $d (1 .. 40000) {
		my $dir = join("/", "", map { word() } 1 .. 4) . $d;
		print "$dir/", word(), "-", word(), int(rand(100000)), ".", word(), "\n" for 1 .. 50;
	}' | sort > list
	plocate-build -p list names/names.db
	rm list
}

# 64 MB of which half can be compressed, in four files
compressed()
{
	draw 'for my $part (0 .. 3) {
		open(my $out, "|-", "zstd -q -3 -o zstd/part$part.zst") or die;
		print $out pack("N*", map { rand(4294967296) } 1 .. 512), text(2000)
			for 1 .. 4000;
		close($out) or die;
	}'
}

# 56,000 records of 900 bytes, in an order that is not that of their keys; in two parts, or
# all in one
records()
{
	local part

	draw 'my @k = map { sprintf("key%08d", $_ * 7919 % 56000) } 0 .. 55999;
		print "$_\n", substr(text(900) =~ tr/\n/ /r, 0, 890), "\n" for @k;' > records
	split -l 56000 -d -a 1 records part
	for part in 0 1; do
		{
			printf 'VERSION=3\nformat=print\ntype=btree\nmapsize=67108864\nHEADER=END\n'
			sed 's/^/ /' "part$part"
			echo DATA=END
		} > mdb
		mdb_load -n -f mdb "lmdb/part$part.mdb"
		db5.3_load -T -t btree -f "part$part" "bdb/part$part.db"
	done
	rm -f lmdb/*-lock
	perl -MGDBM_File -e 'tie(my %h, "GDBM_File", "gdbm/hash.db", GDBM_NEWDB, 0644) or die;
		while (defined(my $k = <STDIN>)) { my $v = <STDIN>; chomp($k, $v); $h{$k} = $v }' \
		< records
	rm mdb records part?
}

# An index of a quarter of the texts: 39 MB, half of them positions
index()
{
	printf 'name : field=name\ntext : index\n' > script
	perl -e 'for (glob("texts/d[01]?/*.txt")) {
		open(my $f, "<", $_) or die;
		local $/;
		my $text = <$f>;
		print "name=$_\ntext=", $text =~ tr/\n/ /r, "\n\n";
	}' > dump
	scriptindex xapian/index script dump > /dev/null
	rm script dump
}

archive()
{
	(cd texts && find . -type f | sort | zip -q -0 -X ../zip/texts.zip -@)
	(cd texts && find . -type f | sort | cut -c 3-) > zip/members
}

# 64 MB: 4096 x 4096, in chunks of 16 KB
matrix()
{
	$python - <<-PYTHON
	import h5py
	import numpy
	rows = numpy.arange(4096, dtype="f4")
	with h5py.File("h5/matrix.h5", "w", track_order=False) as f:
	    f.create_dataset("m", data=rows[:, None] * 3 + rows, chunks=(64, 64), track_times=False)
	PYTHON
}

# into_root ROOT FILE...: with the libraries of each, where a program that has ROOT as its
# root finds them
into_root()
{
	local f root=$1

	shift
	for f; do
		[ -f "$root$f" ] || install -D "$f" "$root$f"
		ldd "$f" 2>/dev/null | awk '$3 ~ /^\// { print $3 }'
	done | sort -u | xargs -r cp -Lnt "$root/usr/lib/x86_64-linux-gnu"
}

# new_root ROOT
new_root()
{
	mkdir -p "$1/usr/lib/x86_64-linux-gnu" "$1/lib64"
	ln -s usr/lib "$1/lib"
	cp -L /lib64/ld-linux-x86-64.so.2 "$1/lib64/"
}

# Python and NumPy, to be started from the device
python_root()
{
	local version objects

	new_root python
	version=$($python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
	into_root python "/usr/bin/$version"
	mv "python/usr/bin/$version" python/usr/bin/python
	rsync -a --exclude='config-*' --exclude=test --exclude=__pycache__ "/usr/lib/$version" \
		python/usr/lib/
	mkdir -p python/usr/lib/python3/dist-packages
	rsync -a --exclude=tests --exclude=__pycache__ /usr/lib/python3/dist-packages/numpy \
		python/usr/lib/python3/dist-packages/
	mapfile -t objects < <(find python/usr/lib/python3* -name '*.so' | sed 's,^python,,')
	into_root python "${objects[@]}"
	# compiled once, valid whatever time a file system gives them; some of it is no Python 3
	$python -m compileall -q --invalidation-mode unchecked-hash python/usr/lib/python3* \
		> /dev/null || :
	# those that can be imported there
	as_root chroot python /usr/bin/python -B - > modules <<-PYTHON
	import importlib
	import os
	import sys
	for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib", "turtledemo"}):
	    try:
	        importlib.import_module(name)
	        os.write(1, (name + "\n").encode())
	    except ImportError:
	        pass
	PYTHON
	mv modules python/
}

# A compiler, and what it compiles
clang_root()
{
	new_root clang
	into_root clang /usr/lib/llvm-14/bin/clang
	mkdir -p clang/usr/lib/llvm-14/lib/clang clang/src
	cp -rL /usr/lib/llvm-14/lib/clang/14.* clang/usr/lib/llvm-14/lib/clang/
	draw 'print "#include <stddef.h>\n#include <limits.h>\n";
		for my $n (0 .. 39) {
			printf("int f%d(int *p, size_t n)\n{\n\tint s = %d;\n\n\tfor (size_t i = 0; " .
			       "i < n; i++)\n\t\ts += p[i] * %d ^ s >> %d;\n\treturn s;\n}\n",
			       $n, rand(100), 1 + rand(9), 1 + rand(9));
		}' > clang/src/sums.c
}

[ $# -eq 1 ] || die "usage: files-sealed.sh DIRECTORY"
[ ! -e "$1" ] || die "$1 is there already"
rm -rf "$1.new"
mkdir -p "$1.new"
cd "$1.new"
mkdir texts changed git lines fasta bam names zstd lmdb bdb gdbm xapian zip h5
# one a line, so that the shell ends at what fails in one
texts
changed
repository
lines
bases
reads
names
compressed
records
index
archive
matrix
python_root
clang_root
mv "$PWD" "${PWD%.new}"
