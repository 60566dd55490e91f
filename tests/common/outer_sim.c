// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated system with costs that no reward sees; see outer_sim.h.
 */
#include <math.h>

#include "mode_sim.h"
#include "outer_sim.h"
#include "unit_real.h"

#define SCALE		1000	/* of rewards, the ledger and costs: a mean stall is 1000 */
#define MINE		0.3	/* what a policy with a better reward saves at once */
#define DEBT_S		1.0	/* an entity pays what is delayed over about that */
#define DEBT_ALL_S	0.5	/* so do others */
#define BAD		0.1	/* share of decisions that are bad, where these are few */
#define LOAD_S		5.0	/* correlation time of the load */
#define LOAD_SD		0.3	/* of its logarithm */
#define ENTITY_SD	0.5	/* of the logarithm of an entity's stalls */

static double uniform(struct osim *sim)
{
	return unit_real(rng_u64(&sim->rng));
}

static double normal(struct osim *sim)
{
	return sqrt(-2 * log(1 - uniform(sim))) * cos(2 * M_PI * uniform(sim));
}

/* Lognormal of mean 1. */
static double lognormal(struct osim *sim, double sigma)
{
	return exp(sigma * normal(sim) - sigma * sigma / 2);
}

void osim_init(struct osim *sim, enum osim_policy policy, bool entity, uint64_t seed)
{
	double sum = 0;

	memset(sim, 0, sizeof(*sim));
	mode_config_defaults(&sim->config);
	sim->config.lower_is_better = true;
	sim->config.verdict.outer = true;
	sim->has_costs = true;
	mode_machine_init(&sim->machine, 0);
	sim->policy = policy;
	sim->excess = 0.2;
	sim->rng = rng_seed(seed + 1);
	sim->draw.seed = rng_u64(&sim->rng);
	sim->draw.hold_ns = OUTER_DEFAULT_HOLD_NS;
	sim->draw.entity = entity;
	sim->load_keep = exp(-OSIM_STEP_NS / 1e9 / LOAD_S);
	sim->load_kick = sqrt(1 - sim->load_keep * sim->load_keep) * LOAD_SD;
	sim->washout_ns = OUTER_WASHOUT(sim->draw.hold_ns);
	for (int i = 0; i < OSIM_ENTITIES; i++) {
		sim->factor[i] = lognormal(sim, ENTITY_SD);
		sim->weight[i] = lognormal(sim, 1);
		sum += sim->weight[i];
	}
	for (int i = 0; i < OSIM_ENTITIES; i++)
		sim->weight[i] /= sum;
	sim->in.sums = &sim->sums;
	sim->in.logic = trust_logic(MLPROXY_SRC_MODEL, 1);
}

static int draw_entity(struct osim *sim)
{
	double u = uniform(sim);
	int i;

	for (i = 0; i < OSIM_ENTITIES - 1 && u >= sim->weight[i]; i++)
		u -= sim->weight[i];
	return i;
}

static void move_load(struct osim *sim)
{
	sim->load = sim->load_keep * sim->load + sim->load_kick * normal(sim);
}

/* What the entity, and all, pay now of what is delayed. */
static double pay_debts(struct osim *sim, int entity)
{
	double step_s = OSIM_STEP_NS / 1e9, own, all;

	own = sim->debt[entity] * fmin(step_s / sim->weight[entity] / DEBT_S, 1);
	all = sim->debt_of_all * fmin(step_s / DEBT_ALL_S, 1);
	sim->debt[entity] -= own;
	sim->debt_of_all -= all;
	return own + all;
}

/*
 * The decision's own stall, of @stall under the baseline, if the policy is followed; what
 * it delays goes into the debts. @lost: its outcome does not come.
 */
static double follow_policy(struct osim *sim, int entity, double stall, double scale, bool *lost)
{
	bool bad = uniform(sim) < BAD;

	switch (sim->policy) {
	case OSIM_GOOD:
		return stall * 0.8;
	case OSIM_SLIGHT:
		return stall * 0.95;
	case OSIM_DELAYED:
		sim->debt[entity] += (MINE + sim->excess) * scale;
		return stall - fmin(MINE * scale, stall);
	case OSIM_OTHERS:
		sim->debt_of_all += (MINE + sim->excess) * scale;
		return stall - fmin(MINE * scale, stall);
	case OSIM_LOST:
	case OSIM_HIDDEN:
		*lost = bad;
		return stall * (1 - MINE) + (bad ? (MINE + sim->excess) / BAD * scale : 0);
	case OSIM_TAIL:
		return stall * (1 - MINE) + (bad ? (MINE + sim->excess) / BAD * scale : 0);
	default:
		return stall;
	}
}

static int64_t reward_of(const struct osim *sim, double stall)
{
	if (sim->policy == OSIM_TAIL)
		return lrint(SCALE * log(0.05 + stall));
	return lrint(SCALE * fmin(stall, 1000));
}

/* Its outcome does not come, which is known later. */
static void wait_for_nothing(struct osim *sim, uint32_t arm)
{
	uint32_t i = (sim->first_pending + sim->nr_pending) % OSIM_MAX_PENDING;

	if (sim->nr_pending == OSIM_MAX_PENDING)
		return;
	sim->pending[i].due_ns = sim->in.now_ns + OSIM_PENDING_NS;
	sim->pending[i].experiment = sim->machine.experiment;
	sim->pending[i].arm = arm;
	sim->nr_pending++;
}

static void lose(struct osim *sim)
{
	while (sim->nr_pending && sim->pending[sim->first_pending].due_ns <= sim->in.now_ns) {
		if (sim->pending[sim->first_pending].experiment == sim->machine.experiment)
			sim->sums.arm[sim->pending[sim->first_pending].arm].lost++;
		sim->first_pending = (sim->first_pending + 1) % OSIM_MAX_PENDING;
		sim->nr_pending--;
	}
}

static void feed_back(struct osim *sim, uint32_t arm, double stall, bool lost)
{
	if (lost) {
		if (sim->policy == OSIM_LOST)
			wait_for_nothing(sim, arm);
		return;
	}
	eff_add(&sim->sums, arm, EFF_CLUSTERS, reward_of(sim, stall));
	if (sim->has_ledger)
		eff_add(&sim->ledger, arm, EFF_CLUSTERS, lrint(-SCALE * fmin(stall, 1000)));
}

static void count_cost(struct osim *sim, const struct outer_place *place, double cost)
{
	if (place->arm < MLPROXY_NR_ARMS && place->into_ns >= sim->washout_ns &&
	    sim->in.now_ns - place->into_ns >= sim->machine.verdicts.outer_from_ns)
		eff_add_cost(&sim->costs, place->arm, place->group, lrint(SCALE * cost), 1);
}

bool osim_step(struct osim *sim)
{
	static const uint32_t shares[] = { 0, 4096, 32768, 64512 };
	static const uint32_t outer_shares[] = { 0, 4096, 49152, 8192 };
	const struct mode_machine *m = &sim->machine;
	bool ramp = m->stage == MLPROXY_STAGE_RAMP, held, model, lost = false;
	uint64_t r = rng_u64(&sim->rng);
	int entity = draw_entity(sim);
	struct outer_place place;
	double scale, stall, debt;

	sim->in.now_ns += OSIM_STEP_NS;
	sim->in.ledger = sim->has_ledger ? &sim->ledger : NULL;
	sim->in.costs = sim->has_costs ? &sim->costs : NULL;
	sim->in.outer_hold_ns = sim->draw.hold_ns;
	sim->config.pending_ns = sim->policy == OSIM_LOST ? OSIM_PENDING_NS : 0;
	sim->draw.share = outer_share(outer_shares[m->mode], ramp, mode_in_doubt(m));
	if (!sim->has_costs)
		sim->draw.share = 0;
	place = outer_place(&sim->draw, entity, sim->in.now_ns);
	held = place.arm == MLPROXY_ARM_BASELINE ||
	       (place.arm == MLPROXY_ARM_MODEL && !outer_is_block(m->mode, ramp));
	if (held)
		model = place.arm == MLPROXY_ARM_MODEL;
	else
		model = split_arm(r, r, ramp ? 57344 : shares[m->mode], 0) == SPLIT_CANDIDATE;

	lose(sim);
	move_load(sim);
	scale = exp(sim->load - LOAD_SD * LOAD_SD / 2) * sim->factor[entity];
	stall = scale * lognormal(sim, 1);
	debt = pay_debts(sim, entity);
	if (model)
		stall = follow_policy(sim, entity, stall, scale, &lost);
	sim->stalled += stall + debt;
	count_cost(sim, &place, stall + debt);
	if (!held)
		feed_back(sim, model ? MLPROXY_ARM_MODEL : MLPROXY_ARM_BASELINE, stall, lost);
	if (++sim->decisions % OSIM_LOOK_EVERY)
		return false;
	return sim_look(&sim->machine, &sim->config, &sim->in, &sim->t);
}

double osim_seconds(const struct osim *sim)
{
	return sim->in.now_ns / 1e9;
}

const char *osim_name(enum osim_policy policy)
{
	static const char *const names[] = { "equal", "good", "slight", "delayed", "others",
					     "lost", "hidden", "tail" };

	return names[policy];
}
