// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fixed-point models in the bandit's world; see fixed.h.
 */
#include "../unit.h"
#include "bandit.h"
#include "fixed.h"

void fixed_verify(const void *file, size_t len, const struct mlds_schema *s,
		  struct model *model)
{
	struct mlp_limits limits = { s->schema.schema_hash, s->schema.nr_features,
				     s->schema.nr_actions, s->schema.max_macs };
	struct mlp_report report;

	if (model_verify(file, len, &limits, model, &report))
		fail_msg("%s", report.text);
}

double fixed_best_share(const struct model *model, uint32_t omit)
{
	int32_t out[BANDIT_ACTIONS];
	int64_t f[BANDIT_FEATURES];
	int best = 0, counted = 0;
	uint64_t state = 777;

	for (int i = 0; i < 20000; i++) {
		uint32_t want;

		bandit_context(&state, f);
		want = bandit_best(f);
		if (omit >> want & 1)
			continue;
		model_eval(model, f, out);
		best += model_choose(model, out, 0, 0xf & ~omit) == want;
		counted++;
	}
	return (double)best / counted;
}
