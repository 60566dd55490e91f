// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: one folder a proxy below the misc device, one value a file; documented
 * in docs/sysfs-mlproxy. Everything that is more than a value is in the ioctls.
 */
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "core.h"
#include "device.h"
#include "whole.h"
#include "mode.h"
#include "mode_path.h"
#include "names.h"
#include "param.h"

/* Outlives the proxy, whose pointer is good while the folder is there. */
struct mlproxy_kobj {
	struct kobject kobj;
	struct mlproxy *proxy;
};

struct proxy_attr {
	struct attribute attr;
	ssize_t (*show)(struct mlproxy *proxy, u32 arg, char *buf);
	ssize_t (*store)(struct mlproxy *proxy, u32 arg, const char *buf, size_t len);
	u32 arg;
};

static ssize_t state_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	return sysfs_emit(buf, "%s\n", mlproxy_state_name(READ_ONCE(proxy->state)));
}

static ssize_t health_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	return sysfs_emit(buf, "%s\n", mlproxy_health_name(READ_ONCE(proxy->health)));
}

static void fill_mode(struct mlproxy *proxy, struct mlproxy_mode *mode)
{
	struct mlproxy *shown = mlproxy_shown_lock(proxy);

	mlproxy_mode_fill(shown, mode);
	mlproxy_shown_unlock(proxy);
}

static ssize_t mode_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	struct mlproxy_mode mode = {};

	fill_mode(proxy, &mode);
	return sysfs_emit(buf, "%s\n", mlproxy_mode_name(mode.mode));
}

static ssize_t mode_store(struct mlproxy *proxy, u32 arg, const char *buf, size_t len)
{
	bool automatic = sysfs_streq(buf, "auto");
	int mode = automatic ? 0 : mlproxy_mode_by_name(buf);
	int ret;

	if (mode < 0)
		return mode;
	ret = mlproxy_order_mode(proxy, mode, automatic);
	return ret ? ret : len;
}

static ssize_t stage_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	struct mlproxy *shown = mlproxy_shown_lock(proxy);
	bool ramp = READ_ONCE(shown->trust) & TRUST_RAMP;

	mlproxy_shown_unlock(proxy);
	return sysfs_emit(buf, "%s\n", ramp ? "ramp" : "none");
}

static ssize_t automatic_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	struct mlproxy_mode mode = {};

	fill_mode(proxy, &mode);
	return sysfs_emit(buf, "%u\n", mode.automatic);
}

static ssize_t reason_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	struct mlproxy_mode mode = {};

	fill_mode(proxy, &mode);
	return sysfs_emit(buf, "%s\n", mlproxy_reason_name(mode.reason));
}

/* arg: MLPROXY_VERDICT_* << 16 | offset of one of the numbers in struct mlproxy_evidence */
static ssize_t evidence_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	struct mlproxy *shown = mlproxy_shown_lock(proxy);
	struct mlproxy_evidence evidence;

	mlproxy_mode_evidence(shown, arg >> 16, &evidence);
	mlproxy_shown_unlock(proxy);
	return sysfs_emit(buf, "%lld\n", *(s64 *)((u8 *)&evidence + (arg & 0xffff)));
}

static ssize_t schema_version_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	return sysfs_emit(buf, "%u\n", proxy->schema.schema_version);
}

static ssize_t lost_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	return sysfs_emit(buf, "%llu\n", mlproxy_stats_lost(proxy));
}

static ssize_t counter_show(struct mlproxy *proxy, u32 offset, char *buf)
{
	struct mlproxy_stats *stats;
	ssize_t ret;

	stats = kzalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	mlproxy_stats_fill(proxy, stats);
	ret = sysfs_emit(buf, "%llu\n", *(u64 *)((u8 *)stats + offset));
	kfree(stats);
	return ret;
}

static ssize_t version_show(struct mlproxy *proxy, u32 standby, char *buf)
{
	struct mlproxy_model_info info = {};

	mlproxy_model_info(proxy->whole, &info);
	return sysfs_emit(buf, "%u\n", standby ? info.standby_version : info.active_version);
}

/* arg: MLPROXY_PARAM_* << 8 | mode */
static ssize_t param_show(struct mlproxy *proxy, u32 arg, char *buf)
{
	u64 value = 0;
	int ret = mlproxy_get_param(proxy, arg >> 8, arg & 0xff, &value);

	return ret ? ret : sysfs_emit(buf, "%llu\n", value);
}

static ssize_t param_store(struct mlproxy *proxy, u32 arg, const char *buf, size_t len)
{
	u64 value;
	int ret = kstrtou64(buf, 0, &value);

	if (!ret)
		ret = mlproxy_order_param(proxy, arg >> 8, arg & 0xff, value);
	return ret ? ret : len;
}

#define ATTR(_name, _mode, _show, _store, _arg)					\
	static struct proxy_attr attr_##_name = {				\
		.attr = { .name = #_name, .mode = _mode },			\
		.show = _show, .store = _store, .arg = _arg,			\
	}
#define COUNTER(_name, _field)							\
	ATTR(_name, 0444, counter_show, NULL, offsetof(struct mlproxy_stats, _field))
#define EVIDENCE(_name, _verdict, _field)					\
	ATTR(_name, 0444, evidence_show, NULL,					\
	     (_verdict) << 16 | offsetof(struct mlproxy_evidence, _field))
#define PARAM(_name, _param)							\
	ATTR(_name, 0644, param_show, param_store, (_param) << 8)
#define MODE_PARAM(_name, _param, _mode)					\
	ATTR(_name, 0644, param_show, param_store, (_param) << 8 | (_mode))

ATTR(state, 0444, state_show, NULL, 0);
ATTR(health, 0444, health_show, NULL, 0);
ATTR(mode, 0644, mode_show, mode_store, 0);
ATTR(mode_reason, 0444, reason_show, NULL, 0);
ATTR(automatic, 0444, automatic_show, NULL, 0);
ATTR(stage, 0444, stage_show, NULL, 0);
EVIDENCE(gain, MLPROXY_VERDICT_REWARD, gain_q16);
EVIDENCE(gain_low, MLPROXY_VERDICT_REWARD, low_q16);
EVIDENCE(gain_high, MLPROXY_VERDICT_REWARD, high_q16);
EVIDENCE(ledger_gain, MLPROXY_VERDICT_LEDGER, gain_q16);
EVIDENCE(ledger_gain_low, MLPROXY_VERDICT_LEDGER, low_q16);
EVIDENCE(ledger_gain_high, MLPROXY_VERDICT_LEDGER, high_q16);
EVIDENCE(outer_gain, MLPROXY_VERDICT_OUTER, gain_q16);
EVIDENCE(outer_gain_low, MLPROXY_VERDICT_OUTER, low_q16);
EVIDENCE(outer_gain_high, MLPROXY_VERDICT_OUTER, high_q16);
PARAM(ramp_ns, MLPROXY_PARAM_RAMP_NS);
PARAM(ramp_share, MLPROXY_PARAM_RAMP_SHARE);
PARAM(ledger_margin_q16, MLPROXY_PARAM_LEDGER_MARGIN_Q16);
PARAM(outer_hold_ns, MLPROXY_PARAM_OUTER_HOLD_NS);
PARAM(outer_washout_ns, MLPROXY_PARAM_OUTER_WASHOUT_NS);
PARAM(outer_margin_q16, MLPROXY_PARAM_OUTER_MARGIN_Q16);
PARAM(washout_ns, MLPROXY_PARAM_WASHOUT_NS);
PARAM(min_samples, MLPROXY_PARAM_MIN_SAMPLES);
PARAM(alpha_ppm, MLPROXY_PARAM_ALPHA_PPM);
PARAM(margin_q16, MLPROXY_PARAM_MARGIN_Q16);
PARAM(block, MLPROXY_PARAM_BLOCK);
PARAM(drop_q16, MLPROXY_PARAM_DROP_Q16);
PARAM(drop_samples, MLPROXY_PARAM_DROP_SAMPLES);
PARAM(error_share, MLPROXY_PARAM_ERROR_SHARE);
PARAM(latency_ns, MLPROXY_PARAM_LATENCY_NS);
PARAM(hold_ns, MLPROXY_PARAM_HOLD_NS);
ATTR(schema_version, 0444, schema_version_show, NULL, 0);
ATTR(active_version, 0444, version_show, NULL, 0);
ATTR(standby_version, 0444, version_show, NULL, 1);
ATTR(window_ns, 0644, param_show, param_store, MLPROXY_PARAM_WINDOW_NS << 8);
ATTR(pending_ns, 0644, param_show, param_store, MLPROXY_PARAM_PENDING_NS << 8);
ATTR(state_period_ns, 0644, param_show, param_store, MLPROXY_PARAM_STATE_PERIOD_NS << 8);
ATTR(records_lost, 0444, lost_show, NULL, 0);
COUNTER(decisions, decisions);
COUNTER(decisions_baseline, by_source[MLPROXY_SRC_BASELINE]);
COUNTER(decisions_recommendation, by_source[MLPROXY_SRC_RECOMMENDATION]);
COUNTER(decisions_model, by_source[MLPROXY_SRC_MODEL]);
COUNTER(decisions_bpf, by_source[MLPROXY_SRC_BPF]);
COUNTER(decisions_explore, by_source[MLPROXY_SRC_EXPLORE]);
COUNTER(decisions_critical, critical);
COUNTER(feedbacks, feedbacks);
COUNTER(refused, refused);
COUNTER(errors, errors);
COUNTER(pending_deferred, pending_deferred);
COUNTER(pending_resolved, pending_resolved);
COUNTER(pending_expired, pending_expired);
COUNTER(pending_evicted, pending_evicted);
COUNTER(recommendations_accepted, rec_accepted);
COUNTER(recommendations_rejected, rec_rejected);
COUNTER(recommendations_expired, rec_expired);
MODE_PARAM(share_learning, MLPROXY_PARAM_SHARE, MLPROXY_MODE_LEARNING);
MODE_PARAM(share_collaboration, MLPROXY_PARAM_SHARE, MLPROXY_MODE_COLLABORATION);
MODE_PARAM(share_recommendation, MLPROXY_PARAM_SHARE, MLPROXY_MODE_RECOMMENDATION);
MODE_PARAM(outer_share_learning, MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_LEARNING);
MODE_PARAM(outer_share_collaboration, MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_COLLABORATION);
MODE_PARAM(outer_share_recommendation, MLPROXY_PARAM_OUTER_SHARE, MLPROXY_MODE_RECOMMENDATION);
MODE_PARAM(explore_learning, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_LEARNING);
MODE_PARAM(explore_collaboration, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_COLLABORATION);
MODE_PARAM(explore_recommendation, MLPROXY_PARAM_EXPLORE, MLPROXY_MODE_RECOMMENDATION);

static struct attribute *proxy_attrs[] = {
	&attr_state.attr,
	&attr_health.attr,
	&attr_mode.attr,
	&attr_mode_reason.attr,
	&attr_automatic.attr,
	&attr_stage.attr,
	&attr_gain.attr,
	&attr_gain_low.attr,
	&attr_gain_high.attr,
	&attr_ledger_gain.attr,
	&attr_ledger_gain_low.attr,
	&attr_ledger_gain_high.attr,
	&attr_outer_gain.attr,
	&attr_outer_gain_low.attr,
	&attr_outer_gain_high.attr,
	&attr_ramp_ns.attr,
	&attr_ramp_share.attr,
	&attr_ledger_margin_q16.attr,
	&attr_outer_hold_ns.attr,
	&attr_outer_washout_ns.attr,
	&attr_outer_margin_q16.attr,
	&attr_outer_share_learning.attr,
	&attr_outer_share_collaboration.attr,
	&attr_outer_share_recommendation.attr,
	&attr_washout_ns.attr,
	&attr_min_samples.attr,
	&attr_alpha_ppm.attr,
	&attr_margin_q16.attr,
	&attr_block.attr,
	&attr_drop_q16.attr,
	&attr_drop_samples.attr,
	&attr_error_share.attr,
	&attr_latency_ns.attr,
	&attr_hold_ns.attr,
	&attr_refused.attr,
	&attr_errors.attr,
	&attr_schema_version.attr,
	&attr_active_version.attr,
	&attr_standby_version.attr,
	&attr_window_ns.attr,
	&attr_records_lost.attr,
	&attr_decisions.attr,
	&attr_decisions_baseline.attr,
	&attr_decisions_recommendation.attr,
	&attr_decisions_model.attr,
	&attr_decisions_bpf.attr,
	&attr_decisions_explore.attr,
	&attr_decisions_critical.attr,
	&attr_feedbacks.attr,
	&attr_pending_deferred.attr,
	&attr_pending_resolved.attr,
	&attr_pending_expired.attr,
	&attr_pending_evicted.attr,
	&attr_pending_ns.attr,
	&attr_state_period_ns.attr,
	&attr_recommendations_accepted.attr,
	&attr_recommendations_rejected.attr,
	&attr_recommendations_expired.attr,
	&attr_share_learning.attr,
	&attr_share_collaboration.attr,
	&attr_share_recommendation.attr,
	&attr_explore_learning.attr,
	&attr_explore_collaboration.attr,
	&attr_explore_recommendation.attr,
	NULL
};
ATTRIBUTE_GROUPS(proxy);

static ssize_t attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct proxy_attr *a = container_of(attr, struct proxy_attr, attr);

	return a->show(container_of(kobj, struct mlproxy_kobj, kobj)->proxy, a->arg, buf);
}

static ssize_t attr_store(struct kobject *kobj, struct attribute *attr, const char *buf,
			  size_t len)
{
	struct proxy_attr *a = container_of(attr, struct proxy_attr, attr);

	if (!a->store)
		return -EPERM;
	return a->store(container_of(kobj, struct mlproxy_kobj, kobj)->proxy, a->arg, buf,
			len);
}

static const struct sysfs_ops proxy_sysfs_ops = {
	.show = attr_show,
	.store = attr_store,
};

static void proxy_kobj_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct mlproxy_kobj, kobj));
}

static const struct kobj_type proxy_ktype = {
	.sysfs_ops = &proxy_sysfs_ops,
	.default_groups = proxy_groups,
	.release = proxy_kobj_release,
};

/**
 * mlproxy_sysfs_add() - make the folder of a proxy
 * @proxy: the proxy
 *
 * Context: may sleep. Return: 0 or -errno.
 */
int mlproxy_sysfs_add(struct mlproxy *proxy)
{
	struct mlproxy_kobj *mk = kzalloc(sizeof(*mk), proxy->gfp);
	int ret;

	if (!mk)
		return -ENOMEM;
	mk->proxy = proxy;
	ret = kobject_init_and_add(&mk->kobj, &proxy_ktype, &mlproxy_device()->kobj, "%s",
				   proxy->name);
	if (ret) {
		kobject_put(&mk->kobj);
		return ret;
	}
	proxy->kobj = mk;
	return 0;
}

/**
 * mlproxy_sysfs_remove() - remove the folder
 * @proxy: the proxy, with or without a folder, its lock not held
 *
 * No access to a file of it is under way once this returns. Context: may sleep.
 */
void mlproxy_sysfs_remove(struct mlproxy *proxy)
{
	if (!proxy->kobj)
		return;
	kobject_del(&proxy->kobj->kobj);
	kobject_put(&proxy->kobj->kobj);
	proxy->kobj = NULL;
}
