// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: one table, one dispatcher, a handler each. The errno contract is at
 * the top of uapi/linux/mlproxy.h.
 *
 * The table also says which right each ioctl needs, and each of its flags; no handler
 * refuses for the lack of one. docs/security.md has the reasons.
 *
 * A handler works on the kernel's copy of the structure. It takes what locks it
 * needs, and holds none while it copies arrays from or to user memory.
 */
#include <linux/ioctl.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core.h"
#include "dataset.h"
#include "instance.h"
#include "ioctl.h"
#include "mode.h"
#include "mode_path.h"
#include "reader.h"
#include "model.h"
#include "param.h"
#include "recommend.h"
#include "registry.h"
#include "session.h"
#include "state.h"
#include "whole.h"

union ioctl_buffer {
	struct mlproxy_info info;
	struct mlproxy_list list;
	struct mlproxy_bind bind;
	struct mlproxy_schema schema;
	struct mlproxy_control control;
	struct mlproxy_mode mode;
	struct mlproxy_param param;
	struct mlproxy_ring_setup ring_setup;
	struct mlproxy_ring_stats ring_stats;
	struct mlproxy_ring_consume ring_consume;
	struct mlproxy_recommend_setup recommend_setup;
	struct mlproxy_recommend_drain recommend_drain;
	struct mlproxy_model_load model_load;
	struct mlproxy_model_ctl model_ctl;
	struct mlproxy_model_info model_info;
	struct mlproxy_model_eval model_eval;
	struct mlproxy_stats stats;
	struct mlproxy_snapshot snapshot;
	struct mlproxy_efficiency efficiency;
	struct mlproxy_heartbeat heartbeat;
	struct mlproxy_dataset dataset;
	struct mlproxy_point point;
	struct mlproxy_point_instance point_instance;
	struct mlproxy_point_decide point_decide;
	struct mlproxy_point_outcome point_outcome;
	struct mlproxy_point_event point_event;
	struct mlproxy_point_state point_state;
	struct mlproxy_point_cost point_cost;
	struct mlproxy_point_notice point_notice;
};

static int ioctl_info(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_info *cmd = arg;

	cmd->abi_version = MLPROXY_ABI_VERSION;
	cmd->nr_proxies = mlproxy_list_fill(NULL, 0);
	cmd->features = MLPROXY_FEAT_RING | MLPROXY_FEAT_READ | MLPROXY_FEAT_RECOMMEND |
			MLPROXY_FEAT_MODEL_MLP | MLPROXY_FEAT_MODEL_TREES | MLPROXY_FEAT_AUTO |
			MLPROXY_FEAT_DATASET | MLPROXY_FEAT_BPF | MLPROXY_FEAT_CONSUME |
			MLPROXY_FEAT_INSTANCES | MLPROXY_FEAT_OUTER | MLPROXY_FEAT_POINTS;
	cmd->nr_cpus = nr_cpu_ids;
	cmd->bound_id = ctx->proxy ? ctx->proxy->id : 0;
	cmd->rights = ctx->session->rights;
	cmd->reserved = 0;
	return 0;
}

/**
 * struct user_array - an array of user space's
 * @ptr: user pointer
 * @nr: entries to write, not more than there is room for
 * @stride: size of an entry in the program that asks
 * @min: size of an entry when it was first published
 */
struct user_array {
	u64 ptr;
	u32 nr;
	u32 stride;
	u32 min;
};

#define USER_ARRAY(_ptr, _nr, _stride, _type, _last) {			\
	.ptr = _ptr,							\
	.nr = _nr,							\
	.stride = _stride,						\
	.min = offsetofend(_type, _last),				\
}

/*
 * Write an array whose entries may be larger or smaller in the program that asks: it
 * gets what it knows of, and zeros where it knows of more.
 */
static int copy_array_to_user(const struct user_array *to, const void *from, u32 size)
{
	u32 known = min(size, to->stride), i;
	u8 __user *user = u64_to_user_ptr(to->ptr);

	if (!to->nr)
		return 0;
	if (to->stride < to->min || to->stride > PAGE_SIZE)
		return -EINVAL;
	for (i = 0; i < to->nr; i++, user += to->stride, from += size)
		if (copy_to_user(user, from, known) ||
		    clear_user(user + known, to->stride - known))
			return -EFAULT;
	return 0;
}

static int ioctl_list(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_list *cmd = arg;
	u32 room = min_t(u32, cmd->count, MLPROXY_MAX_PROXIES * (1 + MLPROXY_MAX_INSTANCES));
	struct mlproxy_list_entry *entries = NULL;
	struct user_array to = USER_ARRAY(cmd->entries, room, cmd->entry_size,
					  struct mlproxy_list_entry, nr_actions);
	int ret;
	u32 nr;

	if (room) {
		entries = kvcalloc(room, sizeof(*entries), GFP_KERNEL_ACCOUNT);
		if (!entries)
			return -ENOMEM;
	}
	nr = mlproxy_list_fill(entries, room);
	to.nr = min(nr, room);
	ret = copy_array_to_user(&to, entries, sizeof(*entries));
	if (!ret && nr > room)
		ret = -ENOBUFS;
	cmd->count = nr;
	kvfree(entries);
	return ret;
}

static int ioctl_bind(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct mlproxy_bind *cmd = arg;
	struct mlproxy *proxy;

	if (strnlen(cmd->name, sizeof(cmd->name)) == sizeof(cmd->name) || cmd->reserved ||
	    (cmd->instance && strchr(cmd->name, ':')))
		return -EINVAL;
	proxy = mlproxy_find(cmd->name, cmd->instance);
	if (!proxy)
		return -ENOENT;
	mutex_lock(&session->lock);
	if (session->proxy || session->point) {
		mutex_unlock(&session->lock);
		mlproxy_put(proxy);
		return -EBUSY;
	}
	session_set(session, proxy, proxy);
	mutex_unlock(&session->lock);
	cmd->id = proxy->id;
	cmd->schema_version = proxy->schema.schema_version;
	cmd->instance = proxy->instance;
	return 0;
}

static int copy_schema_arrays(const struct mlproxy *proxy, const struct mlproxy_schema *in)
{
	const struct mlproxy_schema *own = &proxy->schema;
	struct user_array features = USER_ARRAY(in->features, own->nr_features, in->feature_size,
						struct mlproxy_feature, preprocess);
	struct user_array actions = USER_ARRAY(in->actions, own->nr_actions, in->action_size,
					       struct mlproxy_action, value);
	struct user_array states = USER_ARRAY(in->states, in->states ? own->nr_states : 0,
					      in->state_size, struct mlproxy_feature, preprocess);
	struct user_array events = USER_ARRAY(in->events, in->events ? own->nr_events : 0,
					      in->event_size, struct mlproxy_event_desc,
					      period_ms);
	struct user_array strata = USER_ARRAY(in->strata, in->strata ? own->nr_strata : 0,
					      in->stratum_size, struct mlproxy_stratum, name);
	int ret;

	ret = copy_array_to_user(&features, proxy->features, sizeof(*proxy->features));
	if (!ret)
		ret = copy_array_to_user(&actions, proxy->actions, sizeof(*proxy->actions));
	if (!ret)
		ret = copy_array_to_user(&states, proxy->states, sizeof(*proxy->states));
	if (!ret)
		ret = copy_array_to_user(&events, proxy->events, sizeof(*proxy->events));
	if (!ret)
		ret = copy_array_to_user(&strata, proxy->strata, sizeof(*proxy->strata));
	return ret;
}

static int ioctl_schema(struct ioctl_context *ctx, void *arg)
{
	const struct mlproxy_schema *own = &ctx->proxy->schema;
	struct mlproxy_schema *cmd = arg;
	struct mlproxy_schema in = *cmd;

	*cmd = *own;
	cmd->size = in.size;
	cmd->features = in.features;
	cmd->actions = in.actions;
	cmd->states = in.states;
	cmd->events = in.events;
	cmd->feature_size = in.feature_size;
	cmd->action_size = in.action_size;
	cmd->state_size = in.state_size;
	cmd->event_size = in.event_size;
	cmd->strata = in.strata;
	cmd->stratum_size = in.stratum_size;
	if (in.nr_features < own->nr_features || in.nr_actions < own->nr_actions ||
	    (in.states && in.nr_states < own->nr_states) ||
	    (in.events && in.nr_events < own->nr_events) ||
	    (in.strata && in.nr_strata < own->nr_strata))
		return -ENOBUFS;
	return copy_schema_arrays(ctx->proxy, &in);
}

static int ioctl_control(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_control *cmd = arg;
	int ret = mlproxy_order(ctx->proxy, cmd->op);

	cmd->state = READ_ONCE(ctx->proxy->state);
	return ret;
}

static int ioctl_mode(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_mode *cmd = arg;
	struct mlproxy *shown;
	int ret = 0;

	if (cmd->instance || cmd->flags == (MLPROXY_MODE_F_SET | MLPROXY_MODE_F_AUTO))
		return -EINVAL;
	if (cmd->flags)
		ret = mlproxy_order_mode(ctx->proxy, cmd->mode,
					 cmd->flags & MLPROXY_MODE_F_AUTO);
	shown = mlproxy_shown(ctx->proxy);
	mlproxy_mode_fill(shown, cmd);
	mlproxy_put_ref(shown);
	return ret;
}

static int ioctl_efficiency(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_efficiency *cmd = arg;
	u32 room = min_t(u32, cmd->count, MLPROXY_MAX_TRANSITIONS);
	struct mlproxy_evidence verdicts[MLPROXY_NR_VERDICTS];
	struct mlproxy_transition *transitions = NULL;
	struct user_array to = USER_ARRAY(cmd->transitions, room, cmd->transition_size,
					  struct mlproxy_transition, evidence);
	struct user_array to_verdicts = USER_ARRAY(cmd->verdicts, 0, cmd->verdict_size,
						   struct mlproxy_evidence, sd_q16);
	struct mlproxy *shown;
	int ret;

	if (cmd->instance)
		return -EINVAL;
	if (cmd->verdicts)
		to_verdicts.nr = min_t(u32, cmd->nr_verdicts, MLPROXY_NR_VERDICTS);
	if (room) {
		transitions = kcalloc(room, sizeof(*transitions), GFP_KERNEL_ACCOUNT);
		if (!transitions)
			return -ENOMEM;
	}
	shown = mlproxy_shown(ctx->proxy);
	ret = mlproxy_mode_efficiency(shown, cmd, transitions, room, verdicts);
	cmd->instance = shown->instance;
	mlproxy_put_ref(shown);
	to.nr = cmd->count;
	cmd->nr_verdicts = to_verdicts.nr;
	if (!ret)
		ret = copy_array_to_user(&to, transitions, sizeof(*transitions));
	if (!ret)
		ret = copy_array_to_user(&to_verdicts, verdicts, sizeof(*verdicts));
	kfree(transitions);
	return ret;
}

static int ioctl_heartbeat(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_heartbeat *cmd = arg;
	bool leaves = cmd->flags & MLPROXY_HEARTBEAT_F_LEAVE;
	struct mlproxy *shown;
	int ret;

	if (cmd->reserved || leaves != !cmd->timeout_ms ||
	    cmd->timeout_ms > MLPROXY_HEARTBEAT_MAX_MS)
		return -EINVAL;
	ret = mlproxy_heartbeat(ctx->proxy, &ctx->session->agent, cmd);
	shown = mlproxy_shown(ctx->proxy);
	cmd->mode = mlproxy_mode_of(shown);
	mlproxy_put_ref(shown);
	return ret;
}

static int ioctl_param(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_param *cmd = arg;
	int ret;

	if (cmd->flags & MLPROXY_PARAM_F_SET) {
		ret = mlproxy_order_param(ctx->proxy, cmd->param, cmd->index, cmd->value);
		if (ret)
			return ret;
	}
	return mlproxy_get_param(ctx->proxy, cmd->param, cmd->index, &cmd->value);
}

static int ioctl_ring_setup(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct mlproxy_ring_setup *cmd = arg;
	struct mlproxy_reader *reader;
	int ret = 0;

	if (cmd->reserved || cmd->data_bytes < MLPROXY_RING_MIN_BYTES ||
	    cmd->data_bytes > MLPROXY_RING_MAX_BYTES ||
	    cmd->type_mask & ~(MLPROXY_REC_MASK(MLPROXY_NR_REC_TYPES) - 1))
		return -EINVAL;
	mutex_lock(&session->lock);
	if (session->reader) {
		ret = -EBUSY;
		goto out;
	}
	reader = mlproxy_reader_create(cmd, session->file);
	if (IS_ERR(reader)) {
		ret = PTR_ERR(reader);
		goto out;
	}
	reader->advises = session->rights & MLPROXY_RIGHT_ADVISE;
	if (cmd->flags & MLPROXY_RING_F_QUIET)
		ret = mlproxy_dataset_quiet(reader);
	if (!ret)
		ret = mlproxy_reader_attach(reader, ctx->proxy);
	if (ret) {
		mlproxy_reader_free(reader);
		goto out;
	}
	session_set(session, reader, reader);
out:
	mutex_unlock(&session->lock);
	return ret;
}

static int ioctl_ring_stats(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_reader *reader = session_get(ctx->session, reader);
	struct mlproxy_ring_stats *cmd = arg;

	if (cmd->reserved)
		return -EINVAL;
	return reader ? mlproxy_reader_stats(reader, cmd) : -ENOENT;
}

static int ioctl_ring_consume(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_reader *reader = session_get(ctx->session, reader);
	struct mlproxy_ring_consume *cmd = arg;

	if (cmd->reserved)
		return -EINVAL;
	return reader ? mlproxy_reader_consume(reader, cmd) : -ENOENT;
}

static int ioctl_recommend_setup(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct mlproxy_recommend_setup *cmd = arg;
	struct mlproxy_rec_ring *recs;
	int ret = 0;

	if (cmd->entry_size != sizeof(struct mlproxy_recommendation) || !cmd->entries ||
	    cmd->entries > MLPROXY_REC_MAX_ENTRIES)
		return -EINVAL;
	mutex_lock(&session->lock);
	if (session->recs) {
		ret = -EBUSY;
		goto out;
	}
	recs = mlproxy_rec_ring_create(cmd, session->file);
	if (IS_ERR(recs))
		ret = PTR_ERR(recs);
	else
		session_set(session, recs, recs);
out:
	mutex_unlock(&session->lock);
	return ret;
}

/* What has the models and recommendations; NULL if the proxy or instance is gone. */
static struct mlproxy *whole_of(const struct ioctl_context *ctx)
{
	return mlproxy_gone(ctx->proxy) ? NULL : ctx->proxy->whole;
}

static int ioctl_recommend_drain(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct mlproxy_recommend_drain *cmd = arg;
	struct mlproxy *whole = whole_of(ctx);
	int ret = -ENOENT;

	cmd->drained = 0;
	cmd->accepted = 0;
	cmd->rejected = 0;
	mutex_lock(&session->lock);
	if (session->recs)
		ret = whole ? mlproxy_rec_ring_drain(session->recs, whole, cmd) : -ENODEV;
	mutex_unlock(&session->lock);
	return ret;
}

static int ioctl_model_load(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_model_load *cmd = arg;
	struct mlproxy *whole = whole_of(ctx);

	cmd->version = 0;
	cmd->macs = 0;
	cmd->reason = MLPROXY_REFUSED_NONE;
	cmd->arg = 0;
	memset(cmd->text, 0, sizeof(cmd->text));
	return whole ? mlproxy_model_load(whole, cmd) : -ENODEV;
}

static int ioctl_model_ctl(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_model_ctl *cmd = arg;
	struct mlproxy *whole = whole_of(ctx);

	return whole ? mlproxy_model_ctl(whole, cmd->op, &cmd->version) : -ENODEV;
}

static int ioctl_model_info(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_model_info *cmd = arg;

	*cmd = (struct mlproxy_model_info) { .size = cmd->size };
	mlproxy_model_info(ctx->proxy->whole, cmd);
	return 0;
}

static int ioctl_model_eval(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_model_eval *cmd = arg;
	s64 *features;
	int ret;

	if (cmd->nr_features != ctx->proxy->nr_features ||
	    cmd->allowed & ~GENMASK(ctx->proxy->schema.nr_actions - 1, 0) ||
	    cmd->baseline >= MLPROXY_MAX_ACTIONS || !(cmd->allowed & BIT(cmd->baseline)))
		return -EINVAL;
	features = memdup_user(u64_to_user_ptr(cmd->features),
			       cmd->nr_features * sizeof(*features));
	if (IS_ERR(features))
		return PTR_ERR(features);
	memset(cmd->outputs, 0, sizeof(cmd->outputs));
	ret = mlproxy_model_eval(ctx->proxy->whole, cmd, features);
	kfree(features);
	return ret;
}

static int ioctl_stats(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_stats *cmd = arg;

	*cmd = (struct mlproxy_stats) { .size = cmd->size };
	mlproxy_stats_fill(ctx->proxy, cmd);
	return 0;
}

static int ioctl_snapshot(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_snapshot *cmd = arg;

	if (cmd->reserved)
		return -EINVAL;
	memset(cmd->values, 0, sizeof(cmd->values));
	return ctx->session->rights & MLPROXY_RIGHT_ADVISE ?
	       mlproxy_take_snapshot(ctx->proxy, cmd) :
	       mlproxy_peek_snapshot(ctx->proxy, cmd);
}

static int ioctl_dataset(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct mlproxy_dataset *cmd = arg;
	int ret = 0;

	if (cmd->reserved || cmd->flags == (MLPROXY_DATASET_F_REQUEST | MLPROXY_DATASET_F_CANCEL))
		return -EINVAL;
	mutex_lock(&session->lock);
	if (!session->reader) {
		ret = -ENOENT;
		goto out;
	}
	if (cmd->flags & MLPROXY_DATASET_F_REQUEST)
		ret = mlproxy_dataset_request(session->reader, ctx->proxy, cmd);
	else if (cmd->flags & MLPROXY_DATASET_F_CANCEL)
		mlproxy_dataset_cancel(session->reader);
	mlproxy_dataset_fill(session->reader, cmd);
out:
	mutex_unlock(&session->lock);
	return ret;
}

/* What is needed for what is in sysfs for everybody: to have opened the file. */
#define RIGHT_ANY	0
#define RIGHT_READ	MLPROXY_RIGHT_READ
#define RIGHT_ADVISE	MLPROXY_RIGHT_ADVISE
#define RIGHT_OPERATE	MLPROXY_RIGHT_OPERATE

/**
 * struct ioctl_op - one ioctl
 * @cmd: its full number
 * @size: size of its structure here and now
 * @min_size: size of its structure when it was first published
 * @bound: needs a bound session
 * @right: RIGHT_* that it needs
 * @flags: flags that it knows
 * @flags_right: RIGHT_* that it needs, too, with any of @flags
 * @fn: handler
 */
struct ioctl_op {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	bool bound;
	u32 right;
	u32 flags;
	u32 flags_right;
	int (*fn)(struct ioctl_context *ctx, void *arg);
};

#define IOCTL_OP_FLAGS(_cmd, _fn, _struct, _last, _bound, _right, _flags, _flags_right) \
	[_IOC_NR(_cmd)] = {						\
		.cmd = _cmd,						\
		.size = sizeof(_struct),				\
		.min_size = offsetofend(_struct, _last),		\
		.bound = _bound,					\
		.right = _right,					\
		.flags = _flags,					\
		.flags_right = _flags_right,				\
		.fn = _fn,						\
	}

#define IOCTL_OP(_cmd, _fn, _struct, _last, _bound, _right)		\
	IOCTL_OP_FLAGS(_cmd, _fn, _struct, _last, _bound, _right, 0, RIGHT_ANY)

static const struct ioctl_op ioctl_ops[] = {
	IOCTL_OP(MLPROXY_IOC_INFO, ioctl_info, struct mlproxy_info, reserved, false, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_LIST, ioctl_list, struct mlproxy_list, entry_size, false, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_BIND, ioctl_bind, struct mlproxy_bind, reserved,
		 false, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_SCHEMA, ioctl_schema, struct mlproxy_schema, ledger_direction,
		 true, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_CONTROL, ioctl_control, struct mlproxy_control, state,
		 true, RIGHT_OPERATE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_MODE, ioctl_mode, struct mlproxy_mode, evidence, true, RIGHT_ANY,
		       MLPROXY_MODE_F_SET | MLPROXY_MODE_F_AUTO, RIGHT_OPERATE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_PARAM, ioctl_param, struct mlproxy_param, value, true, RIGHT_ANY,
		       MLPROXY_PARAM_F_SET, RIGHT_OPERATE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_RING_SETUP, ioctl_ring_setup, struct mlproxy_ring_setup,
		       ring_stride, true, RIGHT_READ, MLPROXY_RING_F_QUIET, RIGHT_READ),
	IOCTL_OP(MLPROXY_IOC_RING_STATS, ioctl_ring_stats, struct mlproxy_ring_stats,
		 wakeups, true, RIGHT_READ),
	IOCTL_OP(MLPROXY_IOC_RING_CONSUME, ioctl_ring_consume, struct mlproxy_ring_consume,
		 pos, true, RIGHT_READ),
	IOCTL_OP(MLPROXY_IOC_RECOMMEND_SETUP, ioctl_recommend_setup,
		 struct mlproxy_recommend_setup, kern_bytes, true, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_RECOMMEND_DRAIN, ioctl_recommend_drain,
		 struct mlproxy_recommend_drain, rejected, true, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_MODEL_LOAD, ioctl_model_load, struct mlproxy_model_load,
		 text, true, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_MODEL_CTL, ioctl_model_ctl, struct mlproxy_model_ctl,
		 version, true, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_MODEL_INFO, ioctl_model_info, struct mlproxy_model_info,
		 standby_kind, true, RIGHT_ANY),
	IOCTL_OP_FLAGS(MLPROXY_IOC_MODEL_EVAL, ioctl_model_eval, struct mlproxy_model_eval,
		       outputs, true, RIGHT_READ, MLPROXY_EVAL_F_STANDBY, RIGHT_READ),
	IOCTL_OP(MLPROXY_IOC_STATS, ioctl_stats, struct mlproxy_stats, reward_sum, true, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_SNAPSHOT, ioctl_snapshot, struct mlproxy_snapshot, values,
		 true, RIGHT_ANY),
	IOCTL_OP(MLPROXY_IOC_EFFICIENCY, ioctl_efficiency, struct mlproxy_efficiency,
		 evidence, true, RIGHT_ANY),
	IOCTL_OP_FLAGS(MLPROXY_IOC_HEARTBEAT, ioctl_heartbeat, struct mlproxy_heartbeat,
		       reserved, true, RIGHT_ADVISE, MLPROXY_HEARTBEAT_F_LEAVE, RIGHT_ADVISE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_DATASET, ioctl_dataset, struct mlproxy_dataset, filters,
		       true, RIGHT_READ, MLPROXY_DATASET_F_REQUEST | MLPROXY_DATASET_F_CANCEL,
		       RIGHT_READ),
	IOCTL_OP_FLAGS(MLPROXY_IOC_POINT_REGISTER, mlproxy_ioctl_point_register,
		       struct mlproxy_point, text, false, RIGHT_ADVISE, MLPROXY_POINT_F_START,
		       RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_ADD, mlproxy_ioctl_point_add, struct mlproxy_point_instance,
		 id, false, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_DROP, mlproxy_ioctl_point_drop,
		 struct mlproxy_point_instance, id, false, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_DECIDE, mlproxy_ioctl_point_decide,
		 struct mlproxy_point_decide, has_prediction, false, RIGHT_ADVISE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_POINT_FEEDBACK, mlproxy_ioctl_point_feedback,
		       struct mlproxy_point_outcome, ledger, false, RIGHT_ADVISE,
		       MLPROXY_OUTCOME_F_FAILED, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_EVENT, mlproxy_ioctl_point_event, struct mlproxy_point_event,
		 reserved, false, RIGHT_ADVISE),
	IOCTL_OP_FLAGS(MLPROXY_IOC_POINT_STATE, mlproxy_ioctl_point_state,
		       struct mlproxy_point_state, values, false, RIGHT_ADVISE,
		       MLPROXY_POINT_STATE_F_SNAPSHOT | MLPROXY_POINT_STATE_F_CRITICAL,
		       RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_COST, mlproxy_ioctl_point_cost, struct mlproxy_point_cost,
		 control, false, RIGHT_ADVISE),
	IOCTL_OP(MLPROXY_IOC_POINT_NOTICE, mlproxy_ioctl_point_notice,
		 struct mlproxy_point_notice, running, false, RIGHT_ADVISE),
};

static bool copied_back(int ret)
{
	return !ret || ret == -ENOBUFS || ret == -EBADMSG || ret == -EPROTO;
}

static int ioctl_run(const struct ioctl_op *op, struct ioctl_context *ctx,
		     void __user *user, u32 user_size)
{
	union ioctl_buffer buf = {};
	int ret;

	ret = copy_struct_from_user(&buf, op->size, user, user_size);
	if (ret)
		return ret;
	/* The size may have changed since it was read: use what was checked. */
	buf.info.size = user_size;
	if (buf.info.flags & ~op->flags)
		return -EINVAL;
	if (buf.info.flags && op->flags_right & ~ctx->session->rights)
		return -EPERM;
	ret = op->fn(ctx, &buf);
	if (copied_back(ret) && copy_to_user(user, &buf, min_t(u32, user_size, op->size)))
		return -EFAULT;
	return ret;
}

/**
 * mlproxy_ioctl() - dispatch an ioctl
 * @file: the file
 * @cmd: number
 * @arg: user pointer to the structure
 */
long mlproxy_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ioctl_context ctx = {
		.session = file->private_data,
	};
	void __user *user = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd);
	const struct ioctl_op *op;
	u32 user_size;

	if (nr >= ARRAY_SIZE(ioctl_ops) || ioctl_ops[nr].cmd != cmd)
		return -ENOTTY;
	op = &ioctl_ops[nr];
	if (get_user(user_size, (u32 __user *)user))
		return -EFAULT;
	if (user_size < op->min_size)
		return -EINVAL;
	ctx.proxy = session_get(ctx.session, proxy);
	if (op->bound && !ctx.proxy)
		return -ENXIO;
	if (op->right & ~ctx.session->rights)
		return -EPERM;
	return ioctl_run(op, &ctx, user, user_size);
}
