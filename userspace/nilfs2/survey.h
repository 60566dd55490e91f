/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting live blocks, by dry runs, a few segments at a time.
 */
#ifndef MLPROXY_NILFS2_SURVEY_H
#define MLPROXY_NILFS2_SURVEY_H

#include "fs.h"
#include "life.h"
#include "policy.h"

/**
 * struct survey - what counting needs
 * @view: what keeps blocks alive
 * @life: learns of the dead ones, and tells which will die soon
 * @horizon: soon, in checkpoints
 * @scratch: blocks of the segment that is being looked at
 */
struct survey {
	struct live_view view;
	struct life_table life;
	uint64_t horizon;
	struct fs_blocks scratch;
};

/**
 * survey_segment() - look at one segment
 * @s: survey, with a view
 * @fs: the file system
 * @seg: segment; what is known of it is brought up to date
 *
 * Leaves its blocks in @scratch, looked up. Return: 0; -EAGAIN if it is not to be cleaned,
 * which @seg says then; or another error.
 */
int survey_segment(struct survey *s, struct fs *fs, struct segment *seg);

/**
 * survey_some() - look at segments that were not counted yet, and then at those whose count
 * is the oldest
 * @s: survey, with a view
 * @fs: the file system
 * @policy: segments that may not be cleaned now are not looked at
 * @most: at so many
 */
int survey_some(struct survey *s, struct fs *fs, const struct policy_view *policy,
		unsigned int most);

#endif /* MLPROXY_NILFS2_SURVEY_H */
