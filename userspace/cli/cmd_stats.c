// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy stats: the counters of a proxy, once or in intervals.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "value.h"

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static json_t *by_name(const __u64 *counts, unsigned int nr, const char *(*name)(uint32_t))
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < nr; i++)
		json_object_set_new(object, name(i), cli_uint(counts[i]));
	return object;
}

static json_t *by_action(const struct mlproxy_stats *stats,
			 const struct mlproxy_schema_desc *schema)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < schema->s.nr_actions; i++)
		json_object_set_new(object, schema->actions[i].name, cli_uint(stats->by_action[i]));
	return object;
}

/* Not a number without any. */
static double mean_reward(const struct mlproxy_stats *stats, unsigned int source)
{
	return stats->reward_count[source] ?
	       (double)stats->reward_sum[source] / stats->reward_count[source] : NAN;
}

static json_t *rewards_json(const struct mlproxy_stats *stats,
			    const struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_feature reward = value_reward(&schema->s);
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		json_t *one = json_pack("{s:o, s:o}", "count", cli_uint(stats->reward_count[i]),
					"sum", value_json(&reward, stats->reward_sum[i]));

		json_object_set_new(one, "mean", value_json_real(&reward, mean_reward(stats, i)));
		json_object_set_new(object, mlproxy_source_name(i), one);
	}
	return object;
}

static json_t *stats_json(const struct mlproxy_stats *stats,
			  const struct mlproxy_schema_desc *schema)
{
	json_t *recs = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
				 "drained", cli_uint(stats->rec_drained),
				 "accepted", cli_uint(stats->rec_accepted),
				 "rejected", cli_uint(stats->rec_rejected),
				 "hits", cli_uint(stats->rec_hits),
				 "expired", cli_uint(stats->rec_expired),
				 "evicted", cli_uint(stats->rec_evicted));

	json_t *pending = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
				    "deferred", cli_uint(stats->pending_deferred),
				    "resolved", cli_uint(stats->pending_resolved),
				    "expired", cli_uint(stats->pending_expired),
				    "evicted", cli_uint(stats->pending_evicted),
				    "missed", cli_uint(stats->pending_missed),
				    "lost_by_arm", by_name(stats->lost_by_arm, MLPROXY_NR_ARMS,
							   mlproxy_arm_name));
	json_t *latency = json_pack("{s:o, s:o}",
				    "samples", cli_uint(stats->latency_samples),
				    "over", cli_uint(stats->latency_over));

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:o}",
			 "proxy", schema->proxy,
			 "decisions", cli_uint(stats->decisions),
			 "by_source", by_name(stats->by_source, MLPROXY_NR_SOURCES,
					      mlproxy_source_name),
			 "by_mode", by_name(stats->by_mode, MLPROXY_NR_MODES, mlproxy_mode_name),
			 "by_action", by_action(stats, schema),
			 "by_arm", by_name(stats->by_arm, MLPROXY_NR_ARMS, mlproxy_arm_name),
			 "critical", cli_uint(stats->critical),
			 "feedbacks", cli_uint(stats->feedbacks),
			 "feedback_stale", cli_uint(stats->feedback_stale),
			 "rewards", rewards_json(stats, schema),
			 "recommendations", recs,
			 "events", cli_uint(stats->events),
			 "bad_calls", cli_uint(stats->bad_calls),
			 "refused", cli_uint(stats->refused),
			 "errors", cli_uint(stats->errors),
			 "bpf_calls", cli_uint(stats->bpf_calls),
			 "latency", latency,
			 "pending", pending);
}

static void print_count(const char *name, uint64_t count, uint64_t all)
{
	printf("  %-24s %14llu", name, (unsigned long long)count);
	if (all)
		printf("  %6.2f %%", 100.0 * count / all);
	putchar('\n');
}

static void print_rewards(const struct mlproxy_stats *stats,
			  const struct mlproxy_schema_desc *schema)
{
	const struct mlproxy_feature reward = value_reward(&schema->s);
	char text[VALUE_BYTES];
	unsigned int i;

	printf("%s, %s is better, mean by source (no interval: for a fair comparison record and\n"
	       "test)\n", reward.name, mlproxy_direction_name(schema->s.reward_direction));
	for (i = 0; i < MLPROXY_NR_SOURCES; i++) {
		if (!stats->reward_count[i])
			continue;
		printf("  %-24s %14s  of %llu\n", mlproxy_source_name(i),
		       value_text(text, sizeof(text), &reward, mean_reward(stats, i)),
		       (unsigned long long)stats->reward_count[i]);
	}
}

static void stats_text(const struct mlproxy_stats *stats,
		       const struct mlproxy_schema_desc *schema)
{
	unsigned int i;

	print_count("decisions", stats->decisions, 0);
	printf("by source\n");
	for (i = 0; i < MLPROXY_NR_SOURCES; i++)
		print_count(mlproxy_source_name(i), stats->by_source[i], stats->decisions);
	printf("by mode\n");
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		print_count(mlproxy_mode_name(i), stats->by_mode[i], stats->decisions);
	printf("by action\n");
	for (i = 0; i < schema->s.nr_actions; i++)
		print_count(schema->actions[i].name, stats->by_action[i], stats->decisions);
	printf("by arm\n");
	for (i = 0; i < MLPROXY_NR_ARMS; i++)
		print_count(mlproxy_arm_name(i), stats->by_arm[i], stats->decisions);
	if (stats->feedbacks)
		print_rewards(stats, schema);
	printf("other\n");
	print_count("critical", stats->critical, 0);
	print_count("feedback", stats->feedbacks, 0);
	print_count("feedback, stale", stats->feedback_stale, 0);
	print_count("events", stats->events, 0);
	print_count("bad calls", stats->bad_calls, 0);
	print_count("illegal actions", stats->refused, 0);
	print_count("failed actions", stats->errors, 0);
	print_count("eBPF calls", stats->bpf_calls, 0);
	print_count("timed", stats->latency_samples, 0);
	print_count("beyond the budget", stats->latency_over, 0);
	printf("recommendations\n");
	print_count("taken", stats->rec_drained, 0);
	print_count("accepted", stats->rec_accepted, 0);
	print_count("refused", stats->rec_rejected, 0);
	print_count("hits", stats->rec_hits, 0);
	print_count("expired", stats->rec_expired, 0);
	print_count("evicted", stats->rec_evicted, 0);
	if (!stats->pending_deferred && !stats->pending_missed)
		return;
	printf("delayed outcomes\n");
	print_count("deferred", stats->pending_deferred, 0);
	print_count("resolved", stats->pending_resolved, 0);
	print_count("expired", stats->pending_expired, 0);
	print_count("evicted", stats->pending_evicted, 0);
	print_count("missed", stats->pending_missed, 0);
	print_count("lost by the baseline's arm", stats->lost_by_arm[MLPROXY_ARM_BASELINE], 0);
	print_count("lost by the model's arm", stats->lost_by_arm[MLPROXY_ARM_MODEL], 0);
}

static int print_once(const struct cli *cli, struct mlproxy_session *s,
		      const struct mlproxy_schema_desc *schema)
{
	struct mlproxy_stats stats;
	int ret;

	ret = mlproxy_get_stats(s, &stats);
	if (ret)
		return cli_fail(s, ret);
	if (cli->json)
		return cli_print_json(stats_json(&stats, schema));
	stats_text(&stats, schema);
	fflush(stdout);
	return CLI_OK;
}

static int print_repeatedly(const struct cli *cli, struct mlproxy_session *s,
			    const struct mlproxy_schema_desc *schema, uint64_t interval_ns)
{
	const struct timespec pause = {
		.tv_sec = interval_ns / 1000000000,
		.tv_nsec = interval_ns % 1000000000,
	};
	const struct sigaction sa = { .sa_handler = on_signal };
	int ret;

	if (!interval_ns)
		return print_once(cli, s, schema);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	do {
		ret = print_once(cli, s, schema);
		if (ret == CLI_OK && !stopped)
			nanosleep(&pause, NULL);
		if (!cli->json && !stopped)
			putchar('\n');
	} while (ret == CLI_OK && !stopped);
	return ret;
}

static int print_stats(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct mlproxy_schema_desc *schema;
	const uint64_t *interval_ns = arg;
	int ret;

	ret = mlproxy_schema_get(s, &schema);
	if (ret)
		return cli_fail(s, ret);
	ret = print_repeatedly(cli, s, schema, *interval_ns);
	mlproxy_schema_free(schema);
	return ret;
}

static int stats(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ 0 }
	};
	uint64_t interval_ns = 0;
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "i:", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		if (parse_ns(optarg, "s", &interval_ns) || !interval_ns)
			return cli_usage(cli, "'%s' is no interval: 2 or 500ms are", optarg);
	}
	ret = cli_check_operands(cli, argc, argv, 1, 1);
	if (ret)
		return ret;
	return cli_run(cli, argv[optind], CLI_READ, print_stats, &interval_ns);
}

const struct cli_verb verb_stats = {
	.name = "stats",
	.fn = stats,
	.summary = "print the counters of a proxy",
	.synopsis = "PROXY [-i INTERVAL]",
	.help = "Decisions by source, mode and action, rewards, recommendations, and what went\n"
		"wrong, since the proxy was initialised.\n"
		"\n"
		"  -i, --interval=TIME  print again after that time (2, 500ms), until interrupted\n"
		"\n"
		"Example:\n"
		"  mlproxy stats synth -i 2\n",
};
