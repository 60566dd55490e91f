/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages that were read ahead were used: see use.c. */
#ifndef _MLPROXY_RA_USE_H
#define _MLPROXY_RA_USE_H

#include <linux/fs.h>
#include <linux/types.h>

#include "action.h"

struct folio;
struct ra_call;
struct ra_file;
struct ra_target;

#define RA_USE_SAMPLES	32	/* of a file, at a time */
#define RA_USE_A_CALL	4	/* new ones */

/**
 * struct ra_use_share - samples that were used, of those taken
 * @used: used
 * @of: taken; both are halved now and then
 */
struct ra_use_share {
	u8 used;
	u8 of;
};

/**
 * struct ra_use - samples of the pages that were read ahead in one file
 * @index: page, or the first one of its folio; 32 bits of it
 * @when_ms: when it was added, in 2^20 ns
 * @action: that was in force then
 * @nr: valid ones
 * @calls: calls while the use was known well
 * @vain: calls in a row that read nothing of what was chosen
 * @audited_ms: when they were looked after last
 * @sieve: a bit of each sample's page is set; read without the lock
 * @share: what became of those before, by action
 *
 * Under the file's lock but for that.
 */
struct ra_use {
	u32 index[RA_USE_SAMPLES];
	u16 when_ms[RA_USE_SAMPLES];
	u8 action[RA_USE_SAMPLES];
	u8 nr;
	u8 calls;
	u8 vain;
	u16 audited_ms;
	u64 sieve;
	struct ra_use_share share[RA_NR_ACTIONS];
};

/**
 * struct ra_watch - the samples of one call
 * @room: that there is room for
 * @nr: those chosen
 * @index: their pages, none of which is cached before the call
 */
struct ra_watch {
	u8 room;
	u8 nr;
	u32 index[RA_USE_A_CALL];
};

u8 ra_use_room(struct ra_file *f, const struct ra_target *target);
void ra_use_choose(struct ra_call *call, struct address_space *mapping);
void ra_use_find(struct ra_call *call, struct address_space *mapping);
void ra_use_take(struct ra_file *f, struct ra_call *call);
void ra_use_mark(const struct ra_call *call, struct address_space *mapping);
bool ra_use_touch(struct address_space *mapping, struct folio *folio);
void ra_use_audit(struct ra_file *f, const struct ra_call *call, struct address_space *mapping);
void ra_use_guess(struct ra_use_share *share);
void ra_use_doubt(struct ra_file *f);
u32 ra_use_of(const struct ra_file *f, const struct ra_target *target);

#endif /* _MLPROXY_RA_USE_H */
