// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks a segment has, from the summaries of its logs, and which of these are in use,
 * from the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs.h"

#define CHUNK	512

/* An entry of a summary, of a file other than the DAT file, and of that. */
static __le64 word(const struct nilfs_block *blk, unsigned int n)
{
	__le64 w;

	memcpy(&w, (const char *)blk->b_binfo + n * sizeof(w), sizeof(w));
	return w;
}

static int add_block(const struct nilfs_block *blk, uint64_t ino, uint64_t cno,
		     struct fs_blocks *blocks)
{
	bool node = nilfs_block_is_node(blk);
	struct nilfs_vdesc *v = vec_add(&blocks->v);

	if (!v)
		return -ENOMEM;
	*v = (struct nilfs_vdesc) {
		.vd_ino = ino,
		.vd_cno = cno,
		.vd_vblocknr = le64_to_cpu(word(blk, 0)),
		.vd_blocknr = blk->b_blocknr,
		.vd_offset = node ? 0 : le64_to_cpu(word(blk, 1)),
		.vd_flags = node,
	};
	return 0;
}

static int add_dat_block(const struct nilfs_block *blk, uint64_t ino, struct fs_blocks *blocks)
{
	bool node = nilfs_block_is_node(blk);
	struct nilfs_bdesc *b = vec_add(&blocks->b);

	if (!b)
		return -ENOMEM;
	*b = (struct nilfs_bdesc) {
		.bd_ino = ino,
		.bd_oblocknr = blk->b_blocknr,
		.bd_offset = le64_to_cpu(word(blk, 0)),
		/* a byte, and seven of padding behind it */
		.bd_level = node ? *((const uint8_t *)blk->b_binfo + sizeof(__le64)) : 0,
	};
	return 0;
}

static int add_file(const struct nilfs_file *file, struct fs_blocks *blocks)
{
	uint64_t ino = le64_to_cpu(file->f_finfo->fi_ino);
	uint64_t cno = le64_to_cpu(file->f_finfo->fi_cno);
	struct nilfs_block blk;
	int ret;

	nilfs_block_for_each(&blk, file) {
		ret = nilfs_file_is_super(file) ? add_dat_block(&blk, ino, blocks) :
						  add_block(&blk, ino, cno, blocks);
		if (ret)
			return ret;
	}
	return 0;
}

/* All logs, up to where the kernel says that the segment was written. */
static int add_segment(struct fs *fs, uint64_t num, void *image, uint32_t written,
		       struct fs_blocks *blocks)
{
	struct nilfs_psegment log;
	struct nilfs_file file;
	uint64_t end;
	int ret;

	nilfs_psegment_init(&log, num, image, written, fs->nilfs);
	end = log.p_segblocknr + written;
	for (; !nilfs_psegment_is_end(&log); nilfs_psegment_next(&log)) {
		nilfs_file_for_each(&file, &log) {
			ret = add_file(&file, blocks);
			if (ret)
				return ret;
		}
	}
	/*
	 * Else a summary is damaged: cleaning the segment would lose what it and those behind
	 * it describe.
	 */
	return log.p_blocknr == end ? 0 : -EILSEQ;
}

int fs_collect(struct fs *fs, uint64_t num, struct fs_blocks *blocks, uint64_t *seq)
{
	size_t nv = blocks->v.nr, nb = blocks->b.nr;
	struct nilfs_suinfo si;
	void *image;
	int ret;

	if (nilfs_get_suinfo(fs->nilfs, num, &si, 1) != 1)
		return -EIO;
	if (!fs_reclaimable(&si))
		return -EAGAIN;
	if (nilfs_get_segment(fs->nilfs, num, &image) < 0) {
		ret = errno ? -errno : -EIO;
		fprintf(stderr, "%s: cannot read segment %llu: %m\n", fs->device,
			(unsigned long long)num);
		return ret;
	}
	*seq = nilfs_get_segment_seqnum(fs->nilfs, image, num);
	ret = add_segment(fs, num, image, si.sui_nblocks, blocks);
	nilfs_put_segment(fs->nilfs, image);
	if (ret) {
		blocks->v.nr = nv;
		blocks->b.nr = nb;
	}
	return ret;
}

static int by_number(const void *a, const void *b)
{
	const struct nilfs_vdesc *x = a, *y = b;

	return x->vd_vblocknr < y->vd_vblocknr ? -1 : x->vd_vblocknr > y->vd_vblocknr;
}

static int by_dat_place(const void *a, const void *b)
{
	const struct nilfs_bdesc *x = a, *y = b;

	if (x->bd_level != y->bd_level)
		return x->bd_level < y->bd_level ? -1 : 1;
	return x->bd_offset < y->bd_offset ? -1 : x->bd_offset > y->bd_offset;
}

static int lookup_virtual(struct fs *fs, struct nilfs_vdesc *v, size_t nr)
{
	struct nilfs_vinfo vi[CHUNK];
	size_t i, j, n;

	for (i = 0; i < nr; i += n) {
		n = nr - i < CHUNK ? nr - i : CHUNK;
		for (j = 0; j < n; j++)
			vi[j] = (struct nilfs_vinfo) { .vi_vblocknr = v[i + j].vd_vblocknr };
		if (nilfs_get_vinfo(fs->nilfs, vi, n) != (ssize_t)n)
			return -1;
		for (j = 0; j < n; j++) {
			v[i + j].vd_period.p_start = vi[j].vi_start;
			v[i + j].vd_period.p_end = vi[j].vi_end;
			v[i + j].vd_pad = vi[j].vi_blocknr == v[i + j].vd_blocknr ?
					  0 : FS_ELSEWHERE;
		}
	}
	return 0;
}

int fs_lookup(struct fs *fs, struct fs_blocks *blocks)
{
	size_t i, n;

	/* neighbours are in the same block of the DAT file */
	if (blocks->v.nr)
		qsort(blocks->v.at, blocks->v.nr, sizeof(*blocks->v.at), by_number);
	if (blocks->b.nr)
		qsort(blocks->b.at, blocks->b.nr, sizeof(*blocks->b.at), by_dat_place);
	errno = 0;
	if (lookup_virtual(fs, blocks->v.at, blocks->v.nr))
		goto fail;
	for (i = 0; i < blocks->b.nr; i += n) {
		n = blocks->b.nr - i < CHUNK ? blocks->b.nr - i : CHUNK;
		if (nilfs_get_bdescs(fs->nilfs, blocks->b.at + i, n) != (ssize_t)n)
			goto fail;
	}
	return 0;
fail:
	fprintf(stderr, "%s: cannot look up blocks: %m\n", fs->dir);
	return errno ? -errno : -EIO;
}

void fs_blocks_free(struct fs_blocks *blocks)
{
	vec_free(&blocks->v);
	vec_free(&blocks->b);
}
