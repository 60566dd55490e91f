// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_ctxtest: the in-kernel API with good and bad arguments, and the
 * lifecycle as a subsystem sees it. What is wrong is said in the kernel log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stringify.h>

#include "ctxtest.h"

/* Say what failed; the log line begins with "api:". */
#define CHECK(cond) ({								\
	bool __ok = (cond);							\
	if (!__ok)								\
		pr_err("api: line " __stringify(__LINE__) ": " #cond "\n");	\
	!__ok;									\
})

static struct mlproxy_feature good_features[] = {
	{ .name = "one", .max = 1, .type = MLPROXY_TYPE_BOOL },
	{ .name = "two", .unit = "bytes", .max = 1, .type = MLPROXY_TYPE_INT },
};

static struct mlproxy_action good_actions[] = {
	{ .name = "no" },
	{ .name = "yes", .value = 1 },
};

static struct mlproxy_event_desc good_events[] = {
	{ .name = "single", .nr_values = 64 },
	{ .name = "summed", .nr_values = 4, .period_ms = 1000 },
};

static const struct mlproxy_desc good = {
	.owner = THIS_MODULE,
	.name = "api",
	.nr_features = ARRAY_SIZE(good_features),
	.features = good_features,
	.nr_actions = ARRAY_SIZE(good_actions),
	.actions = good_actions,
	.reward_name = "reward",
	.reward_min = -5,
	.reward_max = 5,
};

static int refused(const struct mlproxy_desc *desc)
{
	struct mlproxy *proxy = mlproxy_create(desc, NULL);

	if (PTR_ERR(proxy) == -EINVAL)
		return 0;
	mlproxy_destroy(proxy);
	return 1;
}

#define REFUSED(...) ({								\
	struct mlproxy_desc __d = good;						\
	__VA_ARGS__;								\
	CHECK(!refused(&__d));							\
})
#define D(field) __d.field

static int bad_descriptions(void)
{
	int bad = 0;

	bad += REFUSED(D(owner) = NULL);
	bad += REFUSED(D(name) = NULL);
	bad += REFUSED(D(name) = "");
	bad += REFUSED(D(name) = "a/b");
	bad += REFUSED(D(name) = "01234567890123456789012345678901");
	bad += REFUSED(D(nr_features) = 0);
	bad += REFUSED(D(nr_features) = MLPROXY_MAX_FEATURES + 1);
	bad += REFUSED(D(features) = NULL);
	bad += REFUSED(D(nr_actions) = 1);
	bad += REFUSED(D(nr_actions) = MLPROXY_MAX_ACTIONS + 1);
	bad += REFUSED(D(actions) = NULL);
	bad += REFUSED(D(reward_name) = NULL);
	bad += REFUSED(D(reward_unit) = "a unit that is too long");
	bad += REFUSED(D(reward_type) = MLPROXY_TYPE_ENUM);
	bad += REFUSED(D(reward_type) = MLPROXY_NR_TYPES);
	bad += REFUSED(D(reward_direction) = 2);
	bad += REFUSED(D(reward_min) = 6);
	bad += REFUSED(D(reward_min) = (s64)S32_MIN - 1);
	bad += REFUSED(D(reward_max) = (s64)S32_MAX + 1);
	bad += REFUSED(D(unit) = MLPROXY_UNIT_WINDOW + 1);
	bad += REFUSED(D(max_macs) = (1 << 20) + 1);
	bad += REFUSED(D(nr_states) = 1);
	bad += REFUSED(D(nr_states) = MLPROXY_MAX_STATES + 1; D(states) = good_features);
	bad += REFUSED(D(nr_events) = 1);
	bad += REFUSED(D(nr_events) = MLPROXY_MAX_EVENTS + 1; D(events) = good_events);
	bad += REFUSED(D(name) = "user-daemon");
	bad += REFUSED(D(pending_entries) = 65537);
	bad += REFUSED(D(pending_ns) = 1);
	bad += REFUSED(D(table_entries) = MLPROXY_REC_MAX_ENTRIES + 1);
	return bad;
}

static int bad_feature(const char *name, s64 min, u32 type, u32 preprocess)
{
	struct mlproxy_feature f[] = { good_features[0], good_features[1] };
	struct mlproxy_desc desc = good;

	strscpy(f[1].name, name, sizeof(f[1].name));
	f[1].min = min;
	f[1].type = type;
	f[1].preprocess = preprocess;
	desc.features = f;
	return refused(&desc);
}

static int bad_event(const char *name, u32 nr_values, u32 period_ms)
{
	struct mlproxy_event_desc e[] = { good_events[0], good_events[1] };
	struct mlproxy_desc desc = good;

	strscpy(e[1].name, name, sizeof(e[1].name));
	e[1].nr_values = nr_values;
	e[1].period_ms = period_ms;
	desc.events = e;
	desc.nr_events = ARRAY_SIZE(e);
	return refused(&desc);
}

static int bad_state(u32 preprocess, u32 type)
{
	struct mlproxy_feature f[] = { good_features[0], good_features[1] };
	struct mlproxy_desc desc = good;

	f[1].preprocess = preprocess;
	f[1].type = type;
	desc.states = f;
	desc.nr_states = ARRAY_SIZE(f);
	return refused(&desc);
}

static int bad_members(void)
{
	struct mlproxy_action same[] = { good_actions[0], good_actions[0] };
	struct mlproxy_feature open_unit[] = { good_features[0], good_features[1] };
	int bad = 0;

	bad += CHECK(!bad_feature("", 0, 0, 0));
	bad += CHECK(!bad_feature("one", 0, 0, 0));
	bad += CHECK(!bad_feature("x y", 0, 0, 0));
	bad += CHECK(!bad_feature("two", 2, 0, 0));
	bad += CHECK(!bad_feature("two", 0, MLPROXY_NR_TYPES, 0));
	bad += CHECK(!bad_feature("two", 0, 0, MLPROXY_PRE_DELTA));
	bad += CHECK(!bad_feature("two", 0, MLPROXY_TYPE_INT, MLPROXY_PRE_LOG2));
	bad += CHECK(!bad_event("", 1, 0));
	bad += CHECK(!bad_event("single", 1, 0));
	bad += CHECK(!bad_event("summed", 65, 0));
	bad += CHECK(!bad_event("summed", 5, 1));
	bad += CHECK(!bad_event("summed", 1, 3600001));
	bad += CHECK(!bad_state(MLPROXY_NR_PRE, MLPROXY_TYPE_INT));
	bad += CHECK(!bad_state(MLPROXY_PRE_LOG2, MLPROXY_TYPE_INT));
	bad += REFUSED(D(actions) = same);
	memset(open_unit[1].unit, 'u', sizeof(open_unit[1].unit));
	bad += REFUSED(D(features) = open_unit);
	return bad;
}

static u32 decide(struct mlproxy *proxy, u32 baseline, u32 allowed,
		  struct mlproxy_decision *d)
{
	const s64 values[] = { 1, 1 };
	const struct mlproxy_request req = {
		.key = 1, .features = values, .baseline = baseline, .allowed = allowed,
	};

	return mlproxy_decide(proxy, &req, d);
}

static int lifecycle(void)
{
	struct mlproxy *proxy = mlproxy_create(&good, NULL);
	struct mlproxy_decision d;
	int bad = 0;

	if (IS_ERR(proxy))
		return CHECK(!"the good description");
	bad += CHECK(PTR_ERR(mlproxy_create(&good, NULL)) == -EEXIST);
	bad += CHECK(!mlproxy_running(proxy));
	bad += CHECK(mlproxy_start(proxy) == -EINVAL);
	bad += CHECK(mlproxy_stop(proxy) == -EINVAL);
	bad += CHECK(mlproxy_reinit(proxy) == -EINVAL);
	bad += CHECK(decide(proxy, 1, 0, &d) == 1 && !d.id);
	bad += CHECK(mlproxy_init(proxy) == 0);
	bad += CHECK(mlproxy_init(proxy) == -EINVAL);
	bad += CHECK(mlproxy_stop(proxy) == -EINVAL);
	bad += CHECK(mlproxy_reinit(proxy) == 0);
	bad += CHECK(mlproxy_start(proxy) == 0);
	bad += CHECK(mlproxy_running(proxy));
	bad += CHECK(mlproxy_start(proxy) == -EINVAL);
	bad += CHECK(mlproxy_reinit(proxy) == -EINVAL);
	bad += CHECK(mlproxy_init(proxy) == -EINVAL);
	bad += CHECK(mlproxy_stop(proxy) == 0);
	bad += CHECK(mlproxy_stop(proxy) == -EINVAL);
	bad += CHECK(decide(proxy, 1, 0, &d) == 1 && !d.id);
	bad += CHECK(mlproxy_start(proxy) == 0);
	/* Destroyed while it runs. */
	mlproxy_destroy(proxy);
	mlproxy_destroy(NULL);
	mlproxy_destroy(ERR_PTR(-ENOMEM));
	return bad;
}

static int decisions(void)
{
	struct mlproxy *proxy = mlproxy_register(&good, NULL);
	struct mlproxy_decision d;
	int bad = 0, i;
	u64 last = 0;

	if (IS_ERR(proxy))
		return CHECK(!"register");
	bad += CHECK(mlproxy_start(proxy) == 0);
	/* An illegal call is answered by the baseline, and not recorded. */
	bad += CHECK(decide(proxy, 2, 0, &d) == 2 && !d.id);
	bad += CHECK(decide(proxy, 77, 0, &d) == 77 && !d.id);
	bad += CHECK(decide(proxy, 1, 1, &d) == 1 && !d.id);
	mlproxy_feedback(proxy, &d, 1);
	/* With one legal action there is nothing to choose. */
	for (i = 0; i < 1000; i++) {
		bad += CHECK(decide(proxy, 1, 2, &d) == 1 && d.id && d.id != last &&
			     d.prob_q31 == MLPROXY_PROB_ONE);
		last = d.id;
	}
	/* Feedback of an earlier generation is dropped. */
	bad += CHECK(mlproxy_stop(proxy) == 0);
	bad += CHECK(mlproxy_reinit(proxy) == 0);
	mlproxy_feedback(proxy, &d, 1);
	mlproxy_destroy(proxy);
	return bad;
}

static int too_many(void)
{
	struct mlproxy_desc desc = good;
	struct mlproxy **all;
	char name[16];
	int bad = 0, i;

	all = kcalloc(MLPROXY_MAX_PROXIES + 1, sizeof(*all), GFP_KERNEL);
	if (!all)
		return CHECK(!"memory");
	desc.name = name;
	for (i = 0; i <= MLPROXY_MAX_PROXIES; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		all[i] = mlproxy_register(&desc, NULL);
		if (IS_ERR(all[i]))
			break;
	}
	bad += CHECK(i <= MLPROXY_MAX_PROXIES && PTR_ERR(all[i]) == -ENOSPC);
	while (i--)
		mlproxy_destroy(all[i]);
	kfree(all);
	return bad;
}

/**
 * ctxtest_api() - test the in-kernel API
 *
 * Context: may sleep. Return: 0, or -EIO if something is wrong.
 */
int ctxtest_api(void)
{
	int bad = bad_descriptions() + bad_members() + lifecycle() + decisions() +
		  too_many();

	return bad ? -EIO : 0;
}
