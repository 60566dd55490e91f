// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module, parameters, and the proxy's callbacks.
 *
 * If F2FS is loaded later, the hooks are attached then. Parameters under
 * /sys/module/mlproxy_f2fs/parameters/ are the administrator's interface; the proxy's own state
 * is under /sys/class/misc/mlproxy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "action.h"
#include "common/attach.h"
#include "common/hook.h"
#include "common/params.h"
#include "f2fs.h"
#include "hook.h"
#include "mount.h"
#include "schema.h"
#include "lifetime.h"

/* Twice what life.c lets wait. */
#define F2FS_PENDING	4096

DEFINE_PER_CPU(struct f2fs_counters, f2fs_counters);
int f2fs_pin = -1;
unsigned int f2fs_max_mb = 1024;

static struct mlproxy *f2fs_registered;

static int f2fs_attach(void)
{
	int err;

	f2fs_mounts_run(true);
	err = proxy_hooks_attach();
	if (err)
		f2fs_mounts_run(false);
	return err;
}

static void f2fs_detach(void)
{
	proxy_hooks_detach();
	f2fs_mounts_run(false);
}

static struct proxy_attach f2fs_attached = {
	PROXY_ATTACH(f2fs_attached, &f2fs_chosen),
	.attach = f2fs_attach,
	.detach = f2fs_detach,
	.look = f2fs_mounts_choose,
	.choose = f2fs_mounts_choose,
};

/* The callbacks: @priv is the filesystem, of an instance; else NULL. */
static int f2fs_start(struct mlproxy *proxy, void *priv)
{
	return priv ? 0 : proxy_attach_start(&f2fs_attached);
}

static void f2fs_stop(struct mlproxy *proxy, void *priv)
{
	if (!priv)
		proxy_attach_stop(&f2fs_attached);
}

static unsigned int f2fs_snapshot(void *priv, s64 *values, unsigned int nr)
{
	return priv ? f2fs_mount_snapshot(priv, values, nr) : 0;
}

static bool f2fs_critical(void *priv)
{
	return priv && f2fs_mount_short(priv);
}

static u32 f2fs_estimate(void *priv, const s64 *values, unsigned int nr)
{
	if (!nr)
		return MLPROXY_HEALTH_UNKNOWN;
	return f2fs_critical(priv) ? MLPROXY_HEALTH_BAD : MLPROXY_HEALTH_GOOD;
}

/* What was decided for parts of files would hold on. */
static void f2fs_correct(struct mlproxy *proxy, void *priv, u32 reason)
{
	struct f2fs_mount *mount = priv;

	if (mount)
		f2fs_chunks_undecide(&mount->chunks);
}

static bool f2fs_audit(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		       struct mlproxy_outcome *outcome)
{
	const struct f2fs_mount *mount = priv;

	return mount && f2fs_life_audit(&mount->life, token, outcome);
}

static const struct mlproxy_ops f2fs_ops = {
	.start = f2fs_start,
	.stop = f2fs_stop,
	.snapshot = f2fs_snapshot,
	.critical = f2fs_critical,
	.estimate = f2fs_estimate,
	.correct = f2fs_correct,
	.audit = f2fs_audit,
};

static const struct mlproxy_desc f2fs_desc = {
	.owner = THIS_MODULE,
	.name = "f2fs",
	.schema_version = 1,
	.nr_features = F2FS_NR_FEATURES,
	.features = f2fs_features,
	.nr_actions = F2FS_NR_ACTIONS,
	.actions = f2fs_actions,
	.reward_name = "fit",
	.reward_unit = "log2",
	.reward_type = MLPROXY_TYPE_Q8,
	.reward_direction = MLPROXY_REWARD_HIGHER,
	.reward_min = -F2FS_LIFE_CAPACITY,
	.reward_max = 0,
	.unit = MLPROXY_UNIT_DECISION,
	.nr_states = F2FS_NR_STATES,
	.states = f2fs_states,
	.nr_events = F2FS_NR_EVENTS,
	.events = f2fs_events,
	.pending_entries = F2FS_PENDING,
	/* Garbage collection pays for a block's place when its segment is collected. */
	.outer_unit = MLPROXY_OUTER_WINDOW,
	.outer_hold_ns = 60 * NSEC_PER_SEC,
	.cost_name = "device_writes",
	.cost_unit = "blocks",
	.work_name = "user_writes",
	.work_unit = "blocks",
	.ops = &f2fs_ops,
};

PROXY_ATTACH_PARAMS(f2fs_attached,
		    "which F2FS filesystems are looked after: devices as in /dev, MAJOR:MINOR, directories that one is mounted on, fstype:f2fs, or local for all; separated by commas");

PROXY_INT(pin, f2fs_pin, -1, F2FS_PIN_RANDOM,
	  "for measurements: take this action always where it is legal, whatever was decided; 5: a random log for each block; -1 for none (default)");

PROXY_UINT(max_mb, f2fs_max_mb, 1, 1U << 20,
	   "memory for the blocks of a filesystem, 2 bytes each, in MB: larger ones are left alone (default 1024)");

static int mounts_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", f2fs_mounts_count());
}

static const struct kernel_param_ops mounts_ops = { .get = mounts_get };
module_param_cb(mounts, &mounts_ops, NULL, 0444);
MODULE_PARM_DESC(mounts, "filesystems that are known now; those that are chosen are from their first write on");

PROXY_COUNTER(nr_writes, f2fs_counters.writes, "blocks of users that were looked after");
PROXY_COUNTER(nr_migrated, f2fs_counters.migrated,
	      "blocks looked after that garbage collection moved");
PROXY_COUNTER(nr_decisions, f2fs_counters.decisions, "decisions: each holds for up to 64 blocks");
PROXY_COUNTER(nr_moved, f2fs_counters.moved,
	      "blocks of users that went to another log than F2FS's own choice");
PROXY_COUNTER(nr_moved_gc, f2fs_counters.moved_gc,
	      "blocks moved by garbage collection that went to another log");
PROXY_COUNTER(nr_missed, f2fs_counters.missed, "hints of a cold block that F2FS did not follow");
PROXY_COUNTER(nr_sampled, f2fs_counters.sampled, "decisions of which a block is followed");
PROXY_COUNTER(nr_settled, f2fs_counters.settled, "of these, those whose block's life is known");
PROXY_COUNTER(nr_dropped, f2fs_counters.dropped,
	      "decisions whose block could not be followed, for want of room");
PROXY_COUNTER(nr_evicted, f2fs_counters.evicted, "contexts that gave way to others");
PROXY_COUNTER(nr_forgotten, f2fs_counters.forgotten, "parts of files that gave way to others");
PROXY_COUNTER(nr_odd, f2fs_counters.odd,
	      "writes that were not as F2FS's structures say, and left alone; should be 0");

#define ALONE(_name, _cause, _text) \
	PROXY_COUNTER(nr_alone_##_name, f2fs_counters.alone[_cause], "blocks left alone: " _text)

ALONE(kind, F2FS_ALONE_KIND, "not of a regular file, or of a quota file");
ALONE(mapping, F2FS_ALONE_MAPPING, "of a page that belongs to another file");
ALONE(compressed, F2FS_ALONE_COMPRESSED, "of a compressed file");
ALONE(encrypted, F2FS_ALONE_ENCRYPTED, "of an encrypted file");
ALONE(atomic, F2FS_ALONE_ATOMIC, "of an atomic write");
ALONE(pinned, F2FS_ALONE_PINNED, "of a pinned file");
ALONE(advice, F2FS_ALONE_ADVICE, "of a file that F2FS was told to be hot or cold");
ALONE(hint, F2FS_ALONE_HINT, "of a file with a write hint");
ALONE(mount, F2FS_ALONE_MOUNT, "of a filesystem that is left alone; the kernel's log says why");
ALONE(busy, F2FS_ALONE_BUSY, "too many writes were under way");
ALONE(log, F2FS_ALONE_LOG, "for a log of its own, as of age-threshold garbage collection");

static int __init f2fs_proxy_init(void)
{
	struct mlproxy *proxy;
	int err;

	err = f2fs_hooks_init();
	if (err)
		return err;
	proxy = mlproxy_register(&f2fs_desc, NULL);
	if (IS_ERR(proxy)) {
		proxy_hooks_exit();
		return PTR_ERR(proxy);
	}
	f2fs_registered = proxy;
	f2fs_mounts_init(proxy);
	return 0;
}

static void __exit f2fs_proxy_exit(void)
{
	proxy_hooks_exit();
	f2fs_mounts_exit();
	mlproxy_destroy(f2fs_registered);
	proxy_attach_exit(&f2fs_attached);
}

module_init(f2fs_proxy_init);
module_exit(f2fs_proxy_exit);

MODULE_DESCRIPTION("Model proxy for the log that F2FS writes a data block to");
MODULE_LICENSE("GPL");
