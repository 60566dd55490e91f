// SPDX-License-Identifier: GPL-2.0-only
/*
 * The description of a decision point of user space: fetched once, then checked, then
 * used. What a module's description is checked for is in schema_check.c.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "point.h"
#include "schema_check.h"

#define DEFAULT_PENDING	256
/* A module's author knows what a decision may cost there; a daemon asks for it. */
#define MOST_MACS	131072U

/**
 * struct spec_array - an array of a description
 * @user: user pointer
 * @nr: entries
 * @most: entries that there may be
 * @stride: size of one where it comes from
 * @size: size of one here
 * @min: size of one when it was first published
 * @to: out: the copy
 */
struct spec_array {
	u64 user;
	u32 nr;
	u32 most;
	u32 stride;
	u32 size;
	u32 min;
	void **to;
};

#define SPEC_ARRAY(_user, _nr, _most, _stride, _type, _last, _to) {		\
	.user = _user, .nr = _nr, .most = _most, .stride = _stride,		\
	.size = sizeof(_type), .min = offsetofend(_type, _last), .to = (void **)(_to),	\
}

/* Whose number is out of range is not fetched: the check will say so. */
static int get_array(const struct spec_array *array)
{
	const u8 __user *from = u64_to_user_ptr(array->user);
	u8 *copy;
	u32 i;
	int ret;

	if (!array->nr || array->nr > array->most || !array->user)
		return 0;
	if (array->stride < array->min || array->stride > PAGE_SIZE)
		return -EINVAL;
	copy = kcalloc(array->nr, array->size, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	*array->to = copy;
	for (i = 0; i < array->nr; i++) {
		ret = copy_struct_from_user(copy + i * array->size, array->size,
					    from + (size_t)i * array->stride, array->stride);
		if (ret)
			return ret;
	}
	return 0;
}

static int get_arrays(struct point_spec *spec)
{
	const struct mlproxy_point *c = &spec->cmd;
	const struct spec_array arrays[] = {
		SPEC_ARRAY(c->features, c->nr_features, MLPROXY_MAX_FEATURES, c->feature_size,
			   struct mlproxy_feature, preprocess, &spec->features),
		SPEC_ARRAY(c->actions, c->nr_actions, MLPROXY_MAX_ACTIONS, c->action_size,
			   struct mlproxy_action, value, &spec->actions),
		SPEC_ARRAY(c->states, c->nr_states, MLPROXY_MAX_STATES, c->state_size,
			   struct mlproxy_feature, preprocess, &spec->states),
		SPEC_ARRAY(c->events, c->nr_events, MLPROXY_MAX_EVENTS, c->event_size,
			   struct mlproxy_event_desc, period_ms, &spec->events),
		SPEC_ARRAY(c->strata, c->nr_strata, MLPROXY_MAX_STRATA, c->stratum_size,
			   struct mlproxy_stratum, name, &spec->strata),
	};
	u32 i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(arrays); i++)
		ret = get_array(&arrays[i]);
	return ret;
}

static void describe_inner(struct point_spec *spec)
{
	const struct mlproxy_point *c = &spec->cmd;
	struct mlproxy_desc *d = &spec->desc;

	d->schema_version = c->schema_version;
	d->nr_features = c->nr_features;
	d->features = spec->features;
	d->nr_actions = c->nr_actions;
	d->actions = spec->actions;
	d->reward_name = c->reward_name;
	d->reward_unit = c->reward_unit;
	d->reward_type = c->reward_type;
	d->reward_direction = c->reward_direction;
	d->reward_min = c->reward_min;
	d->reward_max = c->reward_max;
	d->unit = c->unit;
	d->trial_share = c->trial_share;
	d->min_samples = c->min_samples;
	d->ramp_ns = c->ramp_ns;
	d->max_macs = c->max_macs;
	d->table_entries = c->table_entries;
	d->pending_entries = c->pending_entries ? c->pending_entries : DEFAULT_PENDING;
	d->pending_ns = c->pending_ns;
}

static void describe_rest(struct point_spec *spec)
{
	const struct mlproxy_point *c = &spec->cmd;
	struct mlproxy_desc *d = &spec->desc;

	d->nr_states = c->nr_states;
	d->states = spec->states;
	d->nr_events = c->nr_events;
	d->events = spec->events;
	d->nr_strata = c->nr_strata;
	d->strata = spec->strata;
	d->ledger_name = c->ledger_name[0] ? c->ledger_name : NULL;
	d->ledger_unit = c->ledger_unit;
	d->ledger_direction = c->ledger_direction;
	d->ledger_min = c->ledger_min;
	d->ledger_max = c->ledger_max;
	d->outer_unit = c->outer_unit;
	d->outer_hold_ns = c->outer_hold_ns;
	d->outer_washout_ns = c->outer_washout_ns;
	d->cost_name = c->cost_name;
	d->cost_unit = c->cost_unit;
	d->work_name = c->work_name;
	d->work_unit = c->work_unit;
}

/* With the prefix before it. */
static bool get_name(struct point_spec *spec, const char *name)
{
	const size_t room = sizeof(spec->cmd.name) - strlen(MLPROXY_POINT_PREFIX);

	if (!mlproxy_name_ok(name) || strlen(name) >= room)
		return false;
	scnprintf(spec->cmd.name, sizeof(spec->cmd.name), MLPROXY_POINT_PREFIX "%s", name);
	return true;
}

static int check(struct point_spec *spec, const struct mlproxy_point *cmd, char *text)
{
	if (!get_name(spec, cmd->name)) {
		strscpy(text, "the name must be 1 to 26 of A-Z, a-z, 0-9, '_' and '-'",
			MLPROXY_TEXT_LEN);
		return -EBADMSG;
	}
	if (cmd->pending_entries > MLPROXY_POINT_MAX_PENDING) {
		scnprintf(text, MLPROXY_TEXT_LEN, "pending_entries %u is above %u",
			  cmd->pending_entries, MLPROXY_POINT_MAX_PENDING);
		return -EBADMSG;
	}
	if (cmd->max_macs > MOST_MACS) {
		scnprintf(text, MLPROXY_TEXT_LEN, "max_macs %u is above %u", cmd->max_macs,
			  MOST_MACS);
		return -EBADMSG;
	}
	return mlproxy_desc_check(&spec->desc, text) ? -EBADMSG : 0;
}

/**
 * point_spec_get() - fetch and check a description
 * @spec: out, zeroed: the description, for point_spec_put() in any case; of this module
 * @cmd: the kernel's copy of the structure; out: what is wrong in @text
 *
 * Context: a system call. Return: 0, -EBADMSG with a text, -EINVAL for a stride, -E2BIG,
 * -EFAULT, -ENOMEM.
 */
int point_spec_get(struct point_spec *spec, struct mlproxy_point *cmd)
{
	int ret;

	spec->cmd = *cmd;
	memset(cmd->text, 0, sizeof(cmd->text));
	ret = get_arrays(spec);
	if (ret)
		return ret;
	spec->desc.owner = THIS_MODULE;
	spec->desc.name = spec->cmd.name;
	describe_inner(spec);
	describe_rest(spec);
	return check(spec, cmd, cmd->text);
}

/**
 * point_spec_put() - free the copies
 * @spec: no proxy uses it any more
 */
void point_spec_put(struct point_spec *spec)
{
	kfree(spec->features);
	kfree(spec->actions);
	kfree(spec->states);
	kfree(spec->events);
	kfree(spec->strata);
}
