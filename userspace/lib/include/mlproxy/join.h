/* SPDX-License-Identifier: GPL-2.0-only */
/* libmlproxy: joining feedback to decisions, in bounded memory. */
#ifndef _LIBMLPROXY_JOIN_H
#define _LIBMLPROXY_JOIN_H

#include <mlproxy/mlproxy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mlproxy_join;

/**
 * struct mlproxy_joined - a decision and its outcome
 * @size: bytes of it that are filled in
 * @decision: the decision
 * @feedback: its feedback
 *
 * Valid until the next call with the same table.
 */
struct mlproxy_joined {
	size_t size;
	const struct mlproxy_rec_decision *decision;
	const struct mlproxy_rec_feedback *feedback;
};

/**
 * struct mlproxy_join_counts - what became of the records
 * @size: bytes of it that are filled in
 * @matched: pairs
 * @dropped_decisions: decisions given up for want of room, or flushed
 * @dropped_feedbacks: feedback whose decision did not come in time
 * @duplicates: a second decision or feedback with the same id, ignored
 * @pending: decisions and feedback that wait now
 * @expired: decisions whose outcome will never be known, as the kernel said
 */
struct mlproxy_join_counts {
	size_t size;
	uint64_t matched;
	uint64_t dropped_decisions;
	uint64_t dropped_feedbacks;
	uint64_t duplicates;
	uint64_t pending;
	uint64_t expired;
};

/**
 * typedef mlproxy_join_drop_fn - told of a decision that stays without outcome
 * @decision: the decision, valid until the callback returns
 * @ctx: as given to mlproxy_join_new()
 */
typedef void (*mlproxy_join_drop_fn)(const struct mlproxy_rec_decision *decision, void *ctx);

/**
 * mlproxy_join_new() - make a table
 * @jp: out: the table, NULL on failure
 * @entries: decisions and feedback that may wait at a time, 1 to 2^24; the
 *	oldest is given up when it is full
 * @drop: told of each decision that is given up; may be NULL
 * @ctx: given to @drop
 *
 * Memory is @entries times the largest decision seen.
 * Return: 0, -EINVAL or -ENOMEM.
 */
MLPROXY_API int mlproxy_join_new(struct mlproxy_join **jp, uint32_t entries,
				 mlproxy_join_drop_fn drop, void *ctx);

/**
 * mlproxy_join_free() - free a table, without telling of what waits in it
 * @j: table, or NULL
 */
MLPROXY_API void mlproxy_join_free(struct mlproxy_join *j);

/**
 * mlproxy_join_add_sized() - add a record
 * @j: table
 * @rec: valid record of any type; it is copied if it has to wait
 * @out: out: the pair if one is complete
 *
 * Decision and feedback may come in either order. Records of other types are
 * ignored. @out may point to @rec: use it before @rec is gone. A decision whose
 * outcome the kernel gave up (MLPROXY_FEEDBACK_EXPIRED) is no pair, but told, too.
 * Return: 1 if @out is filled in; 2 if it is, but @out->feedback has no reward, since
 * the decision expired; 0 if there is nothing; -ENOMEM.
 */
MLPROXY_API int mlproxy_join_add_sized(struct mlproxy_join *j,
				       const struct mlproxy_rec_hdr *rec, struct mlproxy_joined *out, size_t bytes);

/**
 * mlproxy_join_flush() - give up what waits, oldest first
 * @j: table
 * @before_ns: only records with a time_ns below it; UINT64_MAX for all
 *
 * Stops at the first record that is not older.
 */
MLPROXY_API void mlproxy_join_flush(struct mlproxy_join *j, uint64_t before_ns);

/**
 * mlproxy_join_get_counts_sized() - counters
 * @j: table
 * @counts: out
 */
MLPROXY_API void mlproxy_join_get_counts_sized(const struct mlproxy_join *j,
					       struct mlproxy_join_counts *counts, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* _LIBMLPROXY_JOIN_H */
