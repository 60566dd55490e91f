/* SPDX-License-Identifier: GPL-2.0-only */
/* The mode machine of a proxy, for mode.c and mode_param.c alone. */
#ifndef _MLPROXY_MODE_PRIV_H
#define _MLPROXY_MODE_PRIV_H

#include <linux/irq_work.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mode_rules.h"

/* A request for emergency whose numbers are being written. */
#define MODE_REQUEST_CLAIMED	U32_MAX

/**
 * struct mlproxy_modes - the mode machine of a proxy
 * @lock: of all here but the works
 * @machine: what it knows
 * @config: parameters
 * @total: sums of all CPUs, as of the last look
 * @version: of the active model, 0 for none
 * @seen: candidates by source, as of the last look
 * @seen_at: decisions at the last look that found new candidates, by source
 * @proposed: has a source proposed an action since the logic was last known to change
 * @beat_ns: last heartbeat, 0 for none
 * @evaluations: looks
 * @changes: transitions since the initialisation
 * @log: the last transitions, @changes modulo its size is the next place
 * @correct: reason for which a correction is due, 0 for none; for @work
 * @request_value: evidence of the request for emergency
 * @request_limit: the same
 * @proxy: whose
 * @look: makes a look
 * @work: publishes a snapshot and corrects
 */
struct mlproxy_modes {
	raw_spinlock_t lock;	/* all here; taken with interrupts off */
	struct mode_machine machine;
	struct mode_config config;
	struct eff_sums total;
	u32 version;
	u64 seen[MLPROXY_NR_SOURCES];
	u64 seen_at[MLPROXY_NR_SOURCES];
	bool proposed[MLPROXY_NR_SOURCES];
	u64 beat_ns;
	u64 evaluations;
	u64 changes;
	struct mlproxy_transition log[MLPROXY_MAX_TRANSITIONS];
	u32 correct;
	s64 request_value;
	s64 request_limit;
	struct mlproxy *proxy;
	struct irq_work look;
	struct work_struct work;
};

void mlproxy_mode_defaults(struct mlproxy *proxy);

#endif /* _MLPROXY_MODE_PRIV_H */
