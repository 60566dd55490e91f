/* SPDX-License-Identifier: GPL-2.0-only */
/* Records to all readers of a proxy; see publish.c. */
#ifndef _MLPROXY_CORE_PUBLISH_H
#define _MLPROXY_CORE_PUBLISH_H

#include <linux/types.h>

struct candidate;
struct mlproxy;
struct mlproxy_decision;
struct mlproxy_request;
struct mlproxy_transition;

void mlproxy_publish_decision(struct mlproxy *proxy, const struct mlproxy_request *req,
			      u32 allowed, u64 now_ns, const struct candidate *c,
			      struct mlproxy_decision *d);
void mlproxy_publish_no_decision(struct mlproxy *proxy);
void mlproxy_publish_feedback(struct mlproxy *proxy, const struct mlproxy_decision *d,
			      const struct mlproxy_outcome *outcome, u16 flags);
void mlproxy_publish_event(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
			   u32 nr);
void mlproxy_publish_event_last(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
				u32 nr) __releases(RCU_SCHED);
void mlproxy_publish_mode(struct mlproxy *proxy, const struct mlproxy_transition *t);
void mlproxy_publish_change(struct mlproxy *proxy, u16 type, u32 from, u32 to, u32 reason);

#endif /* _MLPROXY_CORE_PUBLISH_H */
