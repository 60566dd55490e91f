// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy report: all figures of a run; see report.h. */
#include <stdlib.h>

#include "data.h"
#include "report.h"
#include "versions.h"

static void scale_stat(const struct mlproxy_feature *reward, struct report_stat *stat)
{
	stat->mean = value_number(reward, stat->mean);
	stat->low = value_number(reward, stat->low);
	stat->high = value_number(reward, stat->high);
}

static void scale_version(struct report *r, struct report_version *v)
{
	struct report_stat *const stats[] = {
		&v->realised, &v->realised_gain, &v->own, &v->before, &v->before_ips,
		&v->before_gain, &v->error, &v->abs_error,
	};
	size_t i;

	for (i = 0; i < sizeof(stats) / sizeof(stats[0]); i++)
		scale_stat(&r->reward, stats[i]);
	for (i = 0; i < r->nr_bins; i++) {
		scale_stat(&r->reward, &v->error_bin[i]);
		scale_stat(&r->reward, &v->abs_error_bin[i]);
	}
}

/* Figures are made of the records' values, and written in the unit of the reward. */
static void scale_all(struct report *r)
{
	unsigned int arm;
	size_t i;

	for (i = 0; i < r->nr_bins; i++)
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			scale_stat(&r->reward, &r->bin[i].arm[arm]);
	for (i = 0; i < REPORT_NR_STRATA; i++) {
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			scale_stat(&r->reward, &r->stratum[i].arm[arm]);
		scale_stat(&r->reward, &r->stratum[i].gain);
	}
	for (i = 0; i < r->data.nr_actions; i++)
		scale_stat(&r->reward, &r->action[i].reward);
	for (i = 0; i < r->nr_versions; i++)
		scale_version(r, &r->version[i]);
	for (i = 0; i < r->nr_changes; i++) {
		struct mlds_change *c = &r->change[i].c;

		if (c->verdict != MLPROXY_VERDICT_REWARD)
			continue;
		c->gain = value_number(&r->reward, c->gain);
		c->low = value_number(&r->reward, c->low);
		c->high = value_number(&r->reward, c->high);
	}
}

int report_make(struct report *r, char **paths, int nr_paths, size_t nr_bins,
		const struct report_model *models, unsigned int nr_models)
{
	const char *const *files = (const char *const *)paths;
	int ret;

	r->nr_bins = nr_bins;
	if (mlds_load(&r->data, files, nr_paths) || mlds_load_log(&r->log, files, nr_paths))
		return cli_error("%s", mlds_error());
	r->m = measures_of(&r->data.schema.schema);
	r->reward = r->m.reward;
	ret = report_data(r);
	if (ret == CLI_OK)
		ret = report_versions(r, models, nr_models);
	if (ret == CLI_OK)
		scale_all(r);
	return ret;
}

void report_free(struct report *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_versions; i++) {
		free(r->version[i].error_bin);
		free(r->version[i].abs_error_bin);
	}
	free(r->bin);
	free(r->offset_s);
	free(r->start_ns);
	free(r->change);
	mlds_free(&r->data);
	mlds_log_free(&r->log);
}
