// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_ctxtest: decisions from every context, for the guest tests.
 *
 * Registers three proxies that differ in the unit of randomisation only:
 * ctx-decision, ctx-entity and ctx-window. Writing "UNIT CONTEXT N MASK" to the
 * parameter "run" makes N decisions with feedback on each CPU of the mask, all
 * CPUs at once, and waits for them. Contexts:
 *
 *	task	preemptible
 *	irqoff	task, interrupts off
 *	softirq	tasklet
 *	hardirq	irq_work
 *	nmi	task marked as NMI
 *	mixed	task, interrupted all the time by a timer and a tasklet that decide, too
 *
 * What mlproxy_decide() returns is checked here, where it would be applied: an
 * illegal action, a wrong probability or a wrong echo counts as a violation, and
 * makes the write fail with EIO. ctxtest_api.c tests the in-kernel API itself;
 * ctxtest_data.c has a fourth proxy, ctx-data.
 *
 * Locks: run_lock serialises runs, and changes of what they use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat/timer.h"
#include "ctxtest.h"
#include "shared/mix64.h"

#define RUN_MAX 10000000U
#define BATCH 32		/* decisions without a break */
#define MIXED_BATCH 4		/* decisions of an interrupt in a mixed run */
#define NMI_CONTEXT (NMI_OFFSET + HARDIRQ_OFFSET)
#define MAX_VALUES 64

/* How a CPU's decisions are made; order as in context_names. */
enum context { CTX_TASK, CTX_IRQOFF, CTX_SOFTIRQ, CTX_HARDIRQ, CTX_NMI, CTX_MIXED, NR_CTX };

static const char * const context_names[NR_CTX] = {
	"task", "irqoff", "softirq", "hardirq", "nmi", "mixed",
};

/**
 * struct cpu_run - one CPU's part of a run
 * @proxy: asked
 * @context: how
 * @todo: decisions to make; the interrupts of a mixed run come on top
 * @salt: random numbers, also for interrupts that nest
 * @violations: decisions that must not be
 * @tasklet: softirq side
 * @work: hardirq side
 * @timer: hardirq side of a mixed run
 * @served: the interrupt side has run
 * @finished: the thread is about to be gone
 */
struct cpu_run {
	struct mlproxy *proxy;
	enum context context;
	unsigned int todo;
	atomic64_t salt;
	atomic_t violations;
	struct tasklet_struct tasklet;
	struct irq_work work;
	struct hrtimer timer;
	struct completion served;
	struct completion finished;
};

static const char * const unit_names[] = { "decision", "entity", "window" };
static struct mlproxy *proxies[ARRAY_SIZE(unit_names)];	/* run_lock */
static DEFINE_MUTEX(run_lock);
static bool stop_run;

static unsigned int keys = 64;
module_param(keys, uint, 0644);
MODULE_PARM_DESC(keys, "number of different keys (default 64)");

static bool masks;
module_param(masks, bool, 0644);
MODULE_PARM_DESC(masks, "restrict the legal actions at random, baseline at random");

static bool critical;
module_param(critical, bool, 0644);
MODULE_PARM_DESC(critical, "say that the subsystem is critical");

static unsigned int events;
module_param(events, uint, 0644);
MODULE_PARM_DESC(events, "values of a raw event after each decision, 0 for no event");

static bool defer;
module_param(defer, bool, 0644);
MODULE_PARM_DESC(defer, "defer each outcome and resolve it at once");

static int start_error;
module_param(start_error, int, 0644);
MODULE_PARM_DESC(start_error, "the start callback fails with this -errno");

static int counter_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(kp->arg));
}

static const struct kernel_param_ops counter_ops = { .get = counter_get };
static atomic_t violations, starts, stops;
module_param_cb(violations, &counter_ops, &violations, 0444);
MODULE_PARM_DESC(violations, "illegal decisions seen");
module_param_cb(starts, &counter_ops, &starts, 0444);
MODULE_PARM_DESC(starts, "calls of the start callback that succeeded");
module_param_cb(stops, &counter_ops, &stops, 0444);
MODULE_PARM_DESC(stops, "calls of the stop callback");

static const struct mlproxy_feature features[] = {
	{ .name = "x", .min = 0, .max = 1000, .type = MLPROXY_TYPE_COUNT },
	{ .name = "context", .min = 0, .max = NR_CTX, .type = MLPROXY_TYPE_ENUM },
};

static const struct mlproxy_action actions[] = {
	{ .name = "a0", .value = 0 },
	{ .name = "a1", .value = 1 },
	{ .name = "a2", .value = 2 },
	{ .name = "a3", .value = 3 },
};

#define ALL_ACTIONS GENMASK(ARRAY_SIZE(actions) - 1, 0)

static bool decision_ok(const struct mlproxy_request *req, u32 action,
			const struct mlproxy_decision *d)
{
	u32 allowed = req->allowed ? req->allowed : ALL_ACTIONS;

	if (action >= ARRAY_SIZE(actions) || !(allowed & BIT(action)))
		return false;
	if (d->baseline != req->baseline || d->source >= MLPROXY_NR_SOURCES ||
	    d->mode >= MLPROXY_NR_MODES)
		return false;
	if (!d->id)
		return action == req->baseline && d->prob_q31 == MLPROXY_PROB_ONE;
	return action == d->action && d->prob_q31 && d->prob_q31 <= MLPROXY_PROB_ONE;
}

static u64 next_random(struct cpu_run *run)
{
	return mix64(atomic64_fetch_add(MIX64_STEP, &run->salt));
}

static void publish_event(struct cpu_run *run, const struct mlproxy_request *req, u64 id)
{
	unsigned int nr = min_t(unsigned int, READ_ONCE(events), MAX_VALUES);
	s64 values[MAX_VALUES] = { id };

	if (nr)
		mlproxy_event(run->proxy, nr, req->key, values, nr);
}

static void decide_one(struct cpu_run *run, enum context context)
{
	u64 r = next_random(run);
	s64 values[] = { (r >> 32) % 1001, context };
	struct mlproxy_request req = {
		.key = (u32)r % max(READ_ONCE(keys), 1U),
		.features = values,
	};
	struct mlproxy_decision d;
	u32 action;

	if (READ_ONCE(masks)) {
		req.baseline = (r >> 48) % ARRAY_SIZE(actions);
		req.allowed = BIT(req.baseline) | ((r >> 52) & ALL_ACTIONS);
	}
	action = mlproxy_decide(run->proxy, &req, &d);
	if (!decision_ok(&req, action, &d))
		atomic_inc(&run->violations);
	if (!READ_ONCE(defer) || !mlproxy_defer(run->proxy, &d, d.id))
		mlproxy_feedback(run->proxy, &d, 100 * action);
	else
		mlproxy_resolve(run->proxy, d.id, 100 * action);
	if (READ_ONCE(events))
		publish_event(run, &req, d.id);
}

static void decide_many(struct cpu_run *run, enum context context, unsigned int n)
{
	while (n--)
		decide_one(run, context);
}

static void interrupt_side(struct cpu_run *run, enum context context)
{
	unsigned int n = min_t(unsigned int, BATCH, run->todo);

	decide_many(run, context, n);
	run->todo -= n;
	complete(&run->served);
}

static void tasklet_side(struct tasklet_struct *t)
{
	struct cpu_run *run = container_of(t, struct cpu_run, tasklet);

	if (run->context == CTX_MIXED)
		decide_many(run, CTX_SOFTIRQ, MIXED_BATCH);
	else
		interrupt_side(run, CTX_SOFTIRQ);
}

static void work_side(struct irq_work *work)
{
	interrupt_side(container_of(work, struct cpu_run, work), CTX_HARDIRQ);
}

static enum hrtimer_restart timer_side(struct hrtimer *timer)
{
	struct cpu_run *run = container_of(timer, struct cpu_run, timer);

	decide_many(run, CTX_HARDIRQ, MIXED_BATCH);
	tasklet_schedule(&run->tasklet);
	return HRTIMER_NORESTART;
}

/* One interrupt at most for each batch, so that the task gets on, however slow
 * the machine is.
 */
static void mixed_arm(struct cpu_run *run)
{
	if (!hrtimer_active(&run->timer))
		hrtimer_start(&run->timer, ns_to_ktime(10000 + next_random(run) % 100000),
			      HRTIMER_MODE_REL_HARD);
}

static void task_batch(struct cpu_run *run)
{
	unsigned int n = min_t(unsigned int, BATCH, run->todo);
	unsigned long flags;

	switch (run->context) {
	case CTX_SOFTIRQ:
		tasklet_schedule(&run->tasklet);
		wait_for_completion(&run->served);
		return;
	case CTX_HARDIRQ:
		irq_work_queue(&run->work);
		wait_for_completion(&run->served);
		return;
	case CTX_IRQOFF:
		local_irq_save(flags);
		decide_many(run, CTX_IRQOFF, n);
		local_irq_restore(flags);
		break;
	case CTX_NMI:
		local_irq_save(flags);
		__preempt_count_add(NMI_CONTEXT);
		decide_many(run, CTX_NMI, n);
		__preempt_count_sub(NMI_CONTEXT);
		local_irq_restore(flags);
		break;
	case CTX_MIXED:
		mixed_arm(run);
		fallthrough;
	default:
		decide_many(run, run->context, n);
	}
	run->todo -= n;
}

static int run_thread(void *arg)
{
	struct cpu_run *run = arg;

	while (run->todo && !READ_ONCE(stop_run)) {
		task_batch(run);
		cond_resched();
	}
	hrtimer_cancel(&run->timer);
	tasklet_kill(&run->tasklet);
	irq_work_sync(&run->work);
	kthread_complete_and_exit(&run->finished, 0);
}

static int run_start(struct cpu_run *run, unsigned int cpu)
{
	struct task_struct *thread;

	atomic64_set(&run->salt, get_random_u64());
	init_completion(&run->served);
	init_completion(&run->finished);
	tasklet_setup(&run->tasklet, tasklet_side);
	run->work = IRQ_WORK_INIT_HARD(work_side);
	compat_hrtimer_setup(&run->timer, timer_side, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_HARD);
	thread = kthread_create(run_thread, run, "ctxtest/%u", cpu);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, cpu);
	wake_up_process(thread);
	return 0;
}

/* A run that is killed stops early; its threads are waited for in any case. */
static int run_wait(struct cpu_run *run)
{
	int ret = wait_for_completion_killable(&run->finished);

	if (ret) {
		WRITE_ONCE(stop_run, true);
		wait_for_completion(&run->finished);
	}
	atomic_add(atomic_read(&run->violations), &violations);
	return !ret && atomic_read(&run->violations) ? -EIO : ret;
}

static int run_all(struct mlproxy *proxy, enum context context, unsigned int n,
		   unsigned long mask)
{
	struct cpu_run *runs;
	unsigned int cpu;
	int ret = 0;

	runs = kcalloc(BITS_PER_LONG, sizeof(*runs), GFP_KERNEL);
	if (!runs)
		return -ENOMEM;
	WRITE_ONCE(stop_run, false);
	for_each_set_bit(cpu, &mask, BITS_PER_LONG) {
		runs[cpu].proxy = proxy;
		runs[cpu].context = context;
		runs[cpu].todo = n;
		ret = run_start(&runs[cpu], cpu);
		if (ret) {
			WRITE_ONCE(stop_run, true);
			mask &= BIT(cpu) - 1;
			break;
		}
	}
	for_each_set_bit(cpu, &mask, BITS_PER_LONG)
		ret = run_wait(&runs[cpu]) ?: ret;
	kfree(runs);
	return ret;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	char unit[16], context[16];
	unsigned int n, cpu;
	unsigned long mask;
	int u, c, ret;

	if (sscanf(val, "%15s %15s %u %lx", unit, context, &n, &mask) != 4)
		return -EINVAL;
	u = match_string(unit_names, ARRAY_SIZE(unit_names), unit);
	c = match_string(context_names, NR_CTX, context);
	if (u < 0 || c < 0 || n > RUN_MAX || !mask)
		return -EINVAL;
	for_each_set_bit(cpu, &mask, BITS_PER_LONG)
		if (cpu >= nr_cpu_ids || !cpu_online(cpu))
			return -ENXIO;
	ret = mutex_lock_killable(&run_lock);
	if (ret)
		return ret;
	ret = proxies[u] ? run_all(proxies[u], c, n, mask) : -ENODEV;
	mutex_unlock(&run_lock);
	return ret;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "write \"UNIT CONTEXT N CPUMASK\": make N decisions on each CPU");

static int start_cb(struct mlproxy *proxy, void *priv)
{
	int ret = READ_ONCE(start_error);

	if (!ret)
		atomic_inc(&starts);
	return ret;
}

static void stop_cb(struct mlproxy *proxy, void *priv)
{
	atomic_inc(&stops);
}

static bool critical_cb(void *priv)
{
	return READ_ONCE(critical);
}

static const struct mlproxy_ops ops = {
	.start = start_cb,
	.stop = stop_cb,
	.critical = critical_cb,
};

#define DESC(_unit, _nr)					\
	{							\
		.owner = THIS_MODULE,				\
		.name = "ctx-" _unit,				\
		.schema_version = 1,				\
		.nr_features = ARRAY_SIZE(features),		\
		.features = features,				\
		.nr_actions = ARRAY_SIZE(actions),		\
		.actions = actions,				\
		.reward_name = "points",			\
		.reward_max = 1000,				\
		.unit = _nr,					\
		.table_entries = 64,				\
		.pending_entries = 16,				\
		.ops = &ops,					\
	}

static const struct mlproxy_desc descs[] = {
	DESC("decision", MLPROXY_UNIT_DECISION),
	DESC("entity", MLPROXY_UNIT_ENTITY),
	DESC("window", MLPROXY_UNIT_WINDOW),
};

static void destroy_all(void)
{
	unsigned int i;

	ctxtest_data_destroy();
	mutex_lock(&run_lock);
	for (i = 0; i < ARRAY_SIZE(proxies); i++) {
		mlproxy_destroy(proxies[i]);
		proxies[i] = NULL;
	}
	mutex_unlock(&run_lock);
}

static int create_all(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(proxies); i++) {
		struct mlproxy *proxy = mlproxy_register(&descs[i], NULL);

		if (IS_ERR(proxy)) {
			destroy_all();
			return PTR_ERR(proxy);
		}
		mutex_lock(&run_lock);
		proxies[i] = proxy;
		mutex_unlock(&run_lock);
	}
	ret = ctxtest_data_create();
	if (ret)
		destroy_all();
	return ret;
}

/* Writing 0 takes the proxies away under whoever is bound, 1 brings new ones. */
static int present_set(const char *val, const struct kernel_param *kp)
{
	bool want;
	int ret = kstrtobool(val, &want);

	if (ret)
		return ret;
	if (want)
		return create_all();
	destroy_all();
	return 0;
}

static const struct kernel_param_ops present_ops = { .set = present_set };
module_param_cb(present, &present_ops, NULL, 0200);
MODULE_PARM_DESC(present, "0: destroy the proxies, 1: register them again");

static int api_set(const char *val, const struct kernel_param *kp)
{
	return ctxtest_api();
}

static const struct kernel_param_ops api_ops = { .set = api_set };
module_param_cb(api, &api_ops, NULL, 0200);
MODULE_PARM_DESC(api, "write anything: test the in-kernel API, EIO if it fails");

static int __init ctxtest_init(void)
{
	return create_all();
}

static void __exit ctxtest_exit(void)
{
	destroy_all();
}

module_init(ctxtest_init);
module_exit(ctxtest_exit);

MODULE_DESCRIPTION("mlproxy: decisions from every context, for tests");
MODULE_LICENSE("GPL");
