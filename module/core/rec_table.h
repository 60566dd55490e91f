/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of recommendations: key -> action, with a time to live.
 *
 * Bounded and set-associative: a key has REC_WAYS places. Writers hold the
 * table's mutex. Look-ups run in any context and never wait: each place has a
 * sequence number, odd while it is written; a look-up that meets a write in
 * progress takes the place as empty, and the decision goes on without it.
 */
#ifndef _MLPROXY_REC_TABLE_H
#define _MLPROXY_REC_TABLE_H

#include <linux/atomic.h>
#include <linux/types.h>

#define REC_WAYS 4

/* Results of rec_table_lookup(). */
#define REC_MISS	0
#define REC_FRESH	1
#define REC_EXPIRED	2

struct rec_table;

/**
 * struct rec_entry - one recommendation as it is kept
 * @key: entity
 * @expires_ns: CLOCK_MONOTONIC; 0 for an empty place
 * @version: version of the agent's model
 * @action: action, checked
 * @confidence: of 65535
 */
struct rec_entry {
	u64 key;
	u64 expires_ns;
	u32 version;
	u16 action;
	u16 confidence;
};

struct rec_table *rec_table_alloc(u32 entries, atomic_t *uses, int used, gfp_t gfp);
void rec_table_free(struct rec_table *table);
void rec_table_insert(struct rec_table *table, const struct rec_entry *entry, u64 now_ns);
int rec_table_lookup(const struct rec_table *table, u64 key, u64 now_ns,
		     struct rec_entry *out);
void rec_table_clear(struct rec_table *table);
u64 rec_table_evicted(const struct rec_table *table);

#endif /* _MLPROXY_REC_TABLE_H */
