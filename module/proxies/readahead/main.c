// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module, parameters, and the proxy's callbacks.
 *
 * Parameters under /sys/module/mlproxy_readahead/parameters/ are the administrator's
 * interface; the proxy's own state is under /sys/class/misc/mlproxy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/vmstat.h>

#include "common/attach.h"
#include "common/hook.h"
#include "common/params.h"
#include "action.h"
#include "file.h"
#include "hook.h"
#include "instance.h"
#include "readahead.h"
#include "rent.h"
#include "schema.h"
#include "target.h"
#include "task.h"

/* Set before the hooks are attached. */
struct mlproxy *ra_proxy;
DEFINE_PER_CPU(struct ra_counters, ra_counters);
unsigned int ra_epoch_calls = 16;
unsigned int ra_epoch_us = 20000;
unsigned int ra_wait_cpu_ns;
unsigned int ra_use_ms = 1000;
int ra_pin = -1;
bool ra_fix_mmap_miss;

static unsigned int max_files = 512;
static struct mlproxy *ra_registered;

static int ra_attach(void)
{
	int err;

	ra_task_begin();
	err = ra_rent_attach();
	if (err)
		return err;
	err = proxy_hooks_attach();
	if (err)
		ra_rent_detach();
	return err;
}

static void ra_detach(void)
{
	proxy_hooks_detach();
	ra_rent_detach();
}

/* To see what is mounted takes longer than to look up some names. */
static void ra_look(void)
{
	static unsigned int seconds;

	if (++seconds % 4 == 0)
		ra_instances_look();
}

static struct proxy_attach ra_attached = {
	PROXY_ATTACH(ra_attached, &ra_chosen),
	.attach = ra_attach,
	.detach = ra_detach,
	.look = ra_look,
	.choose = ra_instances_choose,
};

/* The callbacks: @priv is the device's slot, of an instance; else NULL. */
static int ra_start(struct mlproxy *proxy, void *priv)
{
	if (priv)
		return 0;
	/* Nothing is attached now, and nothing will be but by what comes last. */
	if (!ra_wait_cpu_ns)
		ra_wait_cpu_ns = ra_wait_measure();
	/* It may be started before mlproxy_register() has returned it. */
	ra_proxy = proxy;
	ra_files_reset();
	return proxy_attach_start(&ra_attached);
}

static void ra_stop(struct mlproxy *proxy, void *priv)
{
	if (!priv)
		proxy_attach_stop(&ra_attached);
}

static unsigned int ra_snapshot(void *priv, s64 *values, unsigned int nr)
{
	return ra_target_snapshot(priv, values, nr);
}

/* Memory is short: reading ahead on trial would evict what others need. */
static bool ra_critical(void *priv)
{
	return global_zone_page_state(NR_FREE_PAGES) < totalram_pages() / 1024;
}

static u32 ra_estimate(void *priv, const s64 *values, unsigned int nr)
{
	if (ra_critical(priv))
		return MLPROXY_HEALTH_BAD;
	if (!nr)
		return MLPROXY_HEALTH_UNKNOWN;
	return ra_target_strained(priv) ? MLPROXY_HEALTH_STRAINED : MLPROXY_HEALTH_GOOD;
}

/* A window chosen by the model would last to the end of its epoch. */
static void ra_correct(struct mlproxy *proxy, void *priv, u32 reason)
{
	ra_files_correct();
	this_cpu_inc(ra_counters.corrections);
}

static const struct mlproxy_ops ra_ops = {
	.start = ra_start,
	.stop = ra_stop,
	.snapshot = ra_snapshot,
	.critical = ra_critical,
	.estimate = ra_estimate,
	.correct = ra_correct,
};

static const struct mlproxy_desc ra_desc = {
	.owner = THIS_MODULE,
	.name = "readahead",
	.schema_version = 3,
	.nr_features = RA_NR_FEATURES,
	.features = ra_features,
	.nr_actions = RA_NR_ACTIONS,
	.actions = ra_actions,
	.reward_name = "progress",
	.reward_unit = "log2",
	.reward_type = MLPROXY_TYPE_Q8,
	.reward_direction = MLPROXY_REWARD_HIGHER,
	.reward_min = RA_REWARD_MIN,
	.reward_max = 0,
	.unit = MLPROXY_UNIT_DECISION,
	.ledger_name = "saved",
	.ledger_unit = "us",
	.ledger_direction = MLPROXY_REWARD_HIGHER,
	.ledger_min = -RA_LEDGER_MAX,
	.ledger_max = RA_LEDGER_MAX,
	/* A bad window is over in milliseconds, and a file has a few decisions a second. */
	.trial_share = MLPROXY_SHARE_ONE / 4,
	.min_samples = 50,
	/* The page cache follows the share of a policy slowly. */
	.ramp_ns = 10 * NSEC_PER_SEC,
	.nr_states = MLPROXY_MAX_STATES,
	.states = ra_states,
	.outer_unit = MLPROXY_OUTER_ENTITY,
	.outer_hold_ns = RA_OUTER_HOLD_NS,
	.outer_washout_ns = RA_OUTER_WASHOUT_NS,
	.cost_name = "time",
	.cost_unit = "ns",
	.work_name = "work",
	.work_unit = "ns",
	.ops = &ra_ops,
};

PROXY_ATTACH_PARAMS(ra_attached,
		    "whose files are looked after: devices as in /dev, MAJOR:MINOR, directories that a filesystem is mounted on, fstype:NAME, or local for all; separated by commas");

module_param(max_files, uint, 0444);
MODULE_PARM_DESC(max_files, "files known at a time, 8 to 65536, 560 bytes each (default 512)");

PROXY_UINT(epoch_calls, ra_epoch_calls, 2, 10000,
	   "cache misses of a file until the next decision (default 16)");
PROXY_UINT(epoch_us, ra_epoch_us, 100, 10000000,
	   "microseconds after which two misses are enough (default 20000)");
PROXY_UINT(wait_cpu_ns, ra_wait_cpu_ns, 0, NSEC_PER_MSEC,
	   "CPU time that waiting for a page takes a task, in ns, which is no progress; 0: measured at the start (default)");

PROXY_UINT(use_ms, ra_use_ms, 1, 30000,
	   "how long after it was read ahead a page may be used, in 1.05 ms (default 1000)");

PROXY_INT(pin, ra_pin, -1, RA_NR_ACTIONS - 1,
	  "for measurements: take this action always, whatever was decided; -1 for none (default)");

module_param_named(fix_mmap_miss, ra_fix_mmap_miss, bool, 0644);
MODULE_PARM_DESC(fix_mmap_miss, "for measurements, with pin=0: pages mapped around a fault do not count as hits of the kernel's readahead");

PROXY_COUNTER(nr_calls, ra_counters.calls, "cache misses and marked pages on the targets");
PROXY_COUNTER(nr_rested, ra_counters.rested, "of these, those of files that rested");
PROXY_COUNTER(nr_skipped, ra_counters.skipped,
	      "calls not counted: others held the entry, or too many tasks read");
PROXY_COUNTER(nr_advised, ra_counters.advised, "calls left alone, as the application gave advice");
PROXY_COUNTER(nr_corrections, ra_counters.corrections,
	      "times that all files got the kernel's own window back");
PROXY_COUNTER(nr_evicted, ra_counters.evicted, "files that gave way to others");
PROXY_COUNTER(nr_decisions, ra_counters.decisions, "epochs ended");
PROXY_COUNTER(nr_dropped, ra_counters.dropped,
	      "decisions that nothing came of: the file had given way to another, or was seen afresh");
PROXY_COUNTER(nr_changes, ra_counters.changes, "epochs ended early, as the reads had changed");
PROXY_COUNTER(nr_looks, ra_counters.looks,
	      "epochs under a small window, to see what a large one would hide");
PROXY_COUNTER(nr_rewards, ra_counters.rewards, "epochs with a reward");
PROXY_COUNTER(nr_sampled, ra_counters.sampled,
	      "pages read ahead that are watched, to see whether they are used");
PROXY_COUNTER(nr_used, ra_counters.used, "of these, those used in time");
PROXY_COUNTER(nr_unused, ra_counters.unused, "of these, those that were not");
PROXY_COUNTER(nr_reclaimed, ra_counters.reclaimed,
	      "evicted pages that are watched, to see whether they are missed");
PROXY_COUNTER(nr_returned, ra_counters.returned, "of these, those missed soon");
PROXY_COUNTER(nr_overridden, ra_counters.overridden,
	      "calls served with another window than the kernel's");
PROXY_COUNTER(nr_prefetched, ra_counters.prefetched,
	      "calls served by the pattern prefetcher, or exactly");
PROXY_COUNTER(nr_refused, ra_counters.refused,
	      "prefetches that the device or the memory had no budget for, the reader's cgroup is held back from, or a lock forbade");
PROXY_COUNTER(nr_unlocked, ra_counters.unlocked,
	      "page faults that let go of the memory map's lock to prefetch");
PROXY_COUNTER(reward_sum, ra_counters.reward_sum, "sum of the rewards, in 1/256 of log2");
PROXY_COUNTER(think_ns, ra_counters.think_ns, "CPU time of the tasks outside of readahead");
PROXY_COUNTER(wall_ns, ra_counters.wall_ns, "all time of the tasks but idle time");

static int __init readahead_init(void)
{
	struct mlproxy *proxy;
	int err;

	if (max_files < 8 || max_files > 65536) {
		pr_err("max_files=%u is outside of 8 to 65536\n", max_files);
		return -EINVAL;
	}
	ra_targets_init();
	err = ra_rent_init();
	if (err)
		return err;
	err = ra_files_alloc(max_files);
	if (err)
		return err;
	err = ra_hooks_init();
	if (err)
		goto out_free;
	proxy = mlproxy_register(&ra_desc, NULL);
	if (IS_ERR(proxy)) {
		err = PTR_ERR(proxy);
		goto out_hooks;
	}
	ra_registered = proxy;
	ra_instances_init(proxy);
	return 0;
out_hooks:
	proxy_hooks_exit();
out_free:
	ra_files_free();
	return err;
}

static void __exit readahead_exit(void)
{
	proxy_hooks_exit();
	ra_instances_exit();
	mlproxy_destroy(ra_registered);
	proxy_attach_exit(&ra_attached);
	ra_files_free();
}

module_init(readahead_init);
module_exit(readahead_exit);

MODULE_DESCRIPTION("Model proxy for the page cache's readahead window");
MODULE_LICENSE("GPL");
