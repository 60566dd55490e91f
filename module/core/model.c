// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model slots: load into standby, activate, roll back, drop. Activation swaps one
 * RCU pointer, so each decision sees the old model or the new one, whole. Instances
 * have the models of their proxy: all functions here are for that one.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core.h"
#include "whole.h"
#include "mode.h"
#include "model.h"
#include "publish.h"

static struct mlproxy_model *active_locked(struct mlproxy *proxy)
{
	return rcu_dereference_protected(proxy->active, lockdep_is_held(&proxy->lock));
}

static void model_free(struct mlproxy_model *model)
{
	if (!model)
		return;
	kvfree(model->packed);
	kvfree(model);
}

/* Free models that no decision can see any more. */
static void models_free(struct mlproxy_model *a, struct mlproxy_model *b)
{
	if (!a && !b)
		return;
	synchronize_rcu();
	model_free(a);
	model_free(b);
}

static struct mlproxy_model *model_copy(struct mlproxy *proxy,
					struct mlproxy_model_load *cmd)
{
	struct mlp_limits limits = {
		.schema_hash = proxy->schema.schema_hash,
		.nr_features = proxy->nr_features,
		.nr_actions = proxy->schema.nr_actions,
		.max_macs = proxy->schema.max_macs,
	};
	struct mlp_report report = {};
	struct mlproxy_model *model;
	size_t packed;
	int ret;

	model = kvzalloc(struct_size(model, data, cmd->data_len), GFP_KERNEL_ACCOUNT);
	if (!model)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(model->data, u64_to_user_ptr(cmd->data), cmd->data_len)) {
		ret = -EFAULT;
		goto err;
	}
	ret = model_verify(model->data, cmd->data_len, &limits, &model->m, &report);
	cmd->reason = report.reason;
	cmd->arg = report.arg;
	memcpy(cmd->text, report.text, sizeof(cmd->text));
	if (ret)
		goto err;
	packed = model_packed_bytes(&model->m);
	if (packed) {
		ret = -ENOMEM;
		model->packed = kvzalloc(packed, GFP_KERNEL_ACCOUNT);
		if (!model->packed)
			goto err;
		model_pack(&model->m, model->packed);
	}
	model->bytes = struct_size(model, data, cmd->data_len) + packed;
	return model;
err:
	model_free(model);
	return ERR_PTR(ret);
}

/**
 * mlproxy_model_load() - copy, verify and put into the standby slot
 * @proxy: the proxy
 * @cmd: as from the ioctl; the results are filled in
 *
 * Context: may sleep. Return: 0, -EINVAL for a length out of range, -EBADMSG if
 * refused, -EFAULT, -ENOMEM, -ENODEV.
 */
int mlproxy_model_load(struct mlproxy *proxy, struct mlproxy_model_load *cmd)
{
	struct mlproxy_model *model, *old;

	if (!cmd->data_len || cmd->data_len > MLPROXY_MODEL_MAX_BYTES)
		return -EINVAL;
	model = model_copy(proxy, cmd);
	if (IS_ERR(model))
		return PTR_ERR(model);

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		mutex_unlock(&proxy->lock);
		model_free(model);
		return -ENODEV;
	}
	model->version = ++proxy->last_version;
	old = proxy->standby;
	proxy->standby = model;
	proxy->can_rollback = false;
	cmd->version = model->version;
	cmd->macs = model_cost(&model->m);
	mutex_unlock(&proxy->lock);
	/* The old standby may have been active a moment ago. */
	models_free(old, NULL);
	return 0;
}

/* The mode machines are told before any decision sees it: it has to earn its mode. */
static void tell_modes(struct mlproxy *proxy, u32 version)
{
	mlproxy_mode_set_model(proxy, version);
	mlproxy_instances_set_model(proxy, version);
}

static int model_swap(struct mlproxy *proxy, u32 op, u32 want)
{
	struct mlproxy_model *next = proxy->standby;
	struct mlproxy_model *old = active_locked(proxy);

	if (op == MLPROXY_MODEL_OP_ROLLBACK ? !proxy->can_rollback : !next)
		return -ENOENT;
	if (want && (!next || next->version != want))
		return -ENOENT;
	tell_modes(proxy, next ? next->version : 0);
	rcu_assign_pointer(proxy->active, next);
	mlproxy_use(proxy, USE_MODEL, next);
	proxy->standby = old;
	proxy->can_rollback = op == MLPROXY_MODEL_OP_ACTIVATE;
	mlproxy_publish_change(proxy, MLPROXY_REC_MODEL, old ? old->version : 0,
			       next ? next->version : 0, op);
	return 0;
}

static void model_take_both(struct mlproxy *proxy, struct mlproxy_model **a,
			    struct mlproxy_model **b)
{
	*a = active_locked(proxy);
	*b = proxy->standby;
	if (*a)
		mlproxy_publish_change(proxy, MLPROXY_REC_MODEL, (*a)->version, 0,
				       MLPROXY_MODEL_OP_UNLOAD);
	RCU_INIT_POINTER(proxy->active, NULL);
	mlproxy_use(proxy, USE_MODEL, false);
	proxy->standby = NULL;
	proxy->can_rollback = false;
}

/**
 * mlproxy_model_ctl() - activate, roll back or unload
 * @proxy: the proxy
 * @op: MLPROXY_MODEL_OP_*
 * @version: in: version that must become active, 0 for any; out: active version
 *
 * Context: may sleep. Return: 0, -EINVAL for another @op, -ENOENT, -ENODEV.
 */
int mlproxy_model_ctl(struct mlproxy *proxy, u32 op, u32 *version)
{
	struct mlproxy_model *a = NULL, *b = NULL;
	int ret = 0;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	switch (op) {
	case MLPROXY_MODEL_OP_ACTIVATE:
	case MLPROXY_MODEL_OP_ROLLBACK:
		ret = model_swap(proxy, op, *version);
		break;
	case MLPROXY_MODEL_OP_UNLOAD:
		tell_modes(proxy, 0);
		model_take_both(proxy, &a, &b);
		break;
	default:
		ret = -EINVAL;
	}
	if (!ret)
		*version = mlproxy_model_version(active_locked(proxy));
out:
	mutex_unlock(&proxy->lock);
	models_free(a, b);
	return ret;
}

/**
 * mlproxy_model_drop() - drop both models
 * @proxy: the proxy, with its lock held
 *
 * Context: may sleep.
 */
void mlproxy_model_drop(struct mlproxy *proxy)
{
	struct mlproxy_model *a, *b;

	lockdep_assert_held(&proxy->lock);
	model_take_both(proxy, &a, &b);
	models_free(a, b);
}

/**
 * mlproxy_model_info() - what is in the slots
 * @proxy: the proxy
 * @info: out
 */
void mlproxy_model_info(struct mlproxy *proxy, struct mlproxy_model_info *info)
{
	const struct mlproxy_model *model;

	mutex_lock(&proxy->lock);
	model = active_locked(proxy);
	if (model) {
		info->active_version = model->version;
		info->active_macs = model_cost(&model->m);
		info->active_bytes = model->bytes;
		info->active_kind = model->m.kind;
		strscpy(info->active_name, model->m.hdr->name, sizeof(info->active_name));
	}
	model = proxy->standby;
	if (model) {
		info->standby_version = model->version;
		info->standby_macs = model_cost(&model->m);
		info->standby_bytes = model->bytes;
		info->standby_kind = model->m.kind;
		strscpy(info->standby_name, model->m.hdr->name,
			sizeof(info->standby_name));
	}
	mutex_unlock(&proxy->lock);
}

/**
 * mlproxy_model_eval() - run a model outside of any decision
 * @proxy: the proxy
 * @cmd: as from the ioctl, its numbers checked; the results are filled in
 * @features: proxy->nr_features values
 *
 * Return: 0, or -ENOENT if there is no such model.
 */
int mlproxy_model_eval(struct mlproxy *proxy, struct mlproxy_model_eval *cmd,
		       const s64 *features)
{
	const struct mlproxy_model *model;
	int ret = 0;

	mutex_lock(&proxy->lock);
	model = cmd->flags & MLPROXY_EVAL_F_STANDBY ? proxy->standby : active_locked(proxy);
	if (!model) {
		ret = -ENOENT;
		goto out;
	}
	model_eval(&model->m, features, cmd->outputs);
	cmd->action = model_choose(&model->m, cmd->outputs, cmd->baseline, cmd->allowed);
	cmd->predicted = model_predict(&model->m, cmd->outputs[cmd->action]);
	cmd->version = model->version;
	cmd->nr_outputs = model->m.hdr->nr_outputs;
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_model_version() - version of a model, 0 for none
 * @model: the model, or NULL
 */
u32 mlproxy_model_version(const struct mlproxy_model *model)
{
	return model ? model->version : 0;
}

/**
 * mlproxy_model_active() - version of the active model, 0 for none
 * @whole: the proxy, its lock held
 */
u32 mlproxy_model_active(struct mlproxy *whole)
{
	return mlproxy_model_version(active_locked(whole));
}
