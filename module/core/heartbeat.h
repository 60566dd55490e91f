/* SPDX-License-Identifier: GPL-2.0-only */
/* Heartbeats of agents; see heartbeat.c. */
#ifndef _MLPROXY_CORE_HEARTBEAT_H
#define _MLPROXY_CORE_HEARTBEAT_H

#include <linux/list.h>
#include <linux/types.h>

struct mlproxy;
struct mlproxy_heartbeat;

/**
 * struct mlproxy_agent - the heartbeat of one session; proxy->lock
 * @node: in the machine's list of those that beat; empty for one that does not
 * @beat_ns: clock of the last one
 * @deadline_ns: of the next one
 */
struct mlproxy_agent {
	struct list_head node;
	u64 beat_ns;
	u64 deadline_ns;
};

int mlproxy_heartbeat(struct mlproxy *proxy, struct mlproxy_agent *agent,
		      struct mlproxy_heartbeat *beat);
void mlproxy_heartbeat_closed(struct mlproxy *proxy, struct mlproxy_agent *agent);
void mlproxy_heartbeat_take_over(struct mlproxy *instance);
void mlproxy_heartbeat_forget(struct mlproxy *proxy);
void mlproxy_heartbeat_reset(struct mlproxy *proxy);

#endif /* _MLPROXY_CORE_HEARTBEAT_H */
