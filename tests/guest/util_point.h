/* SPDX-License-Identifier: GPL-2.0-only */
/* Decision points of user space, by raw ioctls. Calls return 0 or more, or -errno. */
#ifndef _TESTS_GUEST_UTIL_POINT_H
#define _TESTS_GUEST_UTIL_POINT_H

#include "util.h"

#define POINT(name) MLPROXY_POINT_PREFIX name

/* A good description with two features, four actions, two states, two events. */
struct mlproxy_point point_desc(const char *name, uint32_t flags);

int point_register(int fd, struct mlproxy_point *cmd);
int point_new(const char *name, uint32_t flags);	/* a file with a point; ASSERTs success */
int point_add(int fd, const char *name);		/* its number */
int point_drop(int fd, uint32_t instance);
int point_decide(int fd, uint32_t instance, struct mlproxy_point_decide *out);
uint64_t point_id(int fd, uint32_t instance);		/* of a decision; ASSERTs success */
int point_feedback(int fd, uint32_t instance, uint64_t id, int64_t reward);
int point_state(int fd, uint32_t flags, uint32_t health, uint32_t critical, int64_t value);
int point_notice(int fd, struct mlproxy_point_notice *out);

#endif /* _TESTS_GUEST_UTIL_POINT_H */
