// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy tool: reports of training, off-policy tests and quantisation, as text
 * and as JSON.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "learn_report.h"
#include "value.h"

int cli_parse_double(const char *text, double min, double max, double *value)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (end == text || *end || errno || !(v >= min && v <= max))
		return -EINVAL;
	*value = v;
	return 0;
}

int cli_load_data(const struct cli *cli, char **paths, int nr, struct mlds_data *data)
{
	if (mlds_load(data, (const char *const *)paths, nr))
		return cli_error("%s", mlds_error());
	if (data->orphans || data->duplicates || data->invalid || cli->verbose)
		fprintf(stderr,
			"mlproxy: of %llu decisions %llu have no outcome, %llu are not legal; %llu outcomes without decision, %llu twice\n",
			(unsigned long long)data->counts.decisions,
			(unsigned long long)data->no_feedback, (unsigned long long)data->invalid,
			(unsigned long long)data->orphans, (unsigned long long)data->duplicates);
	if (data->n)
		return CLI_OK;
	mlds_free(data);
	return cli_error("no decision with an outcome in the data set: record while the proxy runs and its subsystem is in use");
}

bool cli_is_mlp(const char *path)
{
	FILE *f = fopen(path, "re");
	uint32_t magic = 0;
	bool is;

	if (!f)
		return false;
	is = fread(&magic, sizeof(magic), 1, f) == 1 && magic == MLPROXY_MODEL_MAGIC;
	fclose(f);
	return is;
}

static void print_estimate(const struct mltrain_estimate *e, const struct mlproxy_feature *reward)
{
	double value = value_number(reward, e->value);
	double half = value_number(reward, e->high - e->value);

	if (!isfinite(value))
		printf("  %10s %-9s", "-", "");
	else if (!isfinite(half))
		printf("  %10.5g %-9s", value, "");
	else
		printf("  %10.5g ±%-8.3g", value, half);
}

static const char *verdict(const struct mltrain_policy *p)
{
	if (p->gain.low > 0)
		return "better than the kernel's own choice, with 95 % confidence";
	if (p->gain.high < 0)
		return "worse than the kernel's own choice, with 95 % confidence";
	return "not to be told from the kernel's own choice: record more, or train otherwise";
}

void cli_print_test(const struct mltrain_test *t, const struct mlds_schema *schema,
		    const char *rows_are)
{
	const struct mlproxy_schema *s = &schema->schema;
	const struct mlproxy_feature reward = value_reward(s);
	uint32_t i;

	printf("Off-policy test on %zu %s; 95 %% intervals over %zu clusters (%s)\n",
	       t->rows, rows_are, t->clusters, t->cluster_by);
	printf("%s%s%s, %s is better; gain: doubly robust, over the baseline, positive is better\n\n",
	       s->reward_name, s->reward_unit[0] ? " in " : "", s->reward_unit,
	       s->reward_direction == MLPROXY_REWARD_LOWER ? "lower" : "higher");
	printf("%-24s  %-20s  %-20s  %-20s  %-20s %8s %8s\n", "policy", "      IPS",
	       "      self-norm. IPS", "      doubly robust", "      gain", "ESS", "deviates");
	for (i = 0; i < t->nr; i++) {
		const struct mltrain_policy *p = &t->policy[i];

		printf("%-24.24s", p->name);
		print_estimate(&p->ips, &reward);
		print_estimate(&p->snips, &reward);
		print_estimate(&p->dr, &reward);
		print_estimate(&p->gain, &reward);
		printf(" %8.0f %7.1f%%\n", p->ess, 100 * p->deviates);
	}
	printf("\n");
	for (i = 0; i < t->nr && !strncmp(t->policy[i].name, "model", 5); i++)
		printf("%s: %s\n", t->policy[i].name, verdict(&t->policy[i]));
}

/* JSON has no infinity. */
static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *json_estimate(const struct mltrain_estimate *e,
			     const struct mlproxy_feature *reward)
{
	return json_pack("{s:o, s:o, s:o}", "value", value_json_real(reward, e->value),
			 "low", value_json_real(reward, e->low),
			 "high", value_json_real(reward, e->high));
}

json_t *cli_json_test(const struct mltrain_test *t, const struct mlds_schema *schema)
{
	const struct mlproxy_schema *s = &schema->schema;
	const struct mlproxy_feature reward = value_reward(s);
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < t->nr; i++) {
		const struct mltrain_policy *p = &t->policy[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", p->name,
			"ips", json_estimate(&p->ips, &reward), "snips", json_estimate(&p->snips, &reward),
			"dr", json_estimate(&p->dr, &reward), "gain", json_estimate(&p->gain, &reward),
			"ess", number(p->ess), "deviates", number(p->deviates)));
	}
	return json_pack("{s:o, s:o, s:s, s:s, s:s, s:b, s:o}", "rows", cli_uint(t->rows),
			 "clusters", cli_uint(t->clusters), "cluster_by", t->cluster_by,
			 "reward", s->reward_name, "unit", s->reward_unit, "lower_is_better",
			 s->reward_direction == MLPROXY_REWARD_LOWER, "policies", list);
}

void cli_print_quant(const struct mltrain_quant_report *r, const struct mlds_schema *schema)
{
	const struct mlproxy_feature reward = value_reward(&schema->schema);

	printf("Quantised: %u multiply-accumulates of %u allowed, %zu bytes\n", r->macs,
	       schema->schema.max_macs, r->bytes);
	printf("On %zu calibration rows: score RMSE %.4f standard deviations (%.4g %s), same action in %.2f %%\n",
	       r->rows, r->rmse, value_number(&reward, r->rmse_reward),
	       schema->schema.reward_unit[0] ? schema->schema.reward_unit :
					       schema->schema.reward_name,
	       100 * r->agreement);
}

json_t *cli_json_quant(const struct mltrain_quant_report *r)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:i}", "rows", cli_uint(r->rows),
			 "rmse", number(r->rmse), "rmse_reward", number(r->rmse_reward),
			 "agreement", number(r->agreement), "macs", (int)r->macs, "bytes",
			 cli_uint(r->bytes), "margin", (int)r->margin);
}
