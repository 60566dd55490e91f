// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of decision points of user space. A decision and its outcome take no lock:
 * they copy first, and then are in an RCU read-side section, as in any caller of
 * mlproxy_decide().
 *
 * Decisions wait for their outcome in the core's table, by their ids. Each point and each
 * instance has a table of its own, so that an id of another one is found in none.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "event.h"
#include "ioctl.h"
#include "outer.h"
#include "pending.h"
#include "point.h"
#include "session.h"

static struct point_owner *owner_of(const struct ioctl_context *ctx)
{
	return session_get(ctx->session, point);
}

int mlproxy_ioctl_point_register(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_session *session = ctx->session;
	struct point_owner *owner;
	int ret = 0;

	/* Looked at again below; but a name that is in use is no news to who has it. */
	if (ctx->proxy || owner_of(ctx))
		return -EBUSY;
	owner = mlproxy_point_create(arg, session->file,
				     !(session->rights & MLPROXY_RIGHT_OPERATE));
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	mutex_lock(&session->lock);
	if (session->proxy || session->point)
		ret = -EBUSY;
	else
		session_set(session, point, owner);
	mutex_unlock(&session->lock);
	if (ret)
		mlproxy_point_free(owner);
	return ret;
}

int mlproxy_ioctl_point_add(struct ioctl_context *ctx, void *arg)
{
	struct point_owner *owner = owner_of(ctx);

	return owner ? mlproxy_point_add(owner, arg) : -ENXIO;
}

int mlproxy_ioctl_point_drop(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_point_instance *cmd = arg;
	struct point_owner *owner = owner_of(ctx);

	return owner ? mlproxy_point_drop(owner, cmd->instance) : -ENXIO;
}

/* What a module that gets it wrong finds in a counter, a daemon is told. */
static bool is_legal(const struct mlproxy *proxy, const struct mlproxy_point_decide *cmd)
{
	u32 all = READ_ONCE(proxy->all_actions);
	u32 allowed = cmd->allowed ? cmd->allowed : all;

	return !(allowed & ~all) && cmd->baseline < MLPROXY_MAX_ACTIONS &&
	       allowed & BIT(cmd->baseline) && (!cmd->stratum || cmd->stratum < proxy->nr_strata);
}

static void tell_decision(struct mlproxy_point_decide *cmd, const struct mlproxy_decision *d)
{
	cmd->id = d->id;
	cmd->predicted = d->predicted;
	cmd->prob_q31 = d->prob_q31;
	cmd->model_version = d->model_version;
	cmd->action = d->action;
	cmd->source = d->source;
	cmd->mode = d->mode;
	cmd->arm = d->arm;
	cmd->outer_arm = d->outer_arm;
	cmd->has_prediction = d->has_prediction;
}

/* In an RCU read-side section. */
static int decide(struct point_owner *owner, struct mlproxy_point_decide *cmd,
		  const s64 *features)
{
	struct point_target *target = mlproxy_point_target(owner, cmd->instance);
	const struct mlproxy_request req = {
		.key = cmd->key,
		.features = features,
		.baseline = cmd->baseline,
		.allowed = cmd->allowed,
		.stratum = cmd->stratum,
	};
	/* Of a proxy that does not run, not all is filled in; user space sees it. */
	struct mlproxy_decision decision = {};

	if (!target)
		return -ENOENT;
	if (!is_legal(target->proxy, cmd))
		return -EINVAL;
	mlproxy_decide(target->proxy, &req, &decision);
	/* If it was stopped just now, no outcome is taken: the id is found nowhere. */
	mlproxy_defer(target->proxy, &decision, decision.id);
	tell_decision(cmd, &decision);
	return 0;
}

int mlproxy_ioctl_point_decide(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_point_decide *cmd = arg;
	struct point_owner *owner = owner_of(ctx);
	s64 features[MLPROXY_MAX_FEATURES];
	int ret;

	if (!owner)
		return -ENXIO;
	if (cmd->reserved || cmd->nr_features != owner->spec.desc.nr_features)
		return -EINVAL;
	if (copy_from_user(features, u64_to_user_ptr(cmd->features),
			   cmd->nr_features * sizeof(*features)))
		return -EFAULT;
	rcu_read_lock();
	ret = decide(owner, cmd, features);
	rcu_read_unlock();
	return ret;
}

/* In an RCU read-side section. */
static int feed_back(struct point_owner *owner, const struct mlproxy_point_outcome *cmd)
{
	struct point_target *target = mlproxy_point_target(owner, cmd->instance);
	const struct mlproxy_outcome outcome = { .reward = cmd->reward, .ledger = cmd->ledger };
	struct mlproxy_decision decision;
	bool failed = cmd->flags & MLPROXY_OUTCOME_F_FAILED;

	if (!target)
		return -ENOENT;
	if (failed)
		failed = mlproxy_pending_get(target->proxy, cmd->id, &decision);
	/* One outcome is taken; so the failure counts once, too. */
	if (!mlproxy_resolve_outcome(target->proxy, cmd->id, &outcome))
		return -ENOENT;
	if (failed)
		mlproxy_report_error(target->proxy, &decision);
	return 0;
}

int mlproxy_ioctl_point_feedback(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_point_outcome *cmd = arg;
	struct point_owner *owner = owner_of(ctx);
	int ret;

	if (!owner)
		return -ENXIO;
	if (cmd->reserved)
		return -EINVAL;
	rcu_read_lock();
	ret = feed_back(owner, cmd);
	rcu_read_unlock();
	return ret;
}

static bool is_event(const struct point_owner *owner, const struct mlproxy_point_event *cmd)
{
	const struct mlproxy_desc *desc = &owner->spec.desc;

	if (cmd->event < desc->nr_events)
		return cmd->nr_values == desc->events[cmd->event].nr_values;
	return cmd->event < MLPROXY_EVENT_SNAPSHOT && cmd->nr_values <= EVENT_MAX_VALUES;
}

int mlproxy_ioctl_point_event(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_point_event *cmd = arg;
	struct point_owner *owner = owner_of(ctx);
	struct point_target *target;
	s64 values[EVENT_MAX_VALUES];

	if (!owner)
		return -ENXIO;
	if (cmd->reserved || !is_event(owner, cmd))
		return -EINVAL;
	if (copy_from_user(values, u64_to_user_ptr(cmd->values),
			   cmd->nr_values * sizeof(*values)))
		return -EFAULT;
	rcu_read_lock();
	target = mlproxy_point_target(owner, cmd->instance);
	if (target)
		mlproxy_event(target->proxy, cmd->event, cmd->key, values, cmd->nr_values);
	rcu_read_unlock();
	return target ? 0 : -ENOENT;
}

int mlproxy_ioctl_point_state(struct ioctl_context *ctx, void *arg)
{
	struct point_owner *owner = owner_of(ctx);

	return owner ? mlproxy_point_tell(owner, arg) : -ENXIO;
}

int mlproxy_ioctl_point_cost(struct ioctl_context *ctx, void *arg)
{
	struct mlproxy_point_cost *cmd = arg;
	struct point_owner *owner = owner_of(ctx);
	struct point_target *target;

	if (!owner)
		return -ENXIO;
	if (owner->spec.desc.outer_unit == MLPROXY_OUTER_NONE || cmd->cost >= OUTER_MAX_COST ||
	    cmd->work >= OUTER_MAX_COST)
		return -EINVAL;
	rcu_read_lock();
	target = mlproxy_point_target(owner, cmd->instance);
	if (target) {
		mlproxy_cost(target->proxy, cmd->key, cmd->cost, cmd->work);
		cmd->control = mlproxy_is_control(target->proxy, cmd->key);
	}
	rcu_read_unlock();
	return target ? 0 : -ENOENT;
}

int mlproxy_ioctl_point_notice(struct ioctl_context *ctx, void *arg)
{
	struct point_owner *owner = owner_of(ctx);

	return owner ? mlproxy_point_notice(owner, arg) : -ENXIO;
}
