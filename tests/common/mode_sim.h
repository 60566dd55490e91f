/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated subsystem under the mode machine: outcomes of a chosen distribution,
 * shared between the arms by the split as the mode says, looked at every
 * SIM_LOOK_EVERY of them. Everything follows from the seed.
 */
#ifndef _MLPROXY_TEST_MODE_SIM_H
#define _MLPROXY_TEST_MODE_SIM_H

#include "mode_rules.h"
#include "rng.h"

#define SIM_LOOK_EVERY	64
#define SIM_OUTCOME_NS	1000000	/* between two outcomes */
#define SIM_ENTITIES	2000
#define SIM_WINDOW	50	/* outcomes of a window */
#define SIM_ICC		0.5	/* share of the variance that a cluster has in common */

enum sim_shape {
	SIM_GAUSS,	/* normal */
	SIM_SKEWED,	/* lognormal, sigma 1: skewness 6 */
	SIM_BINARY,	/* 0 or 1, 30 % */
	SIM_RARE,	/* 0 or 1, 2 % */
	SIM_NR_SHAPES
};

enum sim_unit { SIM_DECISION, SIM_ENTITY, SIM_WINDOWED };

/**
 * struct sim - one run
 * @machine: under test
 * @config: its parameters
 * @trial_share: share of the model in learning mode, of 65536
 * @shape: of the outcomes
 * @unit: of randomisation; clusters have SIM_ICC in common
 * @effect: of the model on the mean reward, in standard deviations
 * @environment: what all outcomes gained since the start, in standard deviations
 * @outcomes: made so far
 * @t: the last transition
 */
struct sim {
	struct mode_machine machine;
	struct mode_config config;
	uint32_t trial_share;
	enum sim_shape shape;
	enum sim_unit unit;
	double effect;
	double environment;
	uint32_t outcomes;
	struct mlproxy_transition t;
	/* private */
	struct rng rng;
	uint64_t seed;
	struct mode_input in;
	struct eff_sums sums;
};

/**
 * sim_look() - look until all parts that are due are judged, or the mode changes
 * @m: machine
 * @config: parameters
 * @in: counters
 * @t: out: as for mode_machine_look()
 *
 * As the kernel does, but for the pauses. Return: true if the mode changed.
 */
static inline bool sim_look(struct mode_machine *m, const struct mode_config *config,
			    const struct mode_input *in, struct mlproxy_transition *t)
{
	struct mode_input part = *in;

	while (!mode_machine_look(m, config, &part, t)) {
		if (!m->due)
			return false;
		part.all = false;
		part.emergency = 0;
	}
	return true;
}

/** sim_init() - begin in learning mode, with default parameters and a model equal to
 * the baseline
 */
void sim_init(struct sim *sim, enum sim_shape shape, enum sim_unit unit, uint64_t seed);

/** sim_step() - one outcome. Return: true if the mode changed; see @t */
bool sim_step(struct sim *sim);

#endif /* _MLPROXY_TEST_MODE_SIM_H */
