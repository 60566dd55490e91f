// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joining feedback to decisions: both orders, bounded memory, and a random run
 * beside a plain list that does the same slowly.
 */
#include "unit.h"

#include <errno.h>

#include <mlproxy/mlproxy.h>

#include "rng.h"

union record {
	struct mlproxy_rec_hdr hdr;
	struct mlproxy_rec_decision decision;
	struct mlproxy_rec_feedback feedback;
	unsigned char bytes[MLPROXY_REC_MAX_BYTES];
	uint64_t align;
};

static union record decision_of(uint64_t id, unsigned int nr_features)
{
	union record rec = { 0 };
	int64_t *features;
	unsigned int i;

	rec.decision.hdr.type = MLPROXY_REC_DECISION;
	rec.decision.hdr.len = sizeof(rec.decision) + nr_features * 8;
	rec.decision.hdr.time_ns = 10 * id;
	rec.decision.id = id;
	rec.decision.features_offset = sizeof(rec.decision);
	rec.decision.nr_features = nr_features;
	features = (int64_t *)(&rec.decision + 1);
	for (i = 0; i < nr_features; i++)
		features[i] = id * 100 + i;
	return rec;
}

static union record feedback_of(uint64_t id)
{
	union record rec = { 0 };

	rec.feedback.hdr.type = MLPROXY_REC_FEEDBACK;
	rec.feedback.hdr.len = sizeof(rec.feedback);
	rec.feedback.hdr.time_ns = 10 * id + 5;
	rec.feedback.id = id;
	rec.feedback.reward = -(int64_t)id;
	return rec;
}

static int add(struct mlproxy_join *j, union record rec, struct mlproxy_joined *out)
{
	static union record kept;

	/* the caller's record must be valid as long as the pair is used */
	kept = rec;
	return mlproxy_join_add(j, &kept.hdr, out);
}

static void assert_pair(const struct mlproxy_joined *pair, uint64_t id, unsigned int nr_features)
{
	const __s64 *features = mlproxy_rec_features(pair->decision);
	unsigned int i;

	assert_int_equal(pair->size, sizeof(*pair));
	assert_int_equal(pair->decision->id, id);
	assert_int_equal(pair->decision->nr_features, nr_features);
	for (i = 0; i < nr_features; i++)
		assert_int_equal(features[i], id * 100 + i);
	assert_int_equal(pair->feedback->id, id);
	assert_int_equal(pair->feedback->reward, -(int64_t)id);
}

static void both_orders(void **state)
{
	struct mlproxy_join_counts counts;
	struct mlproxy_joined pair;
	struct mlproxy_join *j;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 4, NULL, NULL), 0);
	assert_int_equal(add(j, decision_of(1, 3), &pair), 0);
	assert_int_equal(add(j, feedback_of(2), &pair), 0);
	assert_int_equal(add(j, feedback_of(1), &pair), 1);
	assert_pair(&pair, 1, 3);
	assert_int_equal(add(j, decision_of(2, 3), &pair), 1);
	assert_pair(&pair, 2, 3);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.matched, 2);
	assert_int_equal(counts.pending, 0);
	mlproxy_join_free(j);
}

/* No pair, but told in both orders, and not kept waiting. */
static void expired(void **state)
{
	struct mlproxy_join_counts counts;
	struct mlproxy_joined pair;
	struct mlproxy_join *j;
	union record gone = feedback_of(1);

	(void)state;
	gone.hdr.flags = MLPROXY_FEEDBACK_DEFERRED | MLPROXY_FEEDBACK_EXPIRED;
	assert_int_equal(mlproxy_join_new(&j, 4, NULL, NULL), 0);
	assert_int_equal(add(j, decision_of(1, 3), &pair), 0);
	assert_int_equal(add(j, gone, &pair), 2);
	assert_pair(&pair, 1, 3);
	gone.feedback.id = 2;
	assert_int_equal(add(j, gone, &pair), 0);
	assert_int_equal(add(j, decision_of(2, 3), &pair), 2);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.expired, 2);
	assert_int_equal(counts.matched, 0);
	assert_int_equal(counts.pending, 0);
	mlproxy_join_free(j);
}

static void other_records_are_ignored(void **state)
{
	union record rec = { .hdr = { .type = MLPROXY_REC_EVENT, .len = 32 } };
	struct mlproxy_join_counts counts;
	struct mlproxy_joined pair;
	struct mlproxy_join *j;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 1, NULL, NULL), 0);
	assert_int_equal(add(j, rec, &pair), 0);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.pending, 0);
	mlproxy_join_free(j);
}

static void duplicates(void **state)
{
	struct mlproxy_join_counts counts;
	struct mlproxy_joined pair;
	struct mlproxy_join *j;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 4, NULL, NULL), 0);
	add(j, decision_of(1, 0), &pair);
	assert_int_equal(add(j, decision_of(1, 0), &pair), 0);
	assert_int_equal(add(j, feedback_of(1), &pair), 1);
	assert_int_equal(add(j, feedback_of(1), &pair), 0);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.duplicates, 1);
	assert_int_equal(counts.pending, 1);
	mlproxy_join_free(j);
}

struct dropped {
	uint64_t ids[64];
	unsigned int nr;
};

static void note_drop(const struct mlproxy_rec_decision *decision, void *ctx)
{
	struct dropped *dropped = ctx;

	assert_true(dropped->nr < ARRAY_SIZE(dropped->ids));
	dropped->ids[dropped->nr++] = decision->id;
}

static void oldest_goes_first(void **state)
{
	struct mlproxy_join_counts counts;
	struct dropped dropped = { 0 };
	struct mlproxy_joined pair;
	struct mlproxy_join *j;
	uint64_t id;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 3, note_drop, &dropped), 0);
	for (id = 1; id <= 3; id++)
		add(j, decision_of(id, 2), &pair);
	assert_int_equal(add(j, feedback_of(2), &pair), 1);
	add(j, feedback_of(4), &pair);
	assert_int_equal(dropped.nr, 0);
	add(j, decision_of(5, 2), &pair);	/* drops 1 */
	add(j, decision_of(6, 2), &pair);	/* drops 3 */
	add(j, decision_of(7, 2), &pair);	/* drops feedback 4 */
	assert_int_equal(dropped.nr, 2);
	assert_int_equal(dropped.ids[0], 1);
	assert_int_equal(dropped.ids[1], 3);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.dropped_decisions, 2);
	assert_int_equal(counts.dropped_feedbacks, 1);
	assert_int_equal(counts.pending, 3);
	assert_int_equal(add(j, feedback_of(1), &pair), 0);
	mlproxy_join_free(j);
}

static void flush_by_time(void **state)
{
	struct mlproxy_join_counts counts;
	struct dropped dropped = { 0 };
	struct mlproxy_joined pair;
	struct mlproxy_join *j;
	uint64_t id;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 10, note_drop, &dropped), 0);
	for (id = 1; id <= 6; id++)
		add(j, decision_of(id, 1), &pair);
	mlproxy_join_flush(j, 30);
	assert_int_equal(dropped.nr, 2);
	mlproxy_join_flush(j, UINT64_MAX);
	assert_int_equal(dropped.nr, 6);
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.pending, 0);
	mlproxy_join_flush(j, UINT64_MAX);
	mlproxy_join_free(j);
}

static void longer_decisions(void **state)
{
	struct mlproxy_joined pair;
	struct mlproxy_join *j;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 8, NULL, NULL), 0);
	add(j, decision_of(1, 0), &pair);
	add(j, decision_of(2, 4), &pair);
	add(j, decision_of(3, 32), &pair);
	assert_int_equal(add(j, feedback_of(2), &pair), 1);
	assert_pair(&pair, 2, 4);
	assert_int_equal(add(j, feedback_of(3), &pair), 1);
	assert_pair(&pair, 3, 32);
	assert_int_equal(add(j, feedback_of(1), &pair), 1);
	assert_pair(&pair, 1, 0);
	mlproxy_join_free(j);
}

static void bad_sizes(void **state)
{
	struct mlproxy_join *j;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, 0, NULL, NULL), -EINVAL);
	assert_null(j);
	assert_int_equal(mlproxy_join_new(&j, (1U << 24) + 1, NULL, NULL), -EINVAL);
	mlproxy_join_free(NULL);
}

/* The table, as a list: position 0 is the oldest. */
struct model {
	struct {
		uint64_t id;
		int type;
	} waits[64];
	unsigned int nr;
	struct mlproxy_join_counts counts;
};

static void model_remove(struct model *m, unsigned int i)
{
	memmove(&m->waits[i], &m->waits[i + 1], (m->nr - i - 1) * sizeof(m->waits[0]));
	m->nr--;
}

static int model_add(struct model *m, unsigned int room, uint64_t id, int type)
{
	unsigned int i;

	for (i = 0; i < m->nr && m->waits[i].id != id; i++)
		;
	if (i < m->nr && m->waits[i].type == type) {
		m->counts.duplicates++;
		return 0;
	}
	if (i < m->nr) {
		model_remove(m, i);
		m->counts.matched++;
		return 1;
	}
	if (m->nr == room) {
		if (m->waits[0].type == MLPROXY_REC_DECISION)
			m->counts.dropped_decisions++;
		else
			m->counts.dropped_feedbacks++;
		model_remove(m, 0);
	}
	m->waits[m->nr].id = id;
	m->waits[m->nr++].type = type;
	return 0;
}

static void same_as_a_list(void **state)
{
	const unsigned int room = 37;
	struct mlproxy_join_counts counts;
	struct rng rng = rng_seed(7);
	struct model model = { 0 };
	struct mlproxy_joined pair;
	struct mlproxy_join *j;
	unsigned int i;

	(void)state;
	assert_int_equal(mlproxy_join_new(&j, room, NULL, NULL), 0);
	for (i = 0; i < 50000; i++) {
		int type = rng_below(&rng, 2) ? MLPROXY_REC_DECISION : MLPROXY_REC_FEEDBACK;
		uint64_t id = 1 + i / 100 + rng_below(&rng, 60);
		int want = model_add(&model, room, id, type);

		assert_int_equal(add(j, type == MLPROXY_REC_DECISION ? decision_of(id, id % 5) :
				     feedback_of(id), &pair), want);
		if (want)
			assert_pair(&pair, id, id % 5);
	}
	mlproxy_join_get_counts(j, &counts);
	assert_int_equal(counts.matched, model.counts.matched);
	assert_int_equal(counts.duplicates, model.counts.duplicates);
	assert_int_equal(counts.dropped_decisions, model.counts.dropped_decisions);
	assert_int_equal(counts.dropped_feedbacks, model.counts.dropped_feedbacks);
	assert_int_equal(counts.pending, model.nr);
	assert_true(counts.matched > 1000 && counts.dropped_decisions > 100);
	mlproxy_join_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_orders),
		cmocka_unit_test(expired),
		cmocka_unit_test(other_records_are_ignored),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(oldest_goes_first),
		cmocka_unit_test(flush_by_time),
		cmocka_unit_test(longer_decisions),
		cmocka_unit_test(bad_sizes),
		cmocka_unit_test(same_as_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
