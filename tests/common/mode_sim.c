// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated subsystem under the mode machine; see mode_sim.h.
 */
#include <math.h>

#include "mode_sim.h"
#include "split.h"
#include "unit_real.h"

#define QUANTILES	16384
#define SD		1000	/* of a normal outcome, in units of the reward */

static double normal[QUANTILES];

/* Normal quantiles at the middles of QUANTILES equal parts, scaled to variance 1. */
static void fill_quantiles(void)
{
	double square = 0;

	if (normal[0] != 0)
		return;
	for (int i = 0; i < QUANTILES; i++) {
		double p = (i + 0.5) / QUANTILES, low = -6, high = 6;

		for (int step = 0; step < 50; step++) {
			double mid = (low + high) / 2;

			if (erfc(-mid / sqrt(2)) / 2 < p)
				low = mid;
			else
				high = mid;
		}
		normal[i] = low;
		square += low * low;
	}
	for (int i = 0; i < QUANTILES; i++)
		normal[i] /= sqrt(square / QUANTILES);
}

static double normal_of(uint64_t bits)
{
	return normal[bits >> 50];
}

/* The outcome of a normal deviate @z; @effect is in standard deviations. */
static int64_t reward_of(enum sim_shape shape, double z, double effect, double uniform)
{
	double p = shape == SIM_RARE ? 0.02 : 0.3;
	double mean = exp(0.5), sd = sqrt((exp(1) - 1) * exp(1));

	switch (shape) {
	case SIM_GAUSS:
		return lrint(SD * (z + effect));
	case SIM_SKEWED:
		return lrint(SD * ((exp(z) - mean) / sd + effect));
	default:
		/* with the cluster's deviate, p differs by cluster */
		return uniform < p + (effect + z) * sqrt(p * (1 - p));
	}
}

void sim_init(struct sim *sim, enum sim_shape shape, enum sim_unit unit, uint64_t seed)
{
	fill_quantiles();
	memset(sim, 0, sizeof(*sim));
	mode_config_defaults(&sim->config);
	sim->config.clustered = unit != SIM_DECISION;
	mode_machine_init(&sim->machine, 0);
	sim->trial_share = 4096;
	sim->shape = shape;
	sim->unit = unit;
	sim->rng = rng_seed(seed + 1);
	sim->seed = rng_u64(&sim->rng);
	sim->in.sums = &sim->sums;
	sim->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
}

/* Entities are not met equally often: the first ones are by far. */
static uint64_t draw_unit(struct sim *sim)
{
	double u = unit_real(rng_u64(&sim->rng));

	if (sim->unit == SIM_ENTITY)
		return (uint64_t)(u * sqrt(u) * SIM_ENTITIES);
	if (sim->unit == SIM_WINDOWED)
		return sim->outcomes / SIM_WINDOW;
	return rng_u64(&sim->rng);
}

bool sim_step(struct sim *sim)
{
	const uint32_t shares[] = { 0, sim->trial_share, 32768, 64512 };
	uint32_t share = sim->machine.stage == MLPROXY_STAGE_RAMP ? 57344 :
						      shares[sim->machine.mode];
	uint64_t unit = draw_unit(sim), noise = rng_u64(&sim->rng);
	uint64_t hash = mix64(sim->seed ^ unit);
	double z = normal_of(noise), common = normal_of(mix64(hash ^ 1)), uniform;
	bool clustered = sim->unit != SIM_DECISION;
	uint32_t group = clustered ? mix64(hash ^ 2) % EFF_CLUSTERS : EFF_CLUSTERS;
	uint32_t arm = split_arm(noise, hash, share, 0) == SPLIT_CANDIDATE ?
		       MLPROXY_ARM_MODEL : MLPROXY_ARM_BASELINE;
	double effect = sim->environment + (arm == MLPROXY_ARM_MODEL ? sim->effect : 0);

	if (clustered)
		z = sqrt(SIM_ICC) * common + sqrt(1 - SIM_ICC) * z;
	uniform = unit_real(mix64(noise));
	if (sim->shape == SIM_BINARY || sim->shape == SIM_RARE)
		z = clustered ? common / 4 : 0;
	eff_add(&sim->sums, arm, group, reward_of(sim->shape, z, effect, uniform));
	sim->in.now_ns += SIM_OUTCOME_NS;
	if (++sim->outcomes % SIM_LOOK_EVERY)
		return false;
	return sim_look(&sim->machine, &sim->config, &sim->in, &sim->t);
}
