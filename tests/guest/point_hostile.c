// SPDX-License-Identifier: GPL-2.0-only
/*
 * A daemon that lies: descriptions that are wrong in one place, or at random; decisions of
 * others, of before, of nobody; outcomes told twice; memory that is not there; more of
 * everything than a user may have.
 *
 * guest-test: timeout=300 modules=mlproxy
 */
#include <grp.h>
#include <pthread.h>
#include <sys/stat.h>

#include "rng.h"
#include "util_point.h"

#define NAME "daemon"
#define PROXY POINT(NAME)
#define START MLPROXY_POINT_F_START
#define USER 65534

/* ------------------------------------------------------------------ */
/* Descriptions                                                        */

/* What a description points to, for one that may be spoiled. */
static struct {
	struct mlproxy_point cmd;
	struct mlproxy_feature features[2], states[1];
	struct mlproxy_action actions[2];
	struct mlproxy_event_desc events[2];
	struct mlproxy_stratum strata[2];
} d;

static void good(void)
{
	memset(&d, 0, sizeof(d));
	d.cmd = point_desc(NAME, 0);
	d.cmd.features = (uintptr_t)d.features;
	d.cmd.actions = (uintptr_t)d.actions;
	d.cmd.nr_actions = ARRAY_SIZE(d.actions);
	d.cmd.states = (uintptr_t)d.states;
	d.cmd.nr_states = ARRAY_SIZE(d.states);
	d.cmd.events = (uintptr_t)d.events;
	d.cmd.strata = (uintptr_t)d.strata;
	d.cmd.nr_strata = ARRAY_SIZE(d.strata);
	d.cmd.stratum_size = sizeof(*d.strata);
	strcpy(d.features[0].name, "a");
	strcpy(d.features[1].name, "b");
	strcpy(d.features[1].unit, "-log2 ns");
	strcpy(d.actions[0].name, "off");
	strcpy(d.actions[1].name, "on");
	strcpy(d.states[0].name, "s");
	strcpy(d.events[0].name, "e");
	strcpy(d.events[1].name, "f");
	strcpy(d.strata[0].name, "x");
	strcpy(d.strata[1].name, "y");
	strcpy(d.cmd.ledger_name, "saved");
	strcpy(d.cmd.ledger_unit, "us");
	d.cmd.outer_unit = MLPROXY_OUTER_WINDOW;
	strcpy(d.cmd.cost_name, "stalled");
	strcpy(d.cmd.work_name, "time");
}

/* A register call of what is in @d. */
static int try_register(void)
{
	int fd = dev_open(O_RDWR), ret = point_register(fd, &d.cmd);

	close(fd);
	return ret;
}

/* What is wrong is refused, and the words say what. */
#define WRONG(what, text_has) ({						\
	int __ret;								\
	good();									\
	what;									\
	__ret = try_register();							\
	EXPECT(__ret == -EBADMSG && strstr(d.cmd.text, text_has),		\
	       "(%s: %d, \"%.128s\")", #what, __ret, d.cmd.text);		\
})
#define REFUSED(what, err) ({							\
	int __ret;								\
	good();									\
	what;									\
	__ret = try_register();							\
	EXPECT(__ret == (err), "(%s: %d)", #what, __ret);			\
})

#define FILL(array, with) memset(array, with, sizeof(array))

static void wrong_names(void)
{
	REFUSED((void)0, 0);
	WRONG(d.cmd.name[0] = 0, "the name");
	WRONG(FILL(d.cmd.name, 'n'), "the name");
	WRONG(strcpy(d.cmd.name, "a/b"), "the name");
	WRONG(strcpy(d.cmd.name, "a:b"), "the name");
	WRONG(strcpy(d.cmd.name, ".."), "the name");
	WRONG(strcpy(d.cmd.name, "a\n"), "the name");
	WRONG(strcpy(d.cmd.name, "a\xe4"), "the name");
	WRONG(strcpy(d.cmd.name, "27-characters-are-too-many-"), "the name");
	REFUSED(strcpy(d.cmd.name, "26-characters-are-not-many"), 0);
	WRONG(FILL(d.cmd.reward_name, 'r'), "reward: the name");
	WRONG(FILL(d.cmd.reward_unit, 'u'), "reward 'score': the unit");
	WRONG(strcpy(d.cmd.reward_unit, "a\033[2J"), "reward 'score': the unit");
	WRONG(FILL(d.features[1].name, 'f'), "feature 1: the name");
	WRONG(strcpy(d.features[1].name, "\xc3\xa4"), "feature 1: the name");
	WRONG(strcpy(d.features[1].name, "a"), "feature 1: feature 0 is called 'a'");
	WRONG(FILL(d.features[0].unit, 'u'), "feature 0: the unit");
	WRONG(strcpy(d.features[0].unit, "\x7f"), "feature 0: the unit");
	WRONG(d.actions[1].name[0] = 0, "action 1: the name");
	WRONG(strcpy(d.actions[1].name, "off"), "action 1: action 0 is called 'off'");
	WRONG(FILL(d.states[0].name, 's'), "state 0: the name");
	WRONG(FILL(d.events[1].name, 'e'), "event 1: the name");
	WRONG(strcpy(d.strata[1].name, "x"), "stratum 1: stratum 0");
	WRONG(FILL(d.cmd.ledger_name, 'l'), "ledger: the name");
	WRONG(FILL(d.cmd.ledger_unit, 'l'), "ledger 'saved': the unit");
	WRONG(d.cmd.cost_name[0] = 0, "cost: the name");
	WRONG(FILL(d.cmd.work_name, 'w'), "work: the name");
	WRONG(FILL(d.cmd.work_unit, 'w'), "work 'time': the unit");
}

static void wrong_numbers(void)
{
	WRONG(d.cmd.nr_features = 0, "1 to 32 features are needed, not 0");
	WRONG(d.cmd.nr_features = 33, "not 33");
	WRONG(d.cmd.nr_features = ~0U, "not 4294967295");
	WRONG(d.cmd.features = 0, "features are needed");
	WRONG(d.cmd.nr_actions = 1, "2 to 32 actions are needed, not 1");
	WRONG(d.cmd.nr_actions = 1U << 31, "actions are needed");
	WRONG(d.cmd.nr_states = 17, "up to 16 states");
	WRONG(d.cmd.states = 0, "up to 16 states");
	WRONG(d.cmd.nr_events = ~0U, "up to 16 events");
	WRONG(d.cmd.nr_strata = 9, "9 strata are more than 8");
	WRONG((d.cmd.nr_strata = 5, d.cmd.strata = 0, d.cmd.unit = 1), "5 strata are more than 4");
	WRONG(d.cmd.unit = MLPROXY_UNIT_WINDOW + 1, "unit of randomisation 3");
	WRONG(d.cmd.reward_type = MLPROXY_TYPE_ENUM, "reward: type");
	WRONG(d.cmd.reward_direction = 2, "reward: direction 2");
	WRONG(d.cmd.reward_min = 1001, "reward: 1001 to 1000");
	WRONG(d.cmd.reward_min = -(1LL << 31) - 1, "no range of 32 bits");
	WRONG(d.cmd.reward_max = 1LL << 31, "no range of 32 bits");
	WRONG(d.cmd.ledger_max = 1LL << 31, "ledger: 0 to 2147483648");
	WRONG(d.cmd.ledger_direction = 7, "ledger: direction 7");
	WRONG(d.features[0].min = 1, "feature 0: 1 to 0");
	WRONG(d.features[0].type = MLPROXY_NR_TYPES, "feature 0: type");
	WRONG(d.features[0].preprocess = MLPROXY_PRE_DELTA, "feature 0: preprocessing");
	WRONG(d.features[0].preprocess = MLPROXY_PRE_LOG2, "of type Q8");
	WRONG(d.states[0].preprocess = MLPROXY_NR_PRE, "state 0: preprocessing");
	WRONG(d.events[0].nr_values = 65, "event 0: 65 values");
	WRONG((d.events[0].nr_values = 5, d.events[0].period_ms = 1), "event 0: 5 values");
	WRONG(d.events[1].period_ms = ~0U, "event 1: a period");
	WRONG(d.cmd.trial_share = 32769, "trial_share 32769");
	WRONG(d.cmd.min_samples = 1, "min_samples 1");
	WRONG(d.cmd.ramp_ns = ~0ULL, "ramp_ns");
	WRONG(d.cmd.max_macs = 131073, "max_macs 131073");
	WRONG(d.cmd.table_entries = 65537, "table_entries");
	WRONG(d.cmd.pending_entries = MLPROXY_POINT_MAX_PENDING + 1, "pending_entries 4097");
	WRONG(d.cmd.pending_ns = 1, "pending_ns");
	WRONG(d.cmd.pending_ns = ~0ULL, "pending_ns");
	WRONG(d.cmd.outer_unit = 3, "unit 3 of the outer");
	WRONG(d.cmd.outer_hold_ns = 1, "outer_hold_ns");
	WRONG(d.cmd.outer_washout_ns = ~0ULL, "outer_washout_ns");
	REFUSED(d.cmd.feature_size = 0, -EINVAL);
	REFUSED(d.cmd.action_size = ~0U, -EINVAL);
	REFUSED(d.cmd.state_size = 71, -EINVAL);
	REFUSED(d.cmd.event_size = 4097, -EINVAL);
	REFUSED(d.cmd.stratum_size = 31, -EINVAL);
	REFUSED(d.cmd.features = 8, -EFAULT);
	REFUSED(d.cmd.actions = ~0xfffULL, -EFAULT);
	REFUSED(d.cmd.states = 1ULL << 63, -EFAULT);
	REFUSED(d.cmd.events = ~0ULL, -EFAULT);
	/* Not aligned is no harm. */
	REFUSED(memmove((char *)d.features + 1, d.features, sizeof(d.features) - 1);
		d.cmd.features = (uintptr_t)d.features + 1; d.cmd.nr_features = 1, 0);
}

/* Each byte anything: what is taken is a point, all else is told by one of these. */
static void random_bytes(void)
{
	const unsigned long rounds = scaled(600);
	static const int errors[] = { 0, EBADMSG, EINVAL, E2BIG, EFAULT };
	struct rng rng = rng_seed(77);
	uint64_t taken = 0;
	unsigned long i;
	unsigned int k;

	for (i = 0; i < rounds; i++) {
		uint8_t *bytes = (uint8_t *)&d;
		unsigned int nr = 1 + rng_below(&rng, 3);
		int ret;

		good();
		for (k = 0; k < nr; k++) {
			/* the head is for ioctl.c */
			size_t at = 8 + rng_below(&rng, sizeof(d) - 8);

			bytes[at] = rng_u64(&rng);
		}
		ret = try_register();
		for (k = 0; k < ARRAY_SIZE(errors) && ret != -errors[k]; k++)
			;
		EXPECT(k < ARRAY_SIZE(errors), "(round %lu: %d)", i, ret);
		taken += !ret;
	}
	EXPECT(taken && taken < rounds);
}

/* ------------------------------------------------------------------ */
/* Decisions and outcomes                                              */

static void wrong_decisions(void)
{
	static const int64_t context[2];
	const struct mlproxy_point_decide ok = {
		.size = sizeof(ok), .features = (uintptr_t)context, .nr_features = 2,
	};
	struct mlproxy_point_decide c;
	int fd = point_new(NAME, START), operator = dev_bound(PROXY);
	struct mlproxy_stats stats;

#define BAD(field, value, err) ({						\
	c = ok;									\
	c.field = value;							\
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_DECIDE, &c), err);		\
})
	BAD(key, 1, 0);
	BAD(nr_features, 1, -EINVAL);
	BAD(nr_features, 3, -EINVAL);
	BAD(nr_features, ~0U, -EINVAL);
	BAD(baseline, 4, -EINVAL);
	BAD(baseline, 32, -EINVAL);
	BAD(baseline, ~0U, -EINVAL);
	BAD(allowed, 0x10, -EINVAL);
	BAD(allowed, 0xe, -EINVAL);
	BAD(allowed, ~0U, -EINVAL);
	BAD(allowed, 0x1, 0);
	BAD(stratum, 1, -EINVAL);
	BAD(stratum, ~0U, -EINVAL);
	BAD(instance, 1, -ENOENT);
	BAD(instance, ~0U, -ENOENT);
	BAD(reserved, 1, -EINVAL);
	BAD(features, 0, -EFAULT);
	BAD(features, ~0ULL, -EFAULT);
	BAD(features, 1ULL << 63, -EFAULT);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.decisions, 2);
	EXPECT_EQ(stats.bad_calls, 0);
}

static void wrong_states(void)
{
	const uint32_t s = MLPROXY_POINT_STATE_F_SNAPSHOT, c = MLPROXY_POINT_STATE_F_CRITICAL;
	struct mlproxy_point_state cmd = { .size = sizeof(cmd), .flags = s };
	int fd = point_new(NAME, START);

	EXPECT_RET(point_state(fd, 0, 0, 0, 0), -EINVAL);
	EXPECT_RET(point_state(fd, s, MLPROXY_NR_HEALTH, 0, 0), -EINVAL);
	EXPECT_RET(point_state(fd, c, 0, 2, 0), -EINVAL);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd), -EINVAL);
	cmd.nr = ~0U;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd), -EINVAL);
	cmd.nr = 2;
	cmd.instance = 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd), -ENOENT);
	cmd.instance = 0;
	cmd.values[0] = INT64_MIN;
	cmd.values[1] = INT64_MAX;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd), 0);
	cmd.values[1] = INT64_MIN;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd), 0);
}

/* An id is good once, where it was made, until the point is stopped. */
static void foreign_ids(void)
{
	int fd = point_new(NAME, START), other = point_new("other", START);
	int operator = dev_bound(PROXY);
	uint64_t id = point_id(fd, 0), mine = point_id(other, 0), i;
	struct mlproxy_stats stats;

	/* The other's may have the same number; it stays its own. */
	if (id != mine)
		EXPECT_RET(point_feedback(other, 0, id, 1), -ENOENT);
	for (i = 0; i < 64; i++) {
		if (1ULL << i != id)
			EXPECT_RET(point_feedback(fd, 0, 1ULL << i, 1), -ENOENT);
		EXPECT_RET(point_feedback(fd, 0, id + 1 + i, 1), -ENOENT);
	}
	EXPECT_RET(point_feedback(fd, 0, 0, 1), -ENOENT);
	EXPECT_RET(point_feedback(fd, 0, ~0ULL, 1), -ENOENT);
	EXPECT_RET(point_feedback(fd, 7, id, 1), -ENOENT);
	EXPECT_RET(point_feedback(fd, 0, id, INT64_MIN), 0);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.reward_sum[MLPROXY_SRC_BASELINE], -1000);
	id = point_id(fd, 0);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_STOP), 0);
	EXPECT_RET(point_feedback(fd, 0, id, 1), -ENOENT);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_REINIT), 0);
	ASSERT_RET(dev_control(operator, MLPROXY_CTL_START), 0);
	EXPECT_RET(point_feedback(fd, 0, id, 1), -ENOENT);
	close(fd);
	fd = point_new(NAME, START);
	EXPECT_RET(point_feedback(fd, 0, id, 1), -ENOENT);
}

/* More than there is room for: the oldest give way, and none is lost uncounted. */
static void too_many_wait(void)
{
	struct mlproxy_point cmd = point_desc(NAME, START);
	int fd = dev_open(O_RDWR), operator;
	enum { NR = 500 };
	struct mlproxy_stats stats;
	static uint64_t ids[NR];
	unsigned int i, found = 0;

	cmd.pending_entries = 16;
	ASSERT_RET(point_register(fd, &cmd), 0);
	operator = dev_bound(PROXY);
	for (i = 0; i < NR; i++)
		ids[i] = point_id(fd, 0);
	EXPECT_RET(point_feedback(fd, 0, ids[0], 1), -ENOENT);
	for (i = 0; i < NR; i++)
		found += !point_feedback(fd, 0, ids[i], 1);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.pending_deferred, NR);
	EXPECT_EQ(stats.pending_resolved, found);
	EXPECT_EQ(stats.pending_evicted + stats.pending_expired, NR - found);
	EXPECT(found >= 8 && found <= 16);
}

static struct {
	int fd;
	uint64_t ids[2000];
	unsigned long taken;
} race;

static void *tell_all(void *arg)
{
	unsigned long i, taken = 0;

	pin_to(arg ? 1 : 0);
	for (i = 0; i < ARRAY_SIZE(race.ids); i++)
		taken += !point_feedback(race.fd, 0, race.ids[i], 1);
	__atomic_fetch_add(&race.taken, taken, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Two threads tell the same outcomes: one of them is taken. */
static void told_twice(void)
{
	struct mlproxy_point cmd = point_desc(NAME, START);
	struct mlproxy_stats stats;
	pthread_t threads[2];
	unsigned long i;
	int operator;

	race.fd = dev_open(O_RDWR);
	cmd.pending_entries = MLPROXY_POINT_MAX_PENDING;
	ASSERT_RET(point_register(race.fd, &cmd), 0);
	operator = dev_bound(PROXY);
	for (i = 0; i < ARRAY_SIZE(race.ids); i++)
		race.ids[i] = point_id(race.fd, 0);
	for (i = 0; i < 2; i++)
		ASSERT(!pthread_create(&threads[i], NULL, tell_all,
				       nr_cpus() > 1 ? (void *)i : NULL));
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	dev_stats(operator, &stats);
	EXPECT_EQ(stats.feedbacks, race.taken);
	EXPECT_EQ(race.taken + stats.pending_evicted, ARRAY_SIZE(race.ids));
}

/* ------------------------------------------------------------------ */
/* Rights and quota                                                    */

static void rights(void)
{
	struct mlproxy_point cmd = point_desc(NAME, START);
	struct mlproxy_point_decide decide;
	int fd = dev_open(O_RDONLY);

	EXPECT_RET(point_register(fd, &cmd), -EPERM);
	EXPECT_RET(point_decide(fd, 0, &decide), -EPERM);
	fd = dev_open(O_WRONLY);
	EXPECT_RET(point_register(fd, &cmd), 0);
	EXPECT(point_id(fd, 0));
}

static void become_user(void)
{
	gid_t group = USER;

	ASSERT(!chown(DEVICE, 0, USER) && !chmod(DEVICE, 0660), "(%m)");
	ASSERT(!setgroups(1, &group) && !setgid(USER) && !setuid(USER), "(%m)");
}

/* Points until there are no more. Return: what the last one said. */
static int exhaust(const char *prefix, int *fds, unsigned int *nr)
{
	int ret;

	for (*nr = 0;; ++*nr) {
		struct mlproxy_point cmd;
		char name[32];

		snprintf(name, sizeof(name), "%s%u", prefix, *nr);
		cmd = point_desc(name, START);
		fds[*nr] = dev_open(O_RDWR);
		ret = point_register(fds[*nr], &cmd);
		if (ret || *nr == MLPROXY_MAX_PROXIES)
			break;
	}
	close(fds[*nr]);
	return ret;
}

/* As many points as there may be, whoever has them; modules still find room. */
static void too_many_points(void)
{
	int fds[MLPROXY_MAX_PROXIES + 1];
	unsigned int nr, i;

	EXPECT_RET(exhaust("p", fds, &nr), -ENOSPC);
	EXPECT_EQ(nr, MLPROXY_MAX_POINTS);
	close(fds[0]);
	fds[0] = point_new("again", START);
	for (i = 0; i < nr; i++)
		close(fds[i]);
}

static int add_nr(int fd, unsigned int nr)
{
	char name[32];

	snprintf(name, sizeof(name), "i%u", nr);
	return point_add(fd, name);
}

static void too_many_instances(void)
{
	int fd = point_new(NAME, 0), a;
	unsigned int i;

	for (i = 0; i < MLPROXY_POINT_MAX_INSTANCES; i++)
		ASSERT(add_nr(fd, i) > 0);
	EXPECT_RET(add_nr(fd, i), -ENOSPC);
	EXPECT_RET(point_drop(fd, 1), 0);
	a = add_nr(fd, i);
	EXPECT(a > 0);
}

/* A user has so many, in whichever files; who may operate does not count. */
static void quota(void)
{
	int root = point_new("roots", START), fd, other;
	struct mlproxy_point cmd = point_desc("third", START);
	unsigned int i;

	ASSERT(point_add(root, "a") > 0);
	become_user();
	fd = point_new(NAME, 0);
	other = point_new("second", 0);
	for (i = 0; i < MLPROXY_POINT_QUOTA - 2; i++)
		ASSERT(add_nr(i % 2 ? fd : other, i) > 0);
	EXPECT_RET(point_add(fd, "more"), -EDQUOT);
	i = dev_open(O_RDWR);
	EXPECT_RET(point_register(i, &cmd), -EDQUOT);
	EXPECT(point_add(root, "b") > 0);
	close(other);
	EXPECT_RET(point_register(i, &cmd), 0);
	EXPECT(point_add(fd, "more") > 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(wrong_names),
	KTAP_TEST(wrong_numbers),
	KTAP_TEST(random_bytes),
	KTAP_TEST(wrong_decisions),
	KTAP_TEST(wrong_states),
	KTAP_TEST(foreign_ids),
	KTAP_TEST(too_many_wait),
	KTAP_TEST(told_twice),
	KTAP_TEST(rights),
	KTAP_TEST(too_many_points),
	KTAP_TEST(too_many_instances),
	KTAP_TEST(quota),
};

KTAP_MAIN(tests)
