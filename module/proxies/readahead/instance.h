/* SPDX-License-Identifier: GPL-2.0-only */
/* An instance of the proxy for each device; see instance.c. */
#ifndef _MLPROXY_RA_INSTANCE_H
#define _MLPROXY_RA_INSTANCE_H

#include <mlproxy/mlproxy.h>

struct ra_target;

u32 ra_decide(const struct ra_target *target, const struct mlproxy_request *req,
	      struct mlproxy_decision *decision);
void ra_feedback(const struct ra_target *target, const struct mlproxy_decision *decision,
		 const struct mlproxy_outcome *outcome);
bool ra_is_control(const struct ra_target *target, u64 key);
void ra_cost(const struct ra_target *target, u64 key, u64 cost, u64 work);
void ra_instances_init(struct mlproxy *proxy);
void ra_instances_want(struct ra_target *target);
void ra_instances_choose(void);
void ra_instances_look(void);
void ra_instances_exit(void);

#endif /* _MLPROXY_RA_INSTANCE_H */
