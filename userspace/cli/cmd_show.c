// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy show: state, mode, models and main counters of one proxy.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "evidence.h"

/**
 * struct facts - all that show prints
 * @entry: entry of the list
 * @shown: name of the instance that @mode is of; empty where it is that of @entry
 * @mode: mode
 * @share: model's share, by mode
 * @explore: share of exploration, by mode
 * @window_ns: length of a switchback window
 * @models: model slots
 * @stats: counters
 * @m: what it is judged by
 * @nr_strata: contexts that outcomes are compared in
 */
struct facts {
	struct mlproxy_list_entry entry;
	char shown[MLPROXY_NAME_LEN];
	struct mlproxy_mode mode;
	uint64_t share[MLPROXY_NR_MODES];
	uint64_t explore[MLPROXY_NR_MODES];
	uint64_t window_ns;
	struct mlproxy_model_info models;
	struct mlproxy_stats stats;
	struct measures m;
	uint32_t nr_strata;
};

static int ask_schema(struct mlproxy_session *s, struct facts *facts)
{
	struct mlproxy_schema_desc *schema;
	int ret = mlproxy_schema_get(s, &schema);

	if (ret)
		return ret;
	facts->m = measures_of(&schema->s);
	facts->nr_strata = schema->s.nr_strata;
	mlproxy_schema_free(schema);
	return 0;
}

static int collect(struct mlproxy_session *s, struct facts *facts)
{
	unsigned int mode;
	int ret;

	memset(facts, 0, sizeof(*facts));
	ret = cli_entry(s, &facts->entry);
	if (!ret)
		ret = mlproxy_mode_get(s, &facts->mode);
	if (!ret && !facts->entry.instance)
		ret = cli_instance_name(s, facts->mode.instance, facts->shown);
	for (mode = 0; mode < MLPROXY_NR_MODES && !ret; mode++) {
		ret = mlproxy_param_get(s, MLPROXY_PARAM_SHARE, mode, &facts->share[mode]);
		if (!ret)
			ret = mlproxy_param_get(s, MLPROXY_PARAM_EXPLORE, mode,
						&facts->explore[mode]);
	}
	if (!ret)
		ret = mlproxy_param_get(s, MLPROXY_PARAM_WINDOW_NS, 0, &facts->window_ns);
	if (!ret)
		ret = mlproxy_model_get_info(s, &facts->models);
	if (!ret)
		ret = mlproxy_get_stats(s, &facts->stats);
	return ret ? ret : ask_schema(s, facts);
}

/* 0 is from a kernel that has one kind only. */
static const char *kind_name(uint32_t kind)
{
	return kind == MLPROXY_MODEL_KIND_TREES ? "trees" : "mlp";
}

static json_t *model_json(uint32_t version, uint32_t kind, uint32_t macs, uint32_t bytes,
			  const char *name)
{
	if (!version)
		return json_null();
	return json_pack("{s:i, s:s, s:s, s:i, s:i}", "version", (int)version, "name", name,
			 "kind", kind_name(kind), "macs", (int)macs, "bytes", (int)bytes);
}

static json_t *shares_json(const uint64_t *shares)
{
	json_t *object = json_object();
	unsigned int mode;

	for (mode = 0; mode < MLPROXY_NR_MODES; mode++)
		json_object_set_new(object, mlproxy_mode_name(mode),
				    json_real((double)shares[mode] / MLPROXY_SHARE_ONE));
	return object;
}

/* By verdict, what is measured; the outer experiment's is cost for work. */
static json_t *judged_by_json(const struct measures *m)
{
	json_t *object = json_object();

	json_object_set_new(object, "reward", json_string(m->reward.name));
	json_object_set_new(object, "ledger",
			    *m->ledger.name ? json_string(m->ledger.name) : json_null());
	json_object_set_new(object, "outer",
			    *m->cost.name ? json_sprintf("%s for %s", m->cost.name,
							 m->work.name) : json_null());
	return object;
}

static int print_json(const struct facts *facts)
{
	const struct mlproxy_model_info *m = &facts->models;

	return cli_print_json(json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:i, s:i, s:i, s:s}",
		"name", facts->entry.name,
		"id", (int)facts->entry.id,
		"state", mlproxy_state_name(facts->entry.state),
		"mode", mlproxy_mode_name(facts->mode.mode),
		"mode_reason", mlproxy_mode_reason_name(facts->mode.reason),
		"mode_since_ns", cli_uint(facts->mode.since_ns),
		"mode_changes", cli_uint(facts->mode.changes),
		"schema_version", (int)facts->entry.schema_version,
		"features", (int)facts->entry.nr_features,
		"actions", (int)facts->entry.nr_actions,
		"share", shares_json(facts->share),
		"explore", shares_json(facts->explore),
		"window_ns", cli_uint(facts->window_ns),
		"active", model_json(m->active_version, m->active_kind, m->active_macs,
				     m->active_bytes, m->active_name),
		"standby", model_json(m->standby_version, m->standby_kind, m->standby_macs,
				      m->standby_bytes, m->standby_name),
		"decisions", cli_uint(facts->stats.decisions),
		"feedbacks", cli_uint(facts->stats.feedbacks),
		"judged_by", judged_by_json(&facts->m), "strata", (int)facts->nr_strata,
		"instance", (int)facts->entry.instance,
		"instances", (int)facts->entry.nr_instances,
		"mode_of", *facts->shown ? facts->shown : facts->entry.name));
}

static void print_model(const char *slot, uint32_t version, uint32_t kind, uint32_t macs,
			uint32_t bytes, const char *name)
{
	if (version)
		printf("%-10s version %u, '%s' (%s), %u multiply-accumulates, %u bytes\n", slot,
		       version, name, kind_name(kind), macs, bytes);
	else
		printf("%-10s no model\n", slot);
}

static void print_measures(const struct facts *facts)
{
	const struct measures *m = &facts->m;

	printf("%-10s %s", "judged by", m->reward.name);
	if (*m->ledger.name)
		printf(", the ledger %s", m->ledger.name);
	if (*m->cost.name)
		printf(", and what the system pays: %s for %s", m->cost.name, m->work.name);
	if (facts->nr_strata > 1)
		printf("; within %u contexts", facts->nr_strata);
	putchar('\n');
}

static int print_text(const struct facts *facts)
{
	const struct mlproxy_model_info *m = &facts->models;
	unsigned int mode;

	printf("%s (id %u): %s\n", facts->entry.name, facts->entry.id,
	       mlproxy_state_name(facts->entry.state));
	if (*facts->shown)
		printf("%-10s %u; the lowest mode is that of %s\n", "instances",
		       facts->entry.nr_instances, facts->shown);
	printf("%-10s %s for %.0f s (reason %s, %llu changes)\n", "mode",
	       mlproxy_mode_name(facts->mode.mode), clock_seconds_since(facts->mode.since_ns),
	       mlproxy_mode_reason_name(facts->mode.reason),
	       (unsigned long long)facts->mode.changes);
	for (mode = 1; mode < MLPROXY_NR_MODES; mode++)
		printf("%-10s %-15s model %.4f, explore %.4f\n", mode == 1 ? "shares" : "",
		       mlproxy_mode_name(mode), (double)facts->share[mode] / MLPROXY_SHARE_ONE,
		       (double)facts->explore[mode] / MLPROXY_SHARE_ONE);
	print_model("active", m->active_version, m->active_kind, m->active_macs, m->active_bytes,
		    m->active_name);
	print_model("standby", m->standby_version, m->standby_kind, m->standby_macs,
		    m->standby_bytes, m->standby_name);
	printf("%-10s version %u, %u features, %u actions\n", "schema",
	       facts->entry.schema_version, facts->entry.nr_features, facts->entry.nr_actions);
	print_measures(facts);
	printf("%-10s %llu decisions, %llu outcomes\n", "counted",
	       (unsigned long long)facts->stats.decisions,
	       (unsigned long long)facts->stats.feedbacks);
	return CLI_OK;
}

static int print_facts(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct facts facts;
	int ret;

	(void)arg;
	ret = collect(s, &facts);
	if (ret)
		return cli_fail(s, ret);
	return cli->json ? print_json(&facts) : print_text(&facts);
}

static int show(struct cli *cli, int argc, char **argv)
{
	char **operands;
	int ret;

	operands = cli_operands(cli, argc, argv, 1, 1, &ret);
	return operands ? cli_run(cli, operands[0], CLI_READ, print_facts, NULL) : ret;
}

const struct cli_verb verb_show = {
	.name = "show",
	.fn = show,
	.summary = "state, mode, shares and models of a proxy",
	.synopsis = "PROXY",
	.help = "Prints what one proxy is doing now, in a few lines. 'mlproxy stats' has the\n"
		"counters, 'mlproxy schema' what it decides on. Of a proxy with instances these are\n"
		"sums, and the lowest of their modes.\n"
		"\n"
		"Example:\n"
		"  mlproxy show synth\n",
};
