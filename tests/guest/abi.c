// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-test: timeout=120
 *
 * A program built against today's headers, through libmlproxy: everything that it reads
 * has the meaning it had when it was compiled. scripts/lib/abi-grown.sh runs the same
 * binary on a kernel whose enums and structures have grown since.
 */
#include "util.h"

#include <stdlib.h>
#include <string.h>

#include <mlproxy/mlproxy.h>

#define RUN 300

static struct mlproxy_session *s;
static uint64_t decisions, feedbacks, sum_features, last_id;

static void begin(void)
{
	ASSERT_RET(mlproxy_open(&s, NULL, 0), 0);
	ASSERT_RET(mlproxy_bind(s, "synth"), 0);
	mlproxy_control(s, MLPROXY_CTL_STOP, NULL);
	ASSERT_RET(mlproxy_control(s, MLPROXY_CTL_REINIT, NULL), 0);
}

/* Entries of a stride that is ours, whatever the kernel's is. */
static void list(void)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr, i, found = 0;

	begin();
	ASSERT_RET(mlproxy_get_list(s, &entries, &nr), 0);
	for (i = 0; i < nr; i++) {
		EXPECT(entries[i].id && strlen(entries[i].name) > 2, "(%s)", entries[i].name);
		EXPECT(entries[i].nr_features && entries[i].nr_actions > 1);
		found += !strcmp(entries[i].name, "synth") && entries[i].nr_features == 3 &&
			 entries[i].nr_actions == 4;
	}
	EXPECT_EQ(found, 1);
	free(entries);
	mlproxy_close(s);
}

static void schema(void)
{
	struct mlproxy_schema_desc *schema;

	begin();
	ASSERT_RET(mlproxy_schema_get(s, &schema), 0);
	ASSERT_EQ(schema->s.nr_features, 3);
	EXPECT(!strcmp(schema->features[0].name, "load"));
	EXPECT(!strcmp(schema->features[1].name, "size") && schema->features[1].max == 1 << 20);
	EXPECT(!strcmp(schema->features[2].name, "class"));
	EXPECT_EQ(schema->features[2].type, MLPROXY_TYPE_ENUM);
	ASSERT_EQ(schema->s.nr_actions, 4);
	EXPECT(!strcmp(schema->actions[3].name, "high") && schema->actions[3].value == 3);
	EXPECT_EQ(mlproxy_schema_feature(schema, "class"), 2);
	EXPECT_EQ(mlproxy_schema_action(schema, "middle"), 2);
	EXPECT(!strcmp(schema->s.reward_name, "score") && schema->s.reward_max == 2000);
	mlproxy_schema_free(schema);
	mlproxy_close(s);
}

static int note(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	const __s64 *x;

	(void)cpu;
	(void)arg;
	EXPECT_EQ(lost, 0);
	switch (rec->type) {
	case MLPROXY_REC_DECISION:
		x = mlproxy_rec_features(d);
		ASSERT_EQ(d->nr_features, 3);
		EXPECT(x[0] >= 0 && x[0] <= 255 && x[1] >= 1 && x[1] <= 1 << 20);
		EXPECT(x[2] >= 0 && x[2] <= 3);
		EXPECT_EQ(d->key, (uint64_t)x[0] << 2 | x[2]);
		EXPECT(d->action < 4 && d->baseline == 0 && d->allowed == 0xf);
		EXPECT_EQ(d->mode, MLPROXY_MODE_LEARNING);
		EXPECT_EQ(d->cluster, MLPROXY_CLUSTER_NONE);
		sum_features += x[0] + x[1] + x[2];
		last_id = d->id;
		decisions++;
		break;
	case MLPROXY_REC_FEEDBACK:
		EXPECT_EQ(f->id, last_id);
		EXPECT(f->reward >= -1000 && f->reward <= 2000 && f->action < 4);
		feedbacks++;
		break;
	}
	return 0;
}

static void records(void)
{
	struct mlproxy_ring_counts counts;

	begin();
	decisions = 0;
	feedbacks = 0;
	sum_features = 0;
	ASSERT_RET(mlproxy_ring_setup(s, NULL), 0);
	ASSERT_RET(mlproxy_control(s, MLPROXY_CTL_START, NULL), 0);
	ASSERT_RET(synth_run(RUN), 0);
	ASSERT(mlproxy_ring_consume(s, 0, note, NULL) >= 2 * RUN);
	EXPECT_EQ(decisions, RUN);
	EXPECT_EQ(feedbacks, RUN);
	EXPECT(sum_features > RUN);
	mlproxy_ring_get_counts(s, &counts);
	EXPECT_EQ(counts.malformed, 0);
	mlproxy_close(s);
}

static uint64_t sum(const __u64 *counters, uint32_t nr)
{
	uint64_t all = 0;

	while (nr--)
		all += counters[nr];
	return all;
}

static void counters(void)
{
	struct mlproxy_stats stats;

	begin();
	ASSERT_RET(mlproxy_control(s, MLPROXY_CTL_START, NULL), 0);
	ASSERT_RET(synth_run(RUN), 0);
	ASSERT_RET(mlproxy_get_stats(s, &stats), 0);
	EXPECT_EQ(stats.decisions, RUN);
	EXPECT_EQ(stats.feedbacks, RUN);
	EXPECT(stats.nr_sources >= MLPROXY_NR_SOURCES && stats.nr_modes >= MLPROXY_NR_MODES);
	EXPECT(stats.nr_arms >= MLPROXY_NR_ARMS && stats.nr_actions == 4);
	EXPECT_EQ(sum(stats.by_source, stats.nr_sources), RUN);
	EXPECT_EQ(stats.by_mode[MLPROXY_MODE_LEARNING], RUN);
	EXPECT_EQ(sum(stats.by_action, stats.nr_actions), RUN);
	EXPECT_EQ(sum(stats.reward_count, stats.nr_sources), RUN);
	EXPECT_EQ(stats.by_source[MLPROXY_SRC_BASELINE], stats.by_action[0]);
	mlproxy_close(s);
}

static void transitions(void)
{
	struct mlproxy_transition t[4];
	struct mlproxy_efficiency e;
	struct mlproxy_mode mode;
	unsigned int i;

	begin();
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		ASSERT_RET(mlproxy_mode_set(s, i), 0);
	ASSERT_RET(mlproxy_mode_get(s, &mode), 0);
	EXPECT_EQ(mode.mode, MLPROXY_MODE_RECOMMENDATION);
	EXPECT_EQ(mode.reason, MLPROXY_REASON_OPERATOR);
	ASSERT_EQ(mlproxy_efficiency_get(s, &e, t, ARRAY_SIZE(t)), 4);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(t[i].to, 3 - i);
		EXPECT_EQ(t[i].reason, MLPROXY_REASON_OPERATOR);
		EXPECT_EQ(t[i].evidence.low_q16, INT64_MIN);
	}
	EXPECT_EQ(e.evidence.verdict, MLPROXY_VERDICT_REWARD);
	EXPECT(e.evidence.nr_arms >= MLPROXY_NR_ARMS);
	EXPECT_EQ(e.evidence.n[MLPROXY_ARM_MODEL], 0);
	ASSERT_RET(mlproxy_mode_auto(s), 0);
	mlproxy_close(s);
}

static void requests(void)
{
	struct mlproxy_dataset d = {
		.max_decisions = 10, .nr_filters = 1,
		.filters = { { .feature = 2, .min = 1, .max = 2 } },
	};
	struct mlproxy_snapshot snapshot;

	begin();
	ASSERT_RET(mlproxy_ring_setup(s, NULL), 0);
	ASSERT_RET(mlproxy_dataset_request(s, &d), 0);
	EXPECT_EQ(d.state, MLPROXY_DATASET_ACTIVE);
	ASSERT_RET(mlproxy_control(s, MLPROXY_CTL_START, NULL), 0);
	ASSERT_RET(synth_run(RUN), 0);
	ASSERT_RET(mlproxy_dataset_get(s, &d), 0);
	EXPECT_EQ(d.state, MLPROXY_DATASET_COMPLETE);
	EXPECT_EQ(d.decisions, 10);
	EXPECT(d.filtered > 0);
	ASSERT_RET(mlproxy_snapshot(s, &snapshot), 0);
	EXPECT(snapshot.nr > 0 && snapshot.health < MLPROXY_NR_HEALTH);
	mlproxy_close(s);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(list),
	KTAP_TEST(schema),
	KTAP_TEST(records),
	KTAP_TEST(counters),
	KTAP_TEST(transitions),
	KTAP_TEST(requests),
};

KTAP_MAIN(tests)
