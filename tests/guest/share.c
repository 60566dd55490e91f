// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares and probabilities: what is measured is what was set, for each mode and
 * unit of randomisation, and the logged probability is the frequency.
 *
 * Frequencies are compared within 1 % of all decisions. With 100,000 decisions
 * that is more than six standard deviations, so a right implementation does not
 * fail by chance; a debug kernel makes fewer of them and allows for it.
 *
 * guest-test: timeout=300
 */
#include <math.h>

#include "util.h"

#define ONE 65536.0

static int fd;
static struct mlproxy_ring_setup setup;
static struct ring ring;

/* What was counted: how often an action was taken, and how likely it was said to be. */
struct tally {
	uint64_t n;
	uint64_t source[MLPROXY_NR_SOURCES];
	uint64_t action[4];
	double prob_sum[4];		/* of all decisions, by action taken */
	double inverse[4];		/* sum of 1 / probability */
	int8_t arm[65536];		/* of an entity: -1 baseline, 1 model */
	uint64_t flips;
};

static struct tally t;

static void count(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	double prob = d->prob_q31 / (double)MLPROXY_PROB_ONE;
	int8_t arm = d->source == MLPROXY_SRC_MODEL ? 1 : -1;

	(void)arg;
	t.n++;
	t.source[d->source]++;
	t.action[d->action]++;
	t.prob_sum[d->action] += prob;
	t.inverse[d->action] += 1 / prob;
	if (d->source == MLPROXY_SRC_EXPLORE || d->key >= ARRAY_SIZE(t.arm))
		return;
	t.flips += t.arm[d->key] && t.arm[d->key] != arm;
	t.arm[d->key] = arm;
}

/* A proxy whose model always proposes action 2, and whose baseline is 0. */
static void begin(const char *unit)
{
	struct mlproxy_model_load load;
	char proxy[32];
	uint32_t len;
	void *model;

	snprintf(proxy, sizeof(proxy), "ctx-%s", unit);
	fd = dev_bound(proxy);
	dev_fresh(fd);
	model = model_constant(fd, 2, &len);
	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	ASSERT(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, 0) > 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 1 << 20, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_DECISION),
			      &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	ctx_set("masks", 0);
}

static void set_shares(uint32_t mode, uint32_t share, uint32_t explore)
{
	ASSERT_RET(dev_set_mode(fd, mode), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, mode, 0), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_EXPLORE, mode, explore), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, mode, share), 0);
}

static void decide(const char *unit, unsigned int n)
{
	unsigned int part;

	memset(&t, 0, sizeof(t));
	for (; n; n -= part) {
		part = n < 8000 ? n : 8000;
		ASSERT_RET(ctx_run(unit, "task", part, 1), 0);
		ring_consume(&ring, 0, count, NULL);
	}
	ring_check(fd, 0, &ring);
}

/* The 1 % of the head comment, or six standard deviations if that is more. */
static double tolerance(double p, double n)
{
	return fmax(0.01, 6 * sqrt(p * (1 - p) / n));
}

static void expect_share(const char *what, double is, double want, double n)
{
	EXPECT(fabs(is - want) <= tolerance(want, n), "(%s: %.4f, expected %.4f)", what, is,
	       want);
}

static void expect_arms(uint32_t share, uint32_t explore, double units)
{
	double n = t.n;

	expect_share("model", t.source[MLPROXY_SRC_MODEL] / n, share / ONE, units);
	expect_share("explore", t.source[MLPROXY_SRC_EXPLORE] / n, explore / ONE, n);
	expect_share("baseline", t.source[MLPROXY_SRC_BASELINE] / n,
		     1 - (share + explore) / ONE, units);
	/* Explored uniformly among four. */
	expect_share("action 1", t.action[1] / n, explore / ONE / 4, n);
	expect_share("action 3", t.action[3] / n, explore / ONE / 4, n);
}

/* The probability that is logged with an action is how often it is taken. */
static void expect_propensities(double units)
{
	double n = t.n;
	unsigned int a;

	for (a = 0; a < 4; a++) {
		double taken = t.action[a] / n, said;

		if (!t.action[a])
			continue;
		said = t.prob_sum[a] / t.action[a];
		expect_share("propensity", taken, said, units);
		/* So the weights of an estimate add up to 1. */
		EXPECT(fabs(t.inverse[a] / n - 1) <= 6 * sqrt((1 - said) / said / units) + 0.01,
		       "(action %u: weights add up to %.3f)", a, t.inverse[a] / n);
	}
}

static unsigned int decisions(void)
{
	return scaled(100000);
}

static void one_setting(const char *unit, uint32_t mode, uint32_t share, uint32_t explore,
			double units)
{
	set_shares(mode, share, explore);
	decide(unit, decisions());
	expect_arms(share, explore, units);
	expect_propensities(units);
}

static void defaults(void)
{
	static const struct { uint32_t mode, share, explore; } d[] = {
		{ MLPROXY_MODE_EMERGENCY, 0, 0 },
		{ MLPROXY_MODE_LEARNING, 65536 / 16, 65536 / 16 },
		{ MLPROXY_MODE_COLLABORATION, 65536 / 2, 65536 / 64 },
		{ MLPROXY_MODE_RECOMMENDATION, 65536 - 65536 / 64, 0 },
	};
	unsigned int i;

	begin("decision");
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		ASSERT_RET(dev_set_mode(fd, d[i].mode), 0);
		decide("decision", decisions() / 2);
		expect_arms(d[i].share, d[i].explore, t.n);
		if (d[i].mode != MLPROXY_MODE_EMERGENCY)
			expect_propensities(t.n);
		else
			EXPECT_EQ(t.source[MLPROXY_SRC_BASELINE], t.n);
	}
}

static void by_decision(void)
{
	begin("decision");
	one_setting("decision", MLPROXY_MODE_COLLABORATION, 65536 * 3 / 10, 65536 / 5,
		    decisions());
}

static void extremes(void)
{
	begin("decision");
	set_shares(MLPROXY_MODE_LEARNING, 0, 0);
	decide("decision", 5000);
	EXPECT_EQ(t.source[MLPROXY_SRC_BASELINE], t.n);
	EXPECT_EQ(t.action[0], t.n);
	set_shares(MLPROXY_MODE_LEARNING, 65536, 0);
	decide("decision", 5000);
	EXPECT_EQ(t.source[MLPROXY_SRC_MODEL], t.n);
	EXPECT_EQ(t.action[2], t.n);
	set_shares(MLPROXY_MODE_LEARNING, 0, 65536);
	decide("decision", 5000);
	EXPECT_EQ(t.source[MLPROXY_SRC_EXPLORE], t.n);
}

/* An entity stays in its arm; the share is that of entities. */
static void by_entity(void)
{
	const unsigned int entities = 20000;

	begin("entity");
	ASSERT(!ctx_set("keys", entities));
	one_setting("entity", MLPROXY_MODE_COLLABORATION, 65536 * 3 / 10, 65536 / 10,
		    entities < decisions() ? entities : decisions());
	EXPECT_EQ(t.flips, 0);
	/* Another seed draws the entities anew. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, 42), 0);
	ASSERT_RET(ctx_run("entity", "task", 5000, 1), 0);
	ring_consume(&ring, 0, count, NULL);
	EXPECT(t.flips > 0);
	ctx_set("keys", 64);
}

static uint64_t window_ns, last_window, windows, model_windows, mixed_windows;
static unsigned int changes;
static int last_arm;

/*
 * Records of one window have one arm. Only its first one may have the arm of an
 * earlier window: a record's time is later than that of its decision.
 */
static void count_window(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	int arm_now = d->source == MLPROXY_SRC_MODEL;
	uint64_t window = rec->time_ns / window_ns;

	(void)arg;
	if (window != last_window) {
		windows++;
		model_windows += arm_now;
		last_window = window;
		last_arm = arm_now;
		changes = 0;
		return;
	}
	if (arm_now != last_arm) {
		mixed_windows += ++changes > 1;
		last_arm = arm_now;
	}
}

static void by_window(void)
{
	unsigned int i;

	begin("window");
	window_ns = 1000000;
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_WINDOW_NS, 0, window_ns), 0);
	set_shares(MLPROXY_MODE_COLLABORATION, 65536 / 2, 0);
	for (i = 0; windows < 1000 && i < 5000; i++) {
		ASSERT_RET(ctx_run("window", "task", 50, 1), 0);
		ring_consume(&ring, 0, count_window, NULL);
	}
	ring_check(fd, 0, &ring);
	ASSERT(windows >= 200, "(%llu)", (unsigned long long)windows);
	EXPECT_EQ(mixed_windows, 0);
	EXPECT(fabs(model_windows / (double)windows - 0.5) <= 6 * sqrt(0.25 / windows) + 0.01,
	       "(%llu of %llu windows)", (unsigned long long)model_windows,
	       (unsigned long long)windows);
}

/* A share of decisions, where the windows are many: 100,000 decisions. */
static void window_share(void)
{
	unsigned int i, n = decisions() / 2000;
	double units;

	begin("window");
	memset(&t, 0, sizeof(t));
	set_shares(MLPROXY_MODE_COLLABORATION, 65536 * 3 / 10, 65536 / 10);
	/* A new seed is a new draw for every window, so time need not pass. */
	for (i = 0; i < n * 20; i++) {
		ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SEED, 0, i * 0x9e3779b97f4a7c15ULL),
			   0);
		ASSERT_RET(ctx_run("window", "task", 100, 1), 0);
		ring_consume(&ring, 0, count, NULL);
	}
	units = n * 20;
	expect_arms(65536 * 3 / 10, 65536 / 10, units);
	expect_propensities(units);
}

/* Restricted actions: the probabilities follow the number of legal ones. */
static double said_sum[16][4];
static uint64_t taken[16][4], asked[16];

static void count_masks(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	unsigned int m = d->allowed & 15;

	(void)arg;
	/* The baseline varies, too: count those with the lowest legal one. */
	if (d->baseline != (unsigned int)__builtin_ctz(m))
		return;
	asked[m]++;
	taken[m][d->action]++;
	said_sum[m][d->action] += d->prob_q31 / (double)MLPROXY_PROB_ONE;
}

static void restricted(void)
{
	unsigned int i, m, a;

	begin("decision");
	ASSERT(!ctx_set("masks", 1));
	set_shares(MLPROXY_MODE_LEARNING, 65536 / 4, 65536 / 4);
	for (i = 0; i < decisions() / 5000; i++) {
		ASSERT_RET(ctx_run("decision", "task", 5000, 1), 0);
		ring_consume(&ring, 0, count_masks, NULL);
	}
	ctx_set("masks", 0);
	for (m = 1; m < 16; m++) {
		double total = 0;

		ASSERT(asked[m] > 20, "(mask %u)", m);
		for (a = 0; a < 4; a++) {
			double said;

			if (!taken[m][a])
				continue;
			ASSERT(m & (1U << a));
			said = said_sum[m][a] / taken[m][a];
			total += said;
			expect_share("legal", taken[m][a] / (double)asked[m], said, asked[m]);
		}
		if (!on_debug_kernel())
			EXPECT(fabs(total - 1) < 1e-6, "(mask %u: probabilities add up to %.9f)",
			       m, total);
	}
}

static const struct ktap_test tests[] = {
	KTAP_TEST(defaults),
	KTAP_TEST(by_decision),
	KTAP_TEST(extremes),
	KTAP_TEST(by_entity),
	KTAP_TEST(by_window),
	KTAP_TEST(window_share),
	KTAP_TEST(restricted),
};

KTAP_MAIN(tests)
