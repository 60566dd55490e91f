/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of data sets, states and delayed outcomes share: requests, and a
 * log of all that the rings of a session gave, for the proxy ctx-data.
 */
#ifndef _TESTS_GUEST_UTIL_DATA_H
#define _TESTS_GUEST_UTIL_DATA_H

#include "util.h"

#define LOG_MAX_CPUS 64
#define LOG_MAX_DECISIONS 4096

struct seen_decision {
	uint64_t id;
	int64_t x;
	int64_t size;
	unsigned int feedbacks;
};

struct seen_event {
	unsigned int number;
	uint64_t key;
	unsigned int nr;
	int64_t values[16];
};

/**
 * struct data_log - what was taken from the rings
 * @nr_orphans: feedback without its decision, up to now
 * @orphans: their ids
 * @nr_events: raw events but snapshots
 * @aggregated: sum of the counts of events 0 and 2
 * @event: the last event
 */
struct data_log {
	int fd;
	struct ring rings[LOG_MAX_CPUS];
	unsigned int nr_decisions;
	unsigned int nr_feedbacks;
	unsigned int nr_expired;
	unsigned int nr_deferred;
	unsigned int nr_orphans;
	unsigned int nr_events;
	unsigned int nr_snapshots;
	unsigned int nr_modes;
	uint64_t aggregated;
	int64_t last_reward;
	struct seen_event event;
	uint64_t orphans[LOG_MAX_DECISIONS];
	struct seen_decision decisions[LOG_MAX_DECISIONS];
};

/* @flags: MLPROXY_DATASET_F_*. 0 or -errno. */
int dataset_call(int fd, uint32_t flags, struct mlproxy_dataset *cmd);
int dataset_request(int fd, struct mlproxy_dataset cmd);
struct mlproxy_dataset dataset_get(int fd);	/* ASSERTs success */

/* mlproxy_ctxtest: an event of ctx-data with so many values. */
int ctx_event(unsigned int number, unsigned int nr);
/* An outcome for the tokens from @first; fails unless @found of the @n are kept. */
int ctx_resolve(long long first, unsigned int n, unsigned int found);

void log_open(struct data_log *log, int fd, uint32_t type_mask, uint32_t watermark);
void log_close(struct data_log *log);		/* with its session */
unsigned int log_take(struct data_log *log);	/* records taken */
void log_check(struct data_log *log);		/* all published are seen or lost */
unsigned int log_unanswered(const struct data_log *log); /* not exactly one feedback */
uint64_t log_lost(struct data_log *log);

#endif /* _TESTS_GUEST_UTIL_DATA_H */
