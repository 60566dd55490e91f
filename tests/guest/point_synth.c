// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-test: helper
 *
 * A daemon whose best policy is known: mlproxy_synth's world in user space, through
 * libmlproxy. Each line of its input is a number of decisions; for each it says how many
 * percent of them took the best action.
 *
 *   point_synth NAME [INSTANCE]
 */
#include <stdio.h>
#include <stdlib.h>

#include <mlproxy/point.h>

#include "rng.h"

#define REWARD_MAX 1000
#define NOISE 100

static const struct mlproxy_feature features[] = {
	{ .name = "load", .min = 0, .max = 255, .type = MLPROXY_TYPE_COUNT },
	{ .name = "size", .unit = "bytes", .min = 1, .max = 1 << 20,
	  .type = MLPROXY_TYPE_COUNT },
	{ .name = "class", .min = 0, .max = 3, .type = MLPROXY_TYPE_ENUM },
};

static const struct mlproxy_action actions[] = {
	{ .name = "none", .value = 0 },
	{ .name = "low", .value = 1 },
	{ .name = "middle", .value = 2 },
	{ .name = "high", .value = 3 },
};

static const struct mlproxy_feature states[] = {
	{ .name = "runs", .min = 0, .max = 1 << 30 },
};

static struct mlproxy_point_desc desc = {
	.schema_version = 1,
	.flags = MLPROXY_POINT_F_START,
	.features = features,
	.nr_features = 3,
	.actions = actions,
	.nr_actions = 4,
	.states = states,
	.nr_states = 1,
	.reward_name = "score",
	.reward_min = -REWARD_MAX,
	.reward_max = 2 * REWARD_MAX,
	.ramp_ns = 1000000,
	.pending_ns = 200000000,
};

static uint32_t best_action(const int64_t *f)
{
	uint32_t a = f[0] < 64 ? 1 : f[0] < 160 ? 2 : 3;

	if (f[1] >= 4096)
		a = 3 - a;
	return f[2] == 3 ? 0 : a;
}

/* Return: was the best action taken; or a negative errno. */
static int decide_once(struct mlproxy_session *s, uint32_t instance, struct rng *rng)
{
	int64_t f[] = { rng_below(rng, 256), 1 << rng_below(rng, 21), rng_below(rng, 4) };
	struct mlproxy_point_decide d = {
		.key = f[0] << 2 | f[2], .features = (uintptr_t)f, .nr_features = 3,
		.instance = instance,
	};
	int best = best_action(f), ret = mlproxy_point_decide(s, &d);

	if (!ret)
		ret = mlproxy_point_feedback(s, d.id, instance, REWARD_MAX -
					     300 * abs((int)d.action - best) +
					     (int)rng_below(rng, 2 * NOISE + 1) - NOISE);
	return ret ? ret : (int)d.action == best;
}

static int run(struct mlproxy_session *s, uint32_t instance, unsigned int nr, int64_t round)
{
	static struct rng rng;
	unsigned int i, best = 0;
	int ret = mlproxy_point_snapshot(s, instance, MLPROXY_HEALTH_GOOD, &round, 1);

	if (!round)
		rng = rng_seed(42);
	for (i = 0; ret >= 0 && i < nr; i++) {
		ret = decide_once(s, instance, &rng);
		best += ret > 0;
	}
	if (ret >= 0)
		printf("%u\n", nr ? best * 100 / nr : 0);
	fflush(stdout);
	return ret < 0 ? ret : 0;
}

int main(int argc, char **argv)
{
	struct mlproxy_session *s = NULL;
	int instance = 0, ret;
	unsigned int nr;
	int64_t round;

	if (argc < 2)
		return 2;
	desc.name = argv[1];
	ret = mlproxy_open(&s, NULL, 0);
	if (!ret)
		ret = mlproxy_point_register(s, &desc);
	if (!ret && argc > 2)
		ret = instance = mlproxy_point_add(s, argv[2]);
	for (round = 0; ret >= 0 && scanf("%u", &nr) == 1; round++)
		ret = run(s, instance, nr, round);
	if (ret < 0)
		fprintf(stderr, "point_synth: %s\n", mlproxy_errmsg(s));
	mlproxy_close(s);
	return ret < 0;
}
