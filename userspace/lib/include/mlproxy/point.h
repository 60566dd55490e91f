/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: decision points of daemons. docs/daemon-howto.md goes through an example.
 *
 * The calls have the shape of the kernel's API for modules: describe and register, decide,
 * feed back. A session has one point, is bound to no proxy, and takes its point down when
 * it is closed or its process dies. Point and instances are named by the number of the
 * instance, 0 for the point itself.
 *
 * Return values and threads are as mlproxy/mlproxy.h says.
 */
#ifndef _LIBMLPROXY_POINT_H
#define _LIBMLPROXY_POINT_H

#include <mlproxy/mlproxy.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct mlproxy_point_desc - description of a decision point
 * @name: 1 to 26 letters, digits, '_' and '-'; the proxy is called "user-" and this
 * @schema_version: to be raised with every change of the rest
 * @flags: MLPROXY_POINT_F_START, or 0: the operator starts it
 * @features: the context, in the order mlproxy_point_decide() takes it
 * @actions: the legal actions; each must be safe at any time
 * @nr_features: number of @features
 * @nr_actions: number of @actions
 * @reward_name: name of the reward
 * @reward_unit: its unit, may be NULL as every unit may
 * @reward_min: smallest reward; smaller ones are clamped
 * @reward_max: largest reward; larger ones are clamped
 * @reward_type: MLPROXY_TYPE_*
 * @reward_direction: MLPROXY_REWARD_*
 * @unit: unit of randomisation, MLPROXY_UNIT_*
 * @pending_entries: decisions that may wait for their outcome at a time; 0 for 256
 * @pending_ns: how long they wait; 0 for 60 s
 * @states: what the values of a snapshot are, may be NULL
 * @events: kinds of raw events, by their number, may be NULL
 * @strata: contexts within which outcomes are compared, may be NULL
 * @nr_states: number of @states
 * @nr_events: number of @events
 * @nr_strata: number of strata
 * @trial_share: share of the decisions, of 65536, of a policy on trial; 0 for 1/16
 * @min_samples: outcomes of each arm before a policy is judged; 0 for 200
 * @max_macs: multiply-accumulates a model may cost; 0 for 8192
 * @ramp_ns: how long a policy is tried with a larger share; 0 for 5 s
 * @table_entries: recommendations held at a time; 0 for 1024
 * @ledger_direction: MLPROXY_REWARD_*
 * @ledger_name: what decisions bring beside the reward; NULL for no ledger
 * @ledger_unit: its unit
 * @ledger_min: as @reward_min
 * @ledger_max: as @reward_max
 * @cost_name: what the system pays; needed with @outer_unit
 * @cost_unit: its unit
 * @work_name: what it pays for; needed with @outer_unit
 * @work_unit: its unit
 * @outer_unit: MLPROXY_OUTER_*
 * @reserved: must be 0
 * @outer_hold_ns: how long a unit of the outer experiment keeps its arm; 0 for 5 s
 * @outer_washout_ns: start of that time, which is not counted; 0 for two fifths of it
 *
 * struct mlproxy_point of linux/mlproxy.h says more of each. The kernel copies all of it.
 */
struct mlproxy_point_desc {
	const char *name;
	uint32_t schema_version;
	uint32_t flags;
	const struct mlproxy_feature *features;
	const struct mlproxy_action *actions;
	uint32_t nr_features;
	uint32_t nr_actions;
	const char *reward_name;
	const char *reward_unit;
	int64_t reward_min;
	int64_t reward_max;
	uint32_t reward_type;
	uint32_t reward_direction;
	uint32_t unit;
	uint32_t pending_entries;
	uint64_t pending_ns;
	const struct mlproxy_feature *states;
	const struct mlproxy_event_desc *events;
	const struct mlproxy_stratum *strata;
	uint32_t nr_states;
	uint32_t nr_events;
	uint32_t nr_strata;
	uint32_t trial_share;
	uint32_t min_samples;
	uint32_t max_macs;
	uint64_t ramp_ns;
	uint32_t table_entries;
	uint32_t ledger_direction;
	const char *ledger_name;
	const char *ledger_unit;
	int64_t ledger_min;
	int64_t ledger_max;
	const char *cost_name;
	const char *cost_unit;
	const char *work_name;
	const char *work_unit;
	uint32_t outer_unit;
	uint32_t reserved;
	uint64_t outer_hold_ns;
	uint64_t outer_washout_ns;
};

/**
 * mlproxy_point_register_sized() - register a decision point
 * @s: session that is open for writing and not bound; mlproxy_bound_name() is the proxy's
 *	name then
 * @desc: description
 * @sizes: of the structures in the program: @desc, @feature, @action, @state, @event,
 *	@stratum; a @desc up to @pending_ns is enough
 *
 * Return: 0; -EBADMSG if the kernel refuses the description: mlproxy_errmsg() says why;
 * -EEXIST if the name is in use; -EBUSY if the session has a point or is bound; -EDQUOT,
 * -ENOSPC if there are too many; -EPERM; -EINVAL for a text that is too long.
 */
MLPROXY_API int mlproxy_point_register_sized(struct mlproxy_session *s,
					     const struct mlproxy_point_desc *desc,
					     const struct mlproxy_schema_sizes *sizes);

/**
 * mlproxy_point_add() - add an instance
 * @s: session with a point
 * @name: its name, unique in the point
 *
 * Return: its number, > 0; -EINVAL for a bad name, -EEXIST, -EDQUOT, -ENOSPC.
 */
MLPROXY_API int mlproxy_point_add(struct mlproxy_session *s, const char *name);

/**
 * mlproxy_point_drop() - take an instance away
 * @s: session with a point
 * @instance: its number
 *
 * Return: 0, or -ENOENT.
 */
MLPROXY_API int mlproxy_point_drop(struct mlproxy_session *s, uint32_t instance);

/**
 * mlproxy_point_decide_sized() - decide
 * @s: session with a point
 * @d: in: @key, @features, @nr_features, @instance, @baseline, @allowed, @stratum; out: the
 *	rest, of which @action is to be taken
 *
 * On failure @action is @baseline and @id 0, so that a daemon may go on as if it had no
 * point.
 * Return: 0; -EINVAL for what the schema does not allow; -ENOENT for no such instance.
 */
MLPROXY_API int mlproxy_point_decide_sized(struct mlproxy_session *s,
					   struct mlproxy_point_decide *d, size_t bytes);

/**
 * mlproxy_point_feedback() - tell the outcome of a decision
 * @s: session with a point
 * @id: of the decision; 0, of one that was not recorded, is ignored
 * @instance: that decided
 * @reward: in the schema's unit
 *
 * At once or later, at most once a decision.
 * Return: 0; -ENOENT if the decision does not wait for an outcome (any more).
 */
MLPROXY_API int mlproxy_point_feedback(struct mlproxy_session *s, uint64_t id,
				       uint32_t instance, int64_t reward);

/**
 * mlproxy_point_outcome_sized() - mlproxy_point_feedback() with a ledger, or a failure
 * @s: session with a point
 * @outcome: @flags, @id, @instance, @reward and @ledger
 *
 * Return: as mlproxy_point_feedback().
 */
MLPROXY_API int mlproxy_point_outcome_sized(struct mlproxy_session *s,
					    const struct mlproxy_point_outcome *outcome,
					    size_t bytes);

/**
 * mlproxy_point_event() - publish a raw event into the data set
 * @s: session with a point
 * @instance: that it is about
 * @event: number, below MLPROXY_EVENT_SNAPSHOT
 * @key: entity
 * @values: numbers
 * @nr: how many, as many as the schema says of a described event
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
MLPROXY_API int mlproxy_point_event(struct mlproxy_session *s, uint32_t instance,
				    uint32_t event, uint64_t key, const int64_t *values,
				    uint32_t nr);

/**
 * mlproxy_point_snapshot() - tell the state of the subsystem; it is kept, and published
 * @s: session with a point
 * @instance: that it is about
 * @health: MLPROXY_HEALTH_*; a bad one leads to emergency mode
 * @values: as the schema's states say
 * @nr: how many, as many as the schema has states
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
MLPROXY_API int mlproxy_point_snapshot(struct mlproxy_session *s, uint32_t instance,
				       uint32_t health, const int64_t *values, uint32_t nr);

/**
 * mlproxy_point_critical() - can the subsystem afford experiments
 * @s: session with a point
 * @instance: that it is about
 * @critical: it can't: all decisions are the baseline until it can again
 *
 * Return: 0, or -ENOENT.
 */
MLPROXY_API int mlproxy_point_critical(struct mlproxy_session *s, uint32_t instance,
				       bool critical);

/**
 * mlproxy_point_cost() - what the system paid, and for how much work
 * @s: session with a point that has @outer_unit
 * @instance: that it is about
 * @key: entity that paid
 * @cost: since the last call for it
 * @work: the same
 *
 * Return: 1 if the outer experiment holds @key to the baseline now, 0 if not; -EINVAL,
 * -ENOENT.
 */
MLPROXY_API int mlproxy_point_cost(struct mlproxy_session *s, uint32_t instance, uint64_t key,
				   uint64_t cost, uint64_t work);

/**
 * mlproxy_point_notice_sized() - what the kernel has to tell: started, stopped, emergency
 * @s: session with a point
 * @notice: out
 *
 * poll(2) of mlproxy_fd() for POLLPRI waits for it. Never waits itself.
 * Return: 1 with a notice, 0 if there is none.
 */
MLPROXY_API int mlproxy_point_notice_sized(struct mlproxy_session *s,
					   struct mlproxy_point_notice *notice, size_t bytes);

static inline int mlproxy_point_register(struct mlproxy_session *s,
					 const struct mlproxy_point_desc *desc)
{
	const struct mlproxy_schema_sizes sizes = {
		sizeof(sizes), sizeof(*desc), sizeof(struct mlproxy_point),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_action),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_event_desc),
		sizeof(struct mlproxy_stratum),
	};

	return mlproxy_point_register_sized(s, desc, &sizes);
}

static inline int mlproxy_point_decide(struct mlproxy_session *s, struct mlproxy_point_decide *d)
{
	return mlproxy_point_decide_sized(s, d, sizeof(*d));
}

static inline int mlproxy_point_outcome(struct mlproxy_session *s,
					const struct mlproxy_point_outcome *outcome)
{
	return mlproxy_point_outcome_sized(s, outcome, sizeof(*outcome));
}

static inline int mlproxy_point_notice(struct mlproxy_session *s,
				       struct mlproxy_point_notice *notice)
{
	return mlproxy_point_notice_sized(s, notice, sizeof(*notice));
}

#ifdef __cplusplus
}
#endif

#endif /* _LIBMLPROXY_POINT_H */
