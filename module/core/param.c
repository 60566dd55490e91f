// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters of a proxy, as ioctls and sysfs set and show them. Those of the mode
 * machine are in mode_param.c, others beside what they govern.
 */
#include <linux/random.h>
#include <linux/time64.h>

#include "core.h"
#include "cost.h"
#include "mode.h"
#include "mode_path.h"
#include "param.h"
#include "pending.h"
#include "state.h"

#define DEFAULT_WINDOW_NS	(100 * NSEC_PER_MSEC)
#define DEFAULT_RAMP_SHARE	(MLPROXY_SHARE_ONE / 8 * 7)
#define MIN_WINDOW_NS		NSEC_PER_MSEC
#define MAX_WINDOW_NS		(3600ULL * NSEC_PER_SEC)

static const u32 default_share[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 2,
	[MLPROXY_MODE_RECOMMENDATION] = MLPROXY_SHARE_ONE - MLPROXY_SHARE_ONE / 64,
};

static const u32 default_explore[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 64,
};

/* One half of each is held to the baseline. */
static const u32 default_outer_share[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 4 * 3,
	[MLPROXY_MODE_RECOMMENDATION] = MLPROXY_SHARE_ONE / 8,
};

/**
 * mlproxy_param_defaults() - set the parameters that the mode machine does not have
 * @proxy: being made, or with its lock held
 */
void mlproxy_param_defaults(struct mlproxy *proxy)
{
	memcpy(proxy->share, default_share, sizeof(proxy->share));
	if (proxy->trial_share)
		proxy->share[MLPROXY_MODE_LEARNING] = proxy->trial_share;
	memcpy(proxy->explore, default_explore, sizeof(proxy->explore));
	proxy->ramp_share = DEFAULT_RAMP_SHARE;
	memcpy(proxy->outer_share, default_outer_share, sizeof(proxy->outer_share));
	proxy->outer_hold_ns = proxy->desc_hold_ns;
	proxy->outer_washout_ns = proxy->desc_washout_ns;
	proxy->window_ns = DEFAULT_WINDOW_NS;
	proxy->pending_ns = proxy->desc_pending_ns;
	proxy->state_period_ns = 0;
	proxy->seed = get_random_u64();
}

/* Outcomes of decisions whose arms were drawn in another way are another experiment's. */
static void set_u64(struct mlproxy *proxy, u64 *param, u64 value)
{
	u64 old = *param;

	WRITE_ONCE(*param, value);
	if (value != old)
		mlproxy_mode_restart(proxy);
}

/* One of the two may have all. Both together may not: nothing would be left to compare with. */
static bool shares_ok(u64 share, u32 other)
{
	return share <= MLPROXY_SHARE_ONE &&
	       (!share || !other || share + other < MLPROXY_SHARE_ONE);
}

static int set_share(struct mlproxy *proxy, u32 *shares, const u32 *others, u32 mode,
		     u64 value)
{
	u32 old;

	if (mode >= MLPROXY_NR_MODES || mode == MLPROXY_MODE_EMERGENCY)
		return -EINVAL;
	if (!shares_ok(value, others[mode]))
		return -EINVAL;
	old = shares[mode];
	WRITE_ONCE(shares[mode], value);
	if (value != old && mode == mlproxy_mode_of(proxy))
		mlproxy_mode_restart(proxy);
	return 0;
}

static int set_ramp_share(struct mlproxy *proxy, u64 value)
{
	u32 old = proxy->ramp_share;

	/* With less a control group would be missing, or nothing be tested that was not. */
	if (value < MLPROXY_SHARE_ONE / 2 || value >= MLPROXY_SHARE_ONE)
		return -EINVAL;
	WRITE_ONCE(proxy->ramp_share, value);
	if (value != old && mlproxy_mode_of(proxy) == MLPROXY_MODE_COLLABORATION)
		mlproxy_mode_restart(proxy);
	return 0;
}

static int set_outer_share(struct mlproxy *proxy, u32 mode, u64 value)
{
	u32 old;

	if (mode >= MLPROXY_NR_MODES || mode == MLPROXY_MODE_EMERGENCY ||
	    value > MLPROXY_SHARE_ONE)
		return -EINVAL;
	old = proxy->outer_share[mode];
	WRITE_ONCE(proxy->outer_share[mode], value);
	if (value != old && mode == mlproxy_mode_of(proxy))
		mlproxy_mode_restart(proxy);
	return 0;
}

static int set_outer_time(struct mlproxy *proxy, u64 *param, u64 value)
{
	u64 hold_ns = param == &proxy->outer_hold_ns ? value : proxy->outer_hold_ns;
	u64 washout_ns = param == &proxy->outer_washout_ns ? value : proxy->outer_washout_ns;

	if (hold_ns < OUTER_MIN_HOLD_NS || hold_ns > OUTER_MAX_HOLD_NS || washout_ns >= hold_ns)
		return -EINVAL;
	set_u64(proxy, param, value);
	return 0;
}

/* Which outcomes are lost depends on it. */
static int set_pending(struct mlproxy *proxy, u64 value)
{
	u64 old = proxy->pending_ns;
	int ret = mlproxy_pending_set_ns(proxy, value);

	if (!ret && value != old)
		mlproxy_mode_restart(proxy);
	return ret;
}

/**
 * mlproxy_set_param() - change a parameter
 * @proxy: the proxy
 * @param: MLPROXY_PARAM_*
 * @index: mode, for the shares; else 0
 * @value: new value
 *
 * Context: may sleep. Return: 0, -EINVAL, -ENODEV.
 */
int mlproxy_set_param(struct mlproxy *proxy, u32 param, u32 index, u64 value)
{
	int ret = -EINVAL;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	switch (param) {
	case MLPROXY_PARAM_SHARE:
		ret = set_share(proxy, proxy->share, proxy->explore, index, value);
		break;
	case MLPROXY_PARAM_EXPLORE:
		ret = set_share(proxy, proxy->explore, proxy->share, index, value);
		break;
	case MLPROXY_PARAM_RAMP_SHARE:
		if (!index)
			ret = set_ramp_share(proxy, value);
		break;
	case MLPROXY_PARAM_OUTER_SHARE:
		ret = set_outer_share(proxy, index, value);
		break;
	case MLPROXY_PARAM_OUTER_HOLD_NS:
		if (!index)
			ret = set_outer_time(proxy, &proxy->outer_hold_ns, value);
		break;
	case MLPROXY_PARAM_OUTER_WASHOUT_NS:
		if (!index)
			ret = set_outer_time(proxy, &proxy->outer_washout_ns, value);
		break;
	case MLPROXY_PARAM_WINDOW_NS:
		if (index || value < MIN_WINDOW_NS || value > MAX_WINDOW_NS ||
		    value <= proxy->washout_ns)
			break;
		set_u64(proxy, &proxy->window_ns, value);
		ret = 0;
		break;
	case MLPROXY_PARAM_STATE_PERIOD_NS:
		if (!index)
			ret = mlproxy_state_set_period(proxy, value);
		break;
	case MLPROXY_PARAM_PENDING_NS:
		if (!index)
			ret = set_pending(proxy, value);
		break;
	case MLPROXY_PARAM_WASHOUT_NS:
		if (index || value >= proxy->window_ns)
			break;
		set_u64(proxy, &proxy->washout_ns, value);
		ret = 0;
		break;
	case MLPROXY_PARAM_SEED:
		if (index)
			break;
		set_u64(proxy, &proxy->seed, value);
		ret = 0;
		break;
	default:
		if (!index)
			ret = mlproxy_mode_set_param(proxy, param, value);
	}
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_get_param() - ask for a parameter
 * @proxy: the proxy
 * @param: MLPROXY_PARAM_*
 * @index: mode, for the shares; else 0
 * @value: out; 0 for the seed, which stays secret
 *
 * Return: 0, or -EINVAL.
 */
int mlproxy_get_param(struct mlproxy *proxy, u32 param, u32 index, u64 *value)
{
	bool per_mode = param == MLPROXY_PARAM_SHARE || param == MLPROXY_PARAM_EXPLORE ||
			param == MLPROXY_PARAM_OUTER_SHARE;

	if (index >= (per_mode ? MLPROXY_NR_MODES : 1))
		return -EINVAL;
	switch (param) {
	case MLPROXY_PARAM_SHARE:
		*value = READ_ONCE(proxy->share[index]);
		return 0;
	case MLPROXY_PARAM_EXPLORE:
		*value = READ_ONCE(proxy->explore[index]);
		return 0;
	case MLPROXY_PARAM_RAMP_SHARE:
		*value = READ_ONCE(proxy->ramp_share);
		return 0;
	case MLPROXY_PARAM_OUTER_SHARE:
		*value = READ_ONCE(proxy->outer_share[index]);
		return 0;
	case MLPROXY_PARAM_OUTER_HOLD_NS:
		*value = READ_ONCE(proxy->outer_hold_ns);
		return 0;
	case MLPROXY_PARAM_OUTER_WASHOUT_NS:
		*value = READ_ONCE(proxy->outer_washout_ns);
		return 0;
	case MLPROXY_PARAM_WINDOW_NS:
		*value = READ_ONCE(proxy->window_ns);
		return 0;
	case MLPROXY_PARAM_STATE_PERIOD_NS:
		*value = READ_ONCE(proxy->state_period_ns);
		return 0;
	case MLPROXY_PARAM_PENDING_NS:
		*value = READ_ONCE(proxy->pending_ns);
		return 0;
	case MLPROXY_PARAM_SEED:
		*value = 0;
		return 0;
	}
	return mlproxy_mode_get_param(proxy, param, value);
}
