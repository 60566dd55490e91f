// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: decision points of daemons.
 *
 * What is told in words beside the general meanings of errno is what a daemon's author
 * can do something about.
 */
#include <errno.h>
#include <string.h>

#include <mlproxy/point.h>

#include "session.h"

/* ------------------------------------------------------------------ */
/* Registering                                                         */

/* A text into a member of the ABI's; NULL is an empty one. */
static int put_text(struct mlproxy_session *s, const char *what, char *to, size_t room,
		    const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (len >= room)
		return mlpx_fail(s, EINVAL, "'%s' is too long for the %s of a decision point: "
				 "shorter than %zu characters are allowed", from, what, room);
	memcpy(to, from ? from : "", len + 1);
	return 0;
}

static int put_names(struct mlproxy_session *s, struct mlproxy_point *cmd,
		     const struct mlproxy_point_desc *desc)
{
	const struct { const char *what; char *to; size_t room; const char *from; } texts[] = {
		{ "name", cmd->name, sizeof(cmd->name), desc->name },
		{ "reward's name", cmd->reward_name, sizeof(cmd->reward_name),
		  desc->reward_name },
		{ "reward's unit", cmd->reward_unit, sizeof(cmd->reward_unit),
		  desc->reward_unit },
		{ "ledger's name", cmd->ledger_name, sizeof(cmd->ledger_name),
		  desc->ledger_name },
		{ "ledger's unit", cmd->ledger_unit, sizeof(cmd->ledger_unit),
		  desc->ledger_unit },
		{ "cost's name", cmd->cost_name, sizeof(cmd->cost_name), desc->cost_name },
		{ "cost's unit", cmd->cost_unit, sizeof(cmd->cost_unit), desc->cost_unit },
		{ "work's name", cmd->work_name, sizeof(cmd->work_name), desc->work_name },
		{ "work's unit", cmd->work_unit, sizeof(cmd->work_unit), desc->work_unit },
	};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(texts) / sizeof(*texts); i++)
		ret = put_text(s, texts[i].what, texts[i].to, texts[i].room, texts[i].from);
	return ret;
}

static void put_numbers(struct mlproxy_point *cmd, const struct mlproxy_point_desc *desc)
{
	cmd->flags = desc->flags;
	cmd->schema_version = desc->schema_version;
	cmd->unit = desc->unit;
	cmd->reward_type = desc->reward_type;
	cmd->reward_direction = desc->reward_direction;
	cmd->reward_min = desc->reward_min;
	cmd->reward_max = desc->reward_max;
	cmd->pending_entries = desc->pending_entries;
	cmd->pending_ns = desc->pending_ns;
	cmd->trial_share = desc->trial_share;
	cmd->min_samples = desc->min_samples;
	cmd->ramp_ns = desc->ramp_ns;
	cmd->max_macs = desc->max_macs;
	cmd->table_entries = desc->table_entries;
	cmd->ledger_direction = desc->ledger_direction;
	cmd->ledger_min = desc->ledger_min;
	cmd->ledger_max = desc->ledger_max;
	cmd->outer_unit = desc->outer_unit;
	cmd->outer_hold_ns = desc->outer_hold_ns;
	cmd->outer_washout_ns = desc->outer_washout_ns;
}

static void put_arrays(struct mlproxy_point *cmd, const struct mlproxy_point_desc *desc,
		       const struct mlproxy_schema_sizes *sizes)
{
	cmd->features = (uintptr_t)desc->features;
	cmd->nr_features = desc->nr_features;
	cmd->feature_size = sizes->feature;
	cmd->actions = (uintptr_t)desc->actions;
	cmd->nr_actions = desc->nr_actions;
	cmd->action_size = sizes->action;
	cmd->states = (uintptr_t)desc->states;
	cmd->nr_states = desc->nr_states;
	cmd->state_size = sizes->state;
	cmd->events = (uintptr_t)desc->events;
	cmd->nr_events = desc->nr_events;
	cmd->event_size = sizes->event;
	cmd->strata = (uintptr_t)desc->strata;
	cmd->nr_strata = desc->nr_strata;
	cmd->stratum_size = sizes->stratum;
}

/* Why there is no point, or no instance more. */
static int no_place(struct mlproxy_session *s, int ret, const char *name)
{
	switch (ret) {
	case -EEXIST:
		return mlpx_fail(s, EEXIST, "the name '%s' is in use; does the daemon run "
				 "already?", name);
	case -EDQUOT:
		return mlpx_fail(s, EDQUOT, "no place for '%s': a user has at most %u decision "
				 "points and instances", name, MLPROXY_POINT_QUOTA);
	case -ENOSPC:
		return mlpx_fail(s, ENOSPC, "no place for '%s': there are as many as there may "
				 "be, %u decision points and %u instances of one", name,
				 MLPROXY_MAX_POINTS, MLPROXY_POINT_MAX_INSTANCES);
	default:
		return ret;
	}
}

/* A description as this library knows it, of one that may be shorter or longer. */
static int take_desc(struct mlproxy_session *s, struct mlproxy_point_desc *own,
		     const struct mlproxy_point_desc *desc, size_t bytes)
{
	size_t known = bytes < sizeof(*own) ? bytes : sizeof(*own), i;

	if (bytes < MLPX_UP_TO(struct mlproxy_point_desc, pending_ns))
		return mlpx_fail(s, EINVAL, "the program passes a description of %zu bytes where "
				 "at least %zu are needed", bytes,
				 MLPX_UP_TO(struct mlproxy_point_desc, pending_ns));
	memset(own, 0, sizeof(*own));
	memcpy(own, desc, known);
	for (i = known; i < bytes; i++)
		if (((const char *)desc)[i])
			return mlpx_fail(s, E2BIG, "the description has members that this library "
					 "does not know; install the release that the program "
					 "was made for");
	return 0;
}

static int do_register(struct mlproxy_session *s, struct mlproxy_point *cmd)
{
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_POINT_REGISTER, cmd, "register a decision point");
	if (!ret) {
		mlpx_terminate(cmd->name);
		strcpy(s->name, cmd->name);
		return 0;
	}
	if (ret == -EBADMSG) {
		mlpx_terminate(cmd->text);
		return mlpx_fail(s, EBADMSG, "the kernel refuses the decision point '%s': %s",
				 cmd->name, cmd->text);
	}
	if (ret == -EBUSY)
		return mlpx_fail(s, EBUSY, "this session is bound, or has a decision point "
				 "already; open another one");
	if (ret == -EPERM)
		return mlpx_fail(s, EPERM, "a decision point needs a session that was opened for "
				 "writing");
	return no_place(s, ret, cmd->name);
}

int mlproxy_point_register_sized(struct mlproxy_session *s, const struct mlproxy_point_desc *desc,
				 const struct mlproxy_schema_sizes *sizes)
{
	struct mlproxy_point cmd = { .size = sizeof(cmd) };
	struct mlproxy_point_desc own;
	int ret;

	if (sizes->size < MLPX_UP_TO(struct mlproxy_schema_sizes, stratum))
		return mlpx_fail(s, EINVAL, "the program passes too few sizes");
	ret = take_desc(s, &own, desc, sizes->desc);
	if (!ret)
		ret = put_names(s, &cmd, &own);
	if (ret)
		return ret;
	put_numbers(&cmd, &own);
	put_arrays(&cmd, &own, sizes);
	return do_register(s, &cmd);
}

/* ------------------------------------------------------------------ */
/* What a point does                                                   */

/* The words for errors that all calls of a point have in common. */
static int point_ioctl(struct mlproxy_session *s, unsigned long request, void *arg,
		       const char *what, uint32_t instance)
{
	int ret = mlpx_ioctl(s, request, arg, what);

	if (ret == -ENXIO)
		return mlpx_fail(s, ENXIO, "cannot %s: this session has no decision point; "
				 "register one first", what);
	if (ret == -ENOENT)
		return mlpx_fail(s, ENOENT, "cannot %s: %s has no instance %u", what, s->name,
				 instance);
	return ret;
}

int mlproxy_point_add(struct mlproxy_session *s, const char *name)
{
	struct mlproxy_point_instance cmd = { .size = sizeof(cmd) };
	int ret = put_text(s, "instance", cmd.name, sizeof(cmd.name), name);

	if (ret)
		return ret;
	ret = point_ioctl(s, MLPROXY_IOC_POINT_ADD, &cmd, "add an instance", 0);
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "'%s' is no name of an instance: letters, digits, '_' "
				 "and '-' are allowed, and %s:NAME has to be shorter than %u "
				 "characters", name, s->name, MLPROXY_NAME_LEN);
	return ret ? no_place(s, ret, name) : (int)cmd.instance;
}

int mlproxy_point_drop(struct mlproxy_session *s, uint32_t instance)
{
	struct mlproxy_point_instance cmd = { .size = sizeof(cmd), .instance = instance };

	return point_ioctl(s, MLPROXY_IOC_POINT_DROP, &cmd, "take an instance away", instance);
}

int mlproxy_point_decide_sized(struct mlproxy_session *s, struct mlproxy_point_decide *d,
			       size_t bytes)
{
	int ret;

	if (bytes < MLPX_UP_TO(struct mlproxy_point_decide, has_prediction) ||
	    bytes > UINT16_MAX)
		return mlpx_fail(s, EINVAL, "the program passes a decision of %zu bytes where at "
				 "least %zu are needed", bytes,
				 MLPX_UP_TO(struct mlproxy_point_decide, has_prediction));
	d->size = (uint32_t)bytes;
	ret = point_ioctl(s, MLPROXY_IOC_POINT_DECIDE, d, "decide", d->instance);
	if (!ret)
		return 0;
	d->id = 0;
	d->action = d->baseline;
	d->source = MLPROXY_SRC_BASELINE;
	d->prob_q31 = MLPROXY_PROB_ONE;
	d->has_prediction = 0;
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%s can't decide: %u features, baseline %u, allowed "
				 "0x%x and stratum %u are not what its schema says, or it has "
				 "instances and decides nothing itself", s->name, d->nr_features,
				 d->baseline, d->allowed, d->stratum);
	return ret;
}

int mlproxy_point_outcome_sized(struct mlproxy_session *s,
				const struct mlproxy_point_outcome *outcome, size_t bytes)
{
	struct mlproxy_point_outcome cmd = {};
	int ret;

	if (bytes < MLPX_UP_TO(struct mlproxy_point_outcome, ledger))
		return mlpx_fail(s, EINVAL, "the program passes an outcome of %zu bytes where at "
				 "least %zu are needed", bytes,
				 MLPX_UP_TO(struct mlproxy_point_outcome, ledger));
	memcpy(&cmd, outcome, bytes < sizeof(cmd) ? bytes : sizeof(cmd));
	cmd.size = sizeof(cmd);
	if (!cmd.id)
		return 0;
	ret = point_ioctl(s, MLPROXY_IOC_POINT_FEEDBACK, &cmd, "tell an outcome", cmd.instance);
	if (ret == -ENOENT)
		return mlpx_fail(s, ENOENT, "decision %llu of %s (instance %u) waits for no "
				 "outcome: it was told already, came too late, or gave way to "
				 "later decisions", (unsigned long long)cmd.id, s->name,
				 cmd.instance);
	return ret;
}

int mlproxy_point_feedback(struct mlproxy_session *s, uint64_t id, uint32_t instance,
			   int64_t reward)
{
	const struct mlproxy_point_outcome outcome = {
		.id = id, .instance = instance, .reward = reward,
	};

	return mlproxy_point_outcome(s, &outcome);
}

int mlproxy_point_event(struct mlproxy_session *s, uint32_t instance, uint32_t event,
			uint64_t key, const int64_t *values, uint32_t nr)
{
	struct mlproxy_point_event cmd = {
		.size = sizeof(cmd), .key = key, .values = (uintptr_t)values, .nr_values = nr,
		.event = event, .instance = instance,
	};
	int ret = point_ioctl(s, MLPROXY_IOC_POINT_EVENT, &cmd, "publish an event", instance);

	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "an event %u with %u values is not what the schema of "
				 "%s says", event, nr, s->name);
	return ret;
}

int mlproxy_point_snapshot(struct mlproxy_session *s, uint32_t instance, uint32_t health,
			   const int64_t *values, uint32_t nr)
{
	struct mlproxy_point_state cmd = {
		.size = sizeof(cmd), .flags = MLPROXY_POINT_STATE_F_SNAPSHOT,
		.instance = instance, .nr = nr, .health = health,
	};
	int ret;

	if (nr <= MLPROXY_SNAPSHOT_MAX && nr)
		memcpy(cmd.values, values, nr * sizeof(*values));
	ret = point_ioctl(s, MLPROXY_IOC_POINT_STATE, &cmd, "tell the state", instance);
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%u values and health %u are no state of %s, as its "
				 "schema says", nr, health, s->name);
	return ret;
}

int mlproxy_point_critical(struct mlproxy_session *s, uint32_t instance, bool critical)
{
	struct mlproxy_point_state cmd = {
		.size = sizeof(cmd), .flags = MLPROXY_POINT_STATE_F_CRITICAL,
		.instance = instance, .critical = critical,
	};

	return point_ioctl(s, MLPROXY_IOC_POINT_STATE, &cmd, "tell the state", instance);
}

int mlproxy_point_cost(struct mlproxy_session *s, uint32_t instance, uint64_t key,
		       uint64_t cost, uint64_t work)
{
	struct mlproxy_point_cost cmd = {
		.size = sizeof(cmd), .key = key, .cost = cost, .work = work,
		.instance = instance,
	};
	int ret = point_ioctl(s, MLPROXY_IOC_POINT_COST, &cmd, "report a cost", instance);

	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%s takes no cost %llu for work %llu: both have to be "
				 "below 2^40, and its schema has to name them", s->name,
				 (unsigned long long)cost, (unsigned long long)work);
	return ret ? ret : !!cmd.control;
}

int mlproxy_point_notice_sized(struct mlproxy_session *s, struct mlproxy_point_notice *notice,
			       size_t bytes)
{
	int ret = mlpx_begin(s, notice, bytes, MLPX_UP_TO(struct mlproxy_point_notice, running));

	if (ret)
		return ret;
	ret = point_ioctl(s, MLPROXY_IOC_POINT_NOTICE, notice, "ask for notices", 0);
	if (ret == -EAGAIN)
		return 0;
	return ret ? ret : 1;
}
