/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decision points of user space: a proxy, and its instances, that an open file owns.
 *
 * A file gets its point once, and keeps it until it is released, so that an ioctl may use
 * it without a lock. Instances come and go: those who decide find them by RCU, who sleeps
 * takes @lock, which is taken inside of the session's and outside of any proxy's.
 */
#ifndef _MLPROXY_CORE_POINT_H
#define _MLPROXY_CORE_POINT_H

#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <mlproxy/mlproxy.h>

#include "core.h"

/**
 * struct point_spec - a description as user space gave it, checked
 * @desc: what the core is given; its pointers lead into the rest
 * @cmd: copy of the structure, with the texts; @name is the proxy's
 * @features: copy of the array, as are those that follow; NULL for none
 */
struct point_spec {
	struct mlproxy_desc desc;
	struct mlproxy_point cmd;
	struct mlproxy_feature *features;
	struct mlproxy_action *actions;
	struct mlproxy_feature *states;
	struct mlproxy_event_desc *events;
	struct mlproxy_stratum *strata;
};

/**
 * struct point_target - what decides: the point itself, or an instance
 * @owner: the point
 * @proxy: as the core has it
 * @critical: no experiments now
 * @lock: protects what follows
 * @health: MLPROXY_HEALTH_* that was told last
 * @nr: valid entries in @values
 * @values: of the snapshot that was told last
 * @notices: MLPROXY_NOTICE_* that were not taken yet
 * @reason: of MLPROXY_NOTICE_CORRECT
 */
struct point_target {
	struct point_owner *owner;
	struct mlproxy *proxy;
	bool critical;
	spinlock_t lock;	/* what follows */
	u32 health;
	u32 nr;
	s64 values[MLPROXY_SNAPSHOT_MAX];
	u32 notices;
	u32 reason;
};

/**
 * struct point_owner - the point of a file
 * @spec: its description
 * @whole: the point itself
 * @instances: struct point_target by the number of the instance; writers under @lock
 * @lock: instances come and go
 * @wait: where poll() waits
 * @noticed: targets with notices
 * @node: in the list of all
 * @user: who opened the file
 * @limited: counts against that one's quota
 * @nr: places that it has: itself and its instances
 */
struct point_owner {
	struct point_spec spec;
	struct point_target whole;
	struct xarray instances;
	struct mutex lock;	/* instances come and go */
	wait_queue_head_t wait;
	atomic_t noticed;
	struct list_head node;
	kuid_t user;
	bool limited;
	u32 nr;
};

/* point_spec.c */
int point_spec_get(struct point_spec *spec, struct mlproxy_point *cmd);
void point_spec_put(struct point_spec *spec);

/* point.c */
struct point_owner *mlproxy_point_create(struct mlproxy_point *cmd, const struct file *file,
					 bool limited);
void mlproxy_point_free(struct point_owner *owner);
struct point_target *mlproxy_point_target(struct point_owner *owner, u32 instance);
int mlproxy_point_add(struct point_owner *owner, struct mlproxy_point_instance *cmd);
int mlproxy_point_drop(struct point_owner *owner, u32 instance);
int mlproxy_point_tell(struct point_owner *owner, const struct mlproxy_point_state *cmd);
int mlproxy_point_notice(struct point_owner *owner, struct mlproxy_point_notice *cmd);
__poll_t mlproxy_point_poll(struct point_owner *owner, struct file *file,
			    struct poll_table_struct *pt);

#endif /* _MLPROXY_CORE_POINT_H */
