// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters of the mode machine.
 */
#include "mode.h"
#include "mode_path.h"
#include "mode_priv.h"

#define DEFAULT_LATENCY_NS	NSEC_PER_MSEC

/**
 * struct mode_param - a parameter of the machine
 * @param: MLPROXY_PARAM_*
 * @offset: in struct mode_config
 * @bytes: of the member
 * @min: smallest value
 * @max: largest value
 */
struct mode_param {
	u32 param;
	u32 offset;
	u32 bytes;
	u64 min;
	u64 max;
};

#define MODE_PARAM(_param, _member, _min, _max) {			\
	.param = MLPROXY_PARAM_##_param,				\
	.offset = offsetof(struct mode_config, _member),		\
	.bytes = sizeof_field(struct mode_config, _member),		\
	.min = _min,							\
	.max = _max,							\
}

static const struct mode_param mode_params[] = {
	MODE_PARAM(MIN_SAMPLES, min_samples, 2, MODE_MAX_MIN_SAMPLES),
	MODE_PARAM(ALPHA_PPM, alpha_ppm, 1, 500000),
	MODE_PARAM(MARGIN_Q16, margin_q16, 0, 16 << 16),
	MODE_PARAM(BLOCK, block, 64, 1 << 28),
	MODE_PARAM(DROP_Q16, drop_q16, 1, 1024 << 16),
	MODE_PARAM(DROP_SAMPLES, drop_samples, 16, 1 << 24),
	MODE_PARAM(ERROR_SHARE, error_share, 1, MLPROXY_SHARE_ONE),
	MODE_PARAM(HOLD_NS, hold_ns, 1000000, 3600000000000ULL),
	MODE_PARAM(RAMP_NS, ramp_ns, 0, MODE_MAX_RAMP_NS),
	MODE_PARAM(OUTER_MARGIN_Q16, verdict.outer_margin_q16, 0, MLPROXY_SHARE_ONE),
	MODE_PARAM(LEDGER_MARGIN_Q16, verdict.ledger_margin_q16, 0, 16 << 16),
};

static void *param_of(struct mlproxy_modes *ms, u32 param, const struct mode_param **p)
{
	for (*p = mode_params; *p < mode_params + ARRAY_SIZE(mode_params); (*p)++)
		if ((*p)->param == param)
			return (u8 *)&ms->config + (*p)->offset;
	return NULL;
}

/**
 * mlproxy_mode_set_param() - change a parameter of the machine
 * @proxy: the proxy, its lock held
 * @param: MLPROXY_PARAM_*
 * @value: new value
 *
 * Return: 0, or -EINVAL for another @param or a value out of range.
 */
int mlproxy_mode_set_param(struct mlproxy *proxy, u32 param, u64 value)
{
	struct mlproxy_modes *ms = proxy->modes;
	const struct mode_param *p;
	unsigned long flags;
	void *member;

	switch (param) {
	case MLPROXY_PARAM_LATENCY_NS:
		if (value > NSEC_PER_SEC)
			return -EINVAL;
		WRITE_ONCE(proxy->latency_ns, value);
		return 0;
	}
	member = param_of(ms, param, &p);
	if (!member || value < p->min || value > p->max)
		return -EINVAL;
	flags = lock_modes(ms);
	if (p->bytes == sizeof(u64))
		*(u64 *)member = value;
	else
		*(u32 *)member = value;
	unlock_modes(ms, flags);
	/* A hold may be over now. */
	mlproxy_mode_kick(proxy);
	return 0;
}

/**
 * mlproxy_mode_get_param() - ask for a parameter of the machine
 * @proxy: the proxy
 * @param: MLPROXY_PARAM_*
 * @value: out
 *
 * Return: 0, or -EINVAL for another @param.
 */
int mlproxy_mode_get_param(struct mlproxy *proxy, u32 param, u64 *value)
{
	const struct mode_param *p;
	void *member;

	switch (param) {
	case MLPROXY_PARAM_WASHOUT_NS:
		*value = READ_ONCE(proxy->washout_ns);
		return 0;
	case MLPROXY_PARAM_LATENCY_NS:
		*value = READ_ONCE(proxy->latency_ns);
		return 0;
	}
	member = param_of(proxy->modes, param, &p);
	if (!member)
		return -EINVAL;
	*value = p->bytes == sizeof(u64) ? READ_ONCE(*(u64 *)member) : READ_ONCE(*(u32 *)member);
	return 0;
}

/**
 * mlproxy_mode_defaults() - set all parameters of the machine
 * @proxy: being made, or with the machine's lock held
 */
void mlproxy_mode_defaults(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;

	mode_config_defaults(&ms->config);
	if (proxy->min_samples)
		ms->config.min_samples = proxy->min_samples;
	ms->config.clustered = proxy->schema.unit != MLPROXY_UNIT_DECISION;
	if (proxy->ramp_ns)
		ms->config.ramp_ns = proxy->ramp_ns;
	ms->config.strata = proxy->nr_strata;
	ms->config.verdict.ledger = proxy->ledger;
	ms->config.verdict.ledger_lower =
		proxy->schema.ledger_direction == MLPROXY_REWARD_LOWER;
	ms->config.verdict.outer = proxy->costs;
	ms->config.lower_is_better = proxy->schema.reward_direction == MLPROXY_REWARD_LOWER;
	proxy->washout_ns = 0;
	proxy->latency_ns = DEFAULT_LATENCY_NS;
}
