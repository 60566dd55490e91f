/* SPDX-License-Identifier: GPL-2.0-only */
/* Raw events and their aggregation; see event.c. */
#ifndef _MLPROXY_CORE_EVENT_H
#define _MLPROXY_CORE_EVENT_H

struct mlproxy;

#define EVENT_MAX_VALUES	64
#define EVENT_MAX_AGGREGATED	4	/* values of an aggregated event */
#define EVENT_MAX_PERIOD_MS	3600000U

int mlproxy_event_init(struct mlproxy *proxy);
void mlproxy_event_exit(struct mlproxy *proxy);
void mlproxy_event_flush(struct mlproxy *proxy);

#endif /* _MLPROXY_CORE_EVENT_H */
