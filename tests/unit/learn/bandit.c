// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of mlproxy_synth in user space: see module/proxies/synth/synth.c.
 */
#include <stdlib.h>
#include <string.h>

#include "bandit.h"
#include "shared/mix64.h"
#include "unit_real.h"

double bandit_uniform(uint64_t *state)
{
	return unit_real(mix64_next(state));
}

void bandit_schema(struct mlds_schema *s, bool lower)
{
	static const struct mlproxy_feature features[BANDIT_FEATURES] = {
		{ .name = "load", .min = 0, .max = 255, .type = MLPROXY_TYPE_COUNT },
		{ .name = "size", .unit = "bytes", .min = 1, .max = 1 << 20,
		  .type = MLPROXY_TYPE_COUNT },
		{ .name = "class", .min = 0, .max = 3, .type = MLPROXY_TYPE_ENUM },
	};
	static const char * const names[BANDIT_ACTIONS] = { "none", "low", "middle", "high" };
	int i;

	memset(s, 0, sizeof(*s));
	strcpy(s->proxy, "bandit");
	s->schema.size = sizeof(s->schema);
	s->schema.nr_features = BANDIT_FEATURES;
	s->schema.nr_actions = BANDIT_ACTIONS;
	s->schema.schema_version = 1;
	s->schema.reward_direction = lower ? MLPROXY_REWARD_LOWER : MLPROXY_REWARD_HIGHER;
	s->schema.reward_min = -2000;
	s->schema.reward_max = 2000;
	strcpy(s->schema.reward_name, "score");
	s->schema.max_macs = 8192;
	s->schema.schema_hash = 0x0123456789abcdefULL + lower;
	memcpy(s->features, features, sizeof(features));
	for (i = 0; i < BANDIT_ACTIONS; i++) {
		strcpy(s->actions[i].name, names[i]);
		s->actions[i].value = i;
	}
}

void bandit_context(uint64_t *state, int64_t *f)
{
	f[0] = mix64_next(state) % 256;
	f[1] = 1LL << (mix64_next(state) % 21);
	f[2] = mix64_next(state) % 4;
}

uint32_t bandit_best(const int64_t *f)
{
	uint32_t a = f[0] < 64 ? 1 : f[0] < 160 ? 2 : 3;

	if (f[1] >= 1 << 12)
		a = 3 - a;
	return f[2] == 3 ? 0 : a;
}

double bandit_mean(const struct bandit *b, uint32_t action, const int64_t *f)
{
	int r = 1000 - 300 * abs((int)action - (int)bandit_best(f));

	return b->lower ? -r : r;
}

int64_t bandit_reward(const struct bandit *b, uint32_t action, const int64_t *f,
		      uint64_t *state)
{
	int64_t r = bandit_mean(b, action, f);

	if (b->noise)
		r += (int64_t)(mix64_next(state) % (2 * b->noise + 1)) - b->noise;
	return r;
}

/* Baseline 0; explore uniformly among the allowed. */
static void choose(const struct bandit *b, uint64_t *state, struct mlds_data *d, size_t i)
{
	uint32_t allowed = 0xf & ~b->omit, nr = __builtin_popcount(allowed), a = 0, pick;

	if (bandit_uniform(state) < b->explore) {
		pick = mix64_next(state) % nr;
		for (a = 0;; a++)
			if ((allowed >> a & 1) && !pick--)
				break;
	}
	d->action[i] = a;
	d->allowed[i] = allowed;
	d->prob[i] = b->explore / nr + (a ? 0 : 1 - b->explore);
}

int bandit_log(const struct bandit *b, size_t n, struct mlds_data *d)
{
	uint64_t state = b->seed;
	struct mlds_schema schema;
	size_t i;

	bandit_schema(&schema, b->lower);
	if (mlds_alloc(d, &schema, n))
		return -1;
	for (i = 0; i < n; i++) {
		int64_t *f = d->features + i * BANDIT_FEATURES;

		bandit_context(&state, f);
		d->id[i] = i + 1;
		d->key[i] = f[0] << 2 | f[2];
		d->time_ns[i] = 1000 * (i + 1);
		d->candidate[i] = 0xff;
		choose(b, &state, d, i);
		d->reward[i] = bandit_reward(b, d->action[i], f, &state);
	}
	return 0;
}

void bandit_records(const struct mlds_data *data, size_t i, struct bandit_decision *d,
		    struct mlproxy_rec_feedback *f)
{
	memset(d, 0, sizeof(*d));
	memset(f, 0, sizeof(*f));
	d->d.hdr.len = sizeof(*d);
	d->d.hdr.type = MLPROXY_REC_DECISION;
	d->d.hdr.time_ns = data->time_ns[i];
	d->d.id = data->id[i];
	d->d.key = data->key[i];
	d->d.prob_q31 = data->prob[i] * MLPROXY_PROB_ONE;
	d->d.allowed = data->allowed[i];
	d->d.baseline = data->baseline[i];
	d->d.action = data->action[i];
	d->d.source = data->source[i];
	d->d.candidate = data->candidate[i];
	d->d.features_offset = sizeof(d->d);
	d->d.nr_features = BANDIT_FEATURES;
	memcpy(d->features, data->features + i * BANDIT_FEATURES, sizeof(d->features));
	f->hdr.len = sizeof(*f);
	f->hdr.type = MLPROXY_REC_FEEDBACK;
	f->hdr.time_ns = data->time_ns[i] + 10;
	f->id = data->id[i];
	f->reward = data->reward[i];
	f->action = data->action[i];
}
