# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the guest's programs find of readahead: the image of their device, and the programs
# themselves. Sourced by harness/host.sh; "tree", if it is set, is a directory of sources to
# put into the image, "outside" a file of loads from outside; "sealed" asks for the sealed
# set's files instead.

subject_image()
{
	if [ -n "${sealed:-}" ]; then
		"$MLPROXY_TOP/bench/readahead/image-sealed.sh" "$1"
		return
	fi
	"$MLPROXY_TOP/bench/readahead/image.sh" "$1" "${tree:-}" "${outside:-}"
}

# subject_stage DIR
subject_stage()
{
	# shellcheck disable=SC2086 # words
	stage_programs db_bench ${tree:+sqlite3 fio}
	# shellcheck disable=SC2016,SC2046 # words, for bench_names' shell
	[ -z "${sealed:-}" ] || stage_programs $(bench_names eval 'echo $SEALED_PROGRAMS')
	cc -O2 -static -o "$1/bin/ra_key" "$MLPROXY_TOP/bench/programs/ra_key.c"
}

# Sources to read: always the same ones, whatever kernel reads them. Sets tree.
subject_tree()
{
	"$MLPROXY_SCRIPTS/kernels" get 6.1
	tree=$(readlink -f "$("$MLPROXY_SCRIPTS/kernels" path 6.1 headers)")
	tree=$(echo "${tree%/*}"/linux-headers-*-common/include)
	[ -d "$tree/linux" ] || die "no kernel headers $tree to read"
}
