/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the handlers of ioctls share; see ioctl.c. Each gets the kernel's copy of its
 * structure, and returns 0 or -errno.
 */
#ifndef _MLPROXY_CORE_IOCTL_H
#define _MLPROXY_CORE_IOCTL_H

struct mlproxy;
struct mlproxy_session;

/**
 * struct ioctl_context - what a handler gets beside its structure
 * @session: the session
 * @proxy: its proxy, NULL if it is not bound
 */
struct ioctl_context {
	struct mlproxy_session *session;
	struct mlproxy *proxy;
};

/* point_ioctl.c */
int mlproxy_ioctl_point_register(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_add(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_drop(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_decide(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_feedback(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_event(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_state(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_cost(struct ioctl_context *ctx, void *arg);
int mlproxy_ioctl_point_notice(struct ioctl_context *ctx, void *arg);

#endif /* _MLPROXY_CORE_IOCTL_H */
