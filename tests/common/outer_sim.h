/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated system under the mode machine, where the reward of a decision is not all
 * that it costs: it stalls its entity now, and may stall it later, or others. Entities are
 * not alike, and the load of the whole varies with time. What the machine sees are rewards
 * (the stall of the decision itself), a ledger, and what all entities paid for their work.
 * Everything follows from the seed.
 */
#ifndef _MLPROXY_TEST_OUTER_SIM_H
#define _MLPROXY_TEST_OUTER_SIM_H

#include "mode_rules.h"
#include "outer.h"
#include "rng.h"

#define OSIM_ENTITIES	16
#define OSIM_STEP_NS	1000000		/* between two decisions, of all entities */
#define OSIM_PENDING_NS	30000000000ULL	/* an outcome that does not come is lost */
#define OSIM_MAX_PENDING	8192
#define OSIM_LOOK_EVERY	100		/* decisions; the kernel looks more often */

/* What the policy does. "Worse" costs the system more than the baseline, by @excess. */
enum osim_policy {
	OSIM_EQUAL,	/* as the baseline */
	OSIM_GOOD,	/* 20 % less, and so says the reward */
	OSIM_SLIGHT,	/* 5 % less */
	OSIM_DELAYED,	/* better reward; worse, since the entity pays later */
	OSIM_OTHERS,	/* better reward; worse, since all others pay */
	OSIM_LOST,	/* better reward; worse, but bad outcomes get lost, and are counted so */
	OSIM_HIDDEN,	/* the same, and nobody counts them */
	OSIM_TAIL,	/* better reward, a logarithm; worse by a few large stalls */
	OSIM_NR_POLICIES
};

/**
 * struct osim - one run
 * @machine: under test
 * @config: its parameters
 * @draw: of the outer experiment; @hold_ns and @entity may be changed before the first step
 * @washout_ns: start of a period that does not count
 * @policy: what it does now
 * @excess: what a worse policy costs more than the baseline, as a share; 0.2 at first
 * @has_costs: is there an outer experiment
 * @has_ledger: is there a ledger
 * @stalled: all that was paid so far, by all
 * @decisions: made so far
 * @t: the last transition
 */
struct osim {
	struct mode_machine machine;
	struct mode_config config;
	struct outer_draw draw;
	uint64_t washout_ns;
	enum osim_policy policy;
	double excess;
	bool has_costs;
	bool has_ledger;
	double stalled;
	uint64_t decisions;
	struct mlproxy_transition t;
	/* private */
	struct rng rng;
	struct mode_input in;
	struct eff_sums sums;
	struct eff_sums ledger;
	struct eff_sums costs;
	struct {
		uint64_t due_ns;
		uint32_t experiment;
		uint32_t arm;
	} pending[OSIM_MAX_PENDING];
	uint32_t first_pending;
	uint32_t nr_pending;
	double load;
	double load_keep;
	double load_kick;
	double debt_of_all;
	double debt[OSIM_ENTITIES];
	double factor[OSIM_ENTITIES];
	double weight[OSIM_ENTITIES];
};

/**
 * osim_init() - begin in learning mode, with default parameters
 * @sim: the run
 * @policy: what the policy does
 * @entity: arms of the outer experiment are drawn by entity, else by window
 * @seed: of everything
 */
void osim_init(struct osim *sim, enum osim_policy policy, bool entity, uint64_t seed);

/** osim_step() - one decision. Return: true if the mode or the stage changed; see @t */
bool osim_step(struct osim *sim);

/** osim_seconds() - simulated time so far */
double osim_seconds(const struct osim *sim);

/** osim_name() - name of a policy */
const char *osim_name(enum osim_policy policy);

#endif /* _MLPROXY_TEST_OUTER_SIM_H */
