/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy: the API for a kernel subsystem that puts a model beside a decision.
 *
 * A subsystem module describes its decision point in a struct mlproxy_desc,
 * registers it, and then asks mlproxy_decide() at the decision and reports the
 * outcome with mlproxy_feedback(). See docs/proxy-howto.md and, as its
 * example, module/proxies/seqbuf/.
 *
 * Locking: lifecycle functions take the proxy's mutex and may sleep. Decisions,
 * feedback and events take no lock, never sleep and never allocate; they run in
 * an RCU read-side section of their own, in task, softirq or hardirq context,
 * with or without locks of the caller. Not from NMI context: there a decision is
 * the baseline and the record is counted as lost.
 */
#ifndef _MLPROXY_MLPROXY_H
#define _MLPROXY_MLPROXY_H

#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/types.h>
#include <linux/mlproxy.h>

struct mlproxy;
struct mlproxy_decision;

/* Why an outcome is asked for. */
#define MLPROXY_AUDIT_DEADLINE	0	/* the decision waited for PENDING_NS */
#define MLPROXY_AUDIT_EVICTED	1	/* it gives way to another one */

/**
 * struct mlproxy_outcome - what came of a decision
 * @reward: in the schema's unit, clamped to its range
 * @ledger: what it brought in the schema's ledger, clamped to that one's range; ignored
 *	if the schema has none
 */
struct mlproxy_outcome {
	s64 reward;
	s64 ledger;
};

/**
 * struct mlproxy_ops - callbacks of a subsystem
 * @start: attach to the subsystem (register hooks, enable a static key). Called
 *	with the proxy's mutex held, may sleep. The proxy runs once it returned 0;
 *	decisions made before that get the baseline. Optional.
 * @stop: detach. Called with the proxy's mutex held, may sleep. No decision is
 *	under way in the core any more when it is called; one that is asked for
 *	after it gets the baseline. Optional.
 * @snapshot: fill at most @nr values with the state of the subsystem, return how
 *	many. Called with the proxy's mutex held in any state, may sleep. Published
 *	as an event record: see MLPROXY_EVENT_SNAPSHOT. Optional.
 * @critical: true while the subsystem can't afford experiments (free segments
 *	low). Called in every decision, in its context: must be a few
 *	instructions, without locks. Optional.
 * @estimate: judge a snapshot: MLPROXY_HEALTH_*. Called after @snapshot with what
 *	it filled in, under the same lock; may sleep. Optional.
 * @correct: bring the subsystem back to the kernel's own behaviour, on the way
 *	into emergency; @reason is why (MLPROXY_REASON_*). Called from a worker,
 *	or in the ioctl that ordered the emergency, with the proxy's mutex held,
 *	once for each emergency, while decisions already are the baseline; may
 *	sleep. Optional.
 * @audit: what came of a deferred decision until now, since nothing resolved it: @why is
 *	MLPROXY_AUDIT_*. Fills in @outcome and returns true, or false if it can't tell: then
 *	the outcome is lost, and counted for its arm. Must judge both arms alike. Called
 *	in the context of mlproxy_defer() for what it evicts, else from a worker: never
 *	sleeps, takes no lock that may be held around mlproxy_defer(). Optional.
 *
 * With the priv of the proxy or instance that it is about. Where the mutex of an instance
 * is held, that of its proxy may be as well.
 */
struct mlproxy_ops {
	int (*start)(struct mlproxy *proxy, void *priv);
	void (*stop)(struct mlproxy *proxy, void *priv);
	unsigned int (*snapshot)(void *priv, s64 *values, unsigned int nr);
	bool (*critical)(void *priv);
	u32 (*estimate)(void *priv, const s64 *values, unsigned int nr);
	void (*correct)(struct mlproxy *proxy, void *priv, u32 reason);
	bool (*audit)(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		      struct mlproxy_outcome *outcome);
};

/**
 * struct mlproxy_desc - description of a decision point
 * @owner: THIS_MODULE
 * @name: name of the proxy: letters, digits, '_' and '-', under MLPROXY_NAME_LEN
 * @schema_version: to be raised with every change of the rest
 * @nr_features: number of @features, 1 to MLPROXY_MAX_FEATURES
 * @features: the context, in the order mlproxy_decide() takes it
 * @nr_actions: number of @actions, 2 to MLPROXY_MAX_ACTIONS
 * @actions: the legal actions; each must be safe at any time
 * @reward_name: name of the reward
 * @reward_unit: its unit
 * @reward_type: MLPROXY_TYPE_*, but no ENUM; 0 is a whole number of @reward_unit
 * @reward_direction: MLPROXY_REWARD_*
 * @reward_min: smallest reward, >= S32_MIN; smaller ones are clamped
 * @reward_max: largest reward, <= S32_MAX; larger ones are clamped
 * @unit: unit of randomisation, MLPROXY_UNIT_*
 * @trial_share: share of the decisions, of 65536, that follow a model in learning mode
 *	until the administrator says otherwise, up to a half; 0 for 1/16. More where a
 *	bad decision is soon over, and decisions are few
 * @min_samples: outcomes of each arm before a model is judged, 2 and up; 0 for 200; see
 *	MLPROXY_PARAM_MIN_SAMPLES
 * @ramp_ns: how long a policy is tried with a larger share before it is recommended, until
 *	the administrator says otherwise; 0 for 5 s. As long as the state of the subsystem
 *	needs to follow the share
 * @max_macs: multiply-accumulates a model may cost in one decision; 0 for the
 *	default of 8192
 * @table_entries: recommendations held at a time, 0 for the default of 1024;
 *	rounded up to a power of two
 * @nr_states: number of @states, 0 to MLPROXY_MAX_STATES
 * @states: what the values of a snapshot are; may be NULL
 * @nr_events: number of @events, 0 to MLPROXY_MAX_EVENTS
 * @events: kinds of raw events, by their number; others may be published, too
 * @pending_entries: decisions that may wait for a delayed outcome at a time, 0
 *	if mlproxy_defer() is not used; rounded up to a power of two
 * @pending_ns: how long they wait, until the administrator says otherwise; 1 ms to 1 day, 0
 *	for 60 s. No longer than outcomes take: each step up waits until what is lost is known
 * @ledger_name: what decisions bring beside the reward, in units that add up; NULL for
 *	no ledger. A policy climbs only if it does not contradict the reward
 * @ledger_unit: its unit, may be NULL
 * @ledger_direction: MLPROXY_REWARD_*
 * @ledger_min: smallest value, >= S32_MIN; smaller ones are clamped
 * @ledger_max: largest value, <= S32_MAX; larger ones are clamped
 * @nr_strata: number of @strata, 0 to MLPROXY_MAX_STRATA (4 if @unit is not
 *	MLPROXY_UNIT_DECISION); 0 or 1 for no difference
 * @strata: contexts within which outcomes are compared; may be NULL
 * @outer_unit: MLPROXY_OUTER_*: what the outer experiment draws its arms for
 * @outer_hold_ns: how long a unit keeps its arm, until the administrator says otherwise;
 *	0 for 5 s. Longer than the effects of an action last
 * @outer_washout_ns: start of that time, which is not counted; 0 for two fifths of
 *	it
 * @cost_name: what mlproxy_cost() reports as cost; NULL if @outer_unit is
 *	MLPROXY_OUTER_NONE
 * @cost_unit: its unit, may be NULL
 * @work_name: what mlproxy_cost() reports as work
 * @work_unit: its unit, may be NULL
 * @ops: callbacks, may be NULL
 *
 * Must stay valid and unchanged until the proxy is destroyed.
 */
struct mlproxy_desc {
	struct module *owner;
	const char *name;
	u32 schema_version;
	u32 nr_features;
	const struct mlproxy_feature *features;
	u32 nr_actions;
	const struct mlproxy_action *actions;
	const char *reward_name;
	const char *reward_unit;
	u32 reward_type;
	u32 reward_direction;
	s64 reward_min;
	s64 reward_max;
	u32 unit;
	u32 trial_share;
	u32 min_samples;
	u64 ramp_ns;
	u32 max_macs;
	u32 table_entries;
	u32 nr_states;
	const struct mlproxy_feature *states;
	u32 nr_events;
	const struct mlproxy_event_desc *events;
	u32 pending_entries;
	u64 pending_ns;
	const char *ledger_name;
	const char *ledger_unit;
	u32 ledger_direction;
	s64 ledger_min;
	s64 ledger_max;
	u32 nr_strata;
	const struct mlproxy_stratum *strata;
	u32 outer_unit;
	u64 outer_hold_ns;
	u64 outer_washout_ns;
	const char *cost_name;
	const char *cost_unit;
	const char *work_name;
	const char *work_unit;
	const struct mlproxy_ops *ops;
};

/**
 * struct mlproxy_request - one decision that is asked for
 * @key: entity, for recommendations and for randomisation by entity; see mlproxy_key()
 * @features: the context, desc->nr_features values, as they are before any
 *	preprocessing that the schema says
 * @baseline: action of the kernel's own algorithm
 * @allowed: bit mask of the actions legal here, with @baseline; 0 means all
 * @stratum: context that the outcome is compared in, below desc->nr_strata, which must
 *	not depend on the arm
 */
struct mlproxy_request {
	u64 key;
	const s64 *features;
	u32 baseline;
	u32 allowed;
	u32 stratum;
};

/**
 * struct mlproxy_decision - what was decided, to be kept until the feedback
 * @id: decision id; 0 if the proxy was not running: then nothing was recorded, feedback is
 *	ignored, and it is the baseline. What is only for mlproxy_feedback(), and
 *	@model_version, may be anything then
 * @predicted: reward predicted for @action, if @has_prediction
 * @generation: of the proxy's initialisation, for mlproxy_feedback()
 * @model_version: model or recommendation version that was asked, 0 for none
 * @prob_q31: probability with which @action was chosen
 * @readers: for mlproxy_feedback(): the filtered readers that took the decision
 * @experiment: for mlproxy_feedback(): the experiment that it belongs to
 * @baseline: as in the request
 * @action: the action to take, always legal
 * @source: MLPROXY_SRC_*
 * @mode: MLPROXY_MODE_*
 * @arm: MLPROXY_ARM_* that the outcome counts for
 * @outer_arm: MLPROXY_ARM_* of the outer experiment
 * @has_prediction: was @action proposed by a model that predicts rewards
 * @stratum: for mlproxy_feedback(): as in the request
 * @cluster: for mlproxy_feedback(): group of dependent decisions
 */
struct mlproxy_decision {
	u64 id;
	s64 predicted;
	u32 generation;
	u32 model_version;
	u32 prob_q31;
	u32 readers;
	u32 experiment;
	u8 baseline;
	u8 action;
	u8 source;
	u8 mode;
	u8 arm;
	u8 outer_arm;
	u8 has_prediction;
	u8 stratum;
	u8 cluster;
};

/**
 * struct mlproxy_head - the start of a proxy; for the inline functions below alone
 * @state: MLPROXY_STATE_*
 */
struct mlproxy_head {
	u32 state;
};

/**
 * mlproxy_create() - make a proxy
 * @desc: description, checked here
 * @priv: given to the callbacks
 *
 * The proxy is in state CREATED, and not yet visible. Context: may sleep.
 * Return: the proxy, or ERR_PTR: -EINVAL for a bad description (which is said in
 * the kernel log), -EEXIST for a name in use, -ENOSPC, -ENOMEM.
 */
struct mlproxy *mlproxy_create(const struct mlproxy_desc *desc, void *priv);

/**
 * mlproxy_init() - make a created proxy visible: device, sysfs
 * @proxy: in state CREATED
 *
 * sysfs has it at once. User space can bind it once the owner is loaded: not before its
 * module_init has returned 0.
 *
 * Context: may sleep. Return: 0, -EINVAL in another state, -ENOMEM.
 */
int mlproxy_init(struct mlproxy *proxy);

/**
 * mlproxy_reinit() - forget models, recommendations and statistics
 * @proxy: in state INITIALIZED or STOPPED; INITIALIZED after it
 *
 * Context: may sleep. Return: 0, or -EINVAL in another state.
 */
int mlproxy_reinit(struct mlproxy *proxy);

/**
 * mlproxy_start() - start deciding
 * @proxy: in state INITIALIZED or STOPPED; RUNNING after it
 *
 * Context: may sleep. Return: 0, -EINVAL in another state, or what the start
 * callback returned.
 */
int mlproxy_start(struct mlproxy *proxy);

/**
 * mlproxy_stop() - stop deciding
 * @proxy: in state RUNNING; STOPPED after it
 *
 * Waits for decisions under way. Context: may sleep. Return: 0, or -EINVAL in
 * another state.
 */
int mlproxy_stop(struct mlproxy *proxy);

/**
 * mlproxy_destroy() - stop if needed, remove and free
 * @proxy: proxy in any state, or NULL or ERR_PTR, which are ignored
 *
 * To be called from the owner's module_exit (which can't run while a session is
 * bound), in a module_init that fails, or at any other time by an owner that lives on;
 * by then without other callers. No session holds the owner once this returns.
 * Context: may sleep; the owner's own, which keeps it.
 */
void mlproxy_destroy(struct mlproxy *proxy);

/**
 * mlproxy_register() - mlproxy_create() and mlproxy_init() in one
 * @desc: description
 * @priv: given to the callbacks
 *
 * Return: the proxy in state INITIALIZED, or ERR_PTR.
 */
struct mlproxy *mlproxy_register(const struct mlproxy_desc *desc, void *priv);

/**
 * mlproxy_create_instance() - make an instance of a proxy: a device, a filesystem
 * @proxy: initialised, not an instance itself
 * @name: of the instance, as for a proxy; unique in it
 * @priv: given to the callbacks of this instance
 *
 * An instance decides, and has its own state, mode, evidence, parameters, health and
 * pending decisions. Schema, models and recommendations are the proxy's, and so are
 * readers that want all. It is initialised, started, stopped and destroyed as a proxy is;
 * mlproxy_destroy() of the proxy requires that its instances are destroyed before. A
 * proxy that has, or had, instances makes no decisions itself; mlproxy_start() and
 * mlproxy_stop() of it do nothing but call desc->ops, what user space orders is for all
 * instances. One that comes while the proxy runs is for the owner to start, and to stop again
 * if mlproxy_running() says after a full barrier that the proxy does not run any more.
 *
 * An instance begins in learning mode, unless the operator fixed the mode of the proxy,
 * with the active model and with the parameters that were last set for the proxy.
 *
 * Context: may sleep. Return: the instance in state CREATED, or ERR_PTR: -EINVAL for a bad
 * name, one that is too long for PROXY:INSTANCE, or for an instance, -EEXIST for a name in
 * use, -ENOSPC beyond MLPROXY_MAX_INSTANCES, -ENOMEM.
 */
struct mlproxy *mlproxy_create_instance(struct mlproxy *proxy, const char *name, void *priv);

/**
 * mlproxy_running() - is the proxy in state RUNNING
 * @proxy: the proxy
 *
 * Context: any; a hint, it may change at once.
 */
static inline bool mlproxy_running(const struct mlproxy *proxy)
{
	return READ_ONCE(((const struct mlproxy_head *)proxy)->state) ==
	       MLPROXY_STATE_RUNNING;
}

/* Of mlproxy_decide() and mlproxy_feedback(), what is not done in place. */
u32 mlproxy_decide_running(struct mlproxy *proxy, const struct mlproxy_request *req,
			   struct mlproxy_decision *decision);
void mlproxy_feedback_decided(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      s64 reward);

/**
 * mlproxy_decide() - decide
 * @proxy: the proxy
 * @req: context and the kernel's own choice
 * @decision: out: the decision; of a proxy that does not run, see its @id
 *
 * Cost is bounded: one table look-up, at most one evaluation of a model of at
 * most desc->max_macs, one record per dataset reader. Context: any but NMI; never
 * sleeps, allocates or waits.
 * Return: the action to take; @req->baseline whenever in doubt.
 */
static inline u32 mlproxy_decide(struct mlproxy *proxy, const struct mlproxy_request *req,
				 struct mlproxy_decision *decision)
{
	u32 baseline, action;

	if (likely(mlproxy_running(proxy)))
		return mlproxy_decide_running(proxy, req, decision);
	/* Who does not run costs no more than what callers look at. */
	baseline = req->baseline;
	action = baseline;
	/* Two bytes are stored faster than they are put together. */
	OPTIMIZER_HIDE_VAR(action);
	decision->id = 0;
	decision->prob_q31 = MLPROXY_PROB_ONE;
	decision->baseline = baseline;
	decision->action = action;
	decision->source = MLPROXY_SRC_BASELINE;
	decision->mode = MLPROXY_MODE_EMERGENCY;
	decision->arm = MLPROXY_ARM_NONE;
	decision->outer_arm = MLPROXY_ARM_NONE;
	decision->has_prediction = 0;
	decision->stratum = 0;
	return baseline;
}

/**
 * mlproxy_feedback() - report the outcome of a decision
 * @proxy: the proxy
 * @decision: what mlproxy_decide() filled in
 * @reward: outcome in the schema's unit, clamped to its range
 *
 * At most once a decision. Context: as mlproxy_decide().
 */
static inline void mlproxy_feedback(struct mlproxy *proxy,
				    const struct mlproxy_decision *decision, s64 reward)
{
	if (decision->id)
		mlproxy_feedback_decided(proxy, decision, reward);
}

/**
 * mlproxy_feedback_outcome() - mlproxy_feedback() with a ledger
 * @proxy: the proxy
 * @decision: what mlproxy_decide() filled in
 * @outcome: what came of it
 *
 * At most once a decision, in place of mlproxy_feedback(); for all decisions of a proxy
 * with a ledger. Context: as mlproxy_decide().
 */
void mlproxy_feedback_outcome(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			      const struct mlproxy_outcome *outcome);

/**
 * mlproxy_cost() - what the system paid, and for how much work
 * @proxy: the proxy, with desc->outer_unit
 * @key: entity that paid; ignored with MLPROXY_OUTER_WINDOW
 * @cost: since the last call for it, in the schema's cost unit; below 2^40
 * @work: the same, in the work unit
 *
 * All that is paid while the proxy runs has to be reported, in both arms alike, whether a
 * decision was made or not: time stalled for time that passed, blocks migrated for
 * blocks written. Report often against desc->outer_hold_ns; what is reported counts for
 * the arm of the moment. Context: as mlproxy_decide().
 */
void mlproxy_cost(struct mlproxy *proxy, u64 key, u64 cost, u64 work);

/**
 * mlproxy_is_control() - is an entity held to the baseline by the outer experiment now
 * @proxy: the proxy
 * @key: entity; ignored with MLPROXY_OUTER_WINDOW
 *
 * A proxy that does something beside what is decided, such as taking over for one entity what
 * was decided for another, has to leave it undone there: or the experiment compares the policy
 * with a part of itself. Context: as mlproxy_decide().
 *
 * Return: true if so; false for a proxy without desc->outer_unit.
 */
bool mlproxy_is_control(struct mlproxy *proxy, u64 key);

/**
 * mlproxy_report_error() - an action could not be applied
 * @proxy: the proxy
 * @decision: what mlproxy_decide() filled in
 *
 * Counts against the model where it chose the action: too many lead to emergency.
 * Context: as mlproxy_decide().
 */
void mlproxy_report_error(struct mlproxy *proxy, const struct mlproxy_decision *decision);

/**
 * mlproxy_defer() - keep a decision whose outcome will be known much later
 * @proxy: the proxy, with desc->pending_entries
 * @decision: what mlproxy_decide() filled in; copied
 * @token: what mlproxy_resolve() will find it by (a block address, an inode)
 *
 * The table is bounded: the oldest of a bucket gives way, and what waits longer
 * than PENDING_NS expires; both are counted, and published as feedback with
 * MLPROXY_FEEDBACK_EXPIRED. A second decision with one token replaces the first. When
 * the proxy stops, all that wait are given up.
 * Context: as mlproxy_decide().
 * Return: true if it is kept; false if the proxy does not run, in NMI, or without a
 * table: then no outcome will be taken for it.
 */
bool mlproxy_defer(struct mlproxy *proxy, const struct mlproxy_decision *decision,
		   u64 token);

/**
 * mlproxy_resolve() - the outcome of a deferred decision
 * @proxy: the proxy
 * @token: as for mlproxy_defer()
 * @reward: as for mlproxy_feedback(), which this does
 *
 * Context: as mlproxy_decide(). Return: true if the decision was still kept.
 */
bool mlproxy_resolve(struct mlproxy *proxy, u64 token, s64 reward);

/**
 * mlproxy_resolve_outcome() - mlproxy_resolve() with a ledger
 * @proxy: the proxy
 * @token: as for mlproxy_defer()
 * @outcome: as for mlproxy_feedback_outcome(), which this does
 *
 * Context: as mlproxy_decide(). Return: true if the decision was still kept.
 */
bool mlproxy_resolve_outcome(struct mlproxy *proxy, u64 token,
			     const struct mlproxy_outcome *outcome);

/**
 * mlproxy_event() - publish a raw event into the data set
 * @proxy: the proxy
 * @event: number, proxy specific, below MLPROXY_EVENT_SNAPSHOT
 * @key: entity
 * @values: numbers, proxy specific
 * @nr: how many, at most 64; for a described event as many as it says, else it is
 *	dropped and counted as a bad call
 *
 * Aggregated events are summed up for their CPU, see struct mlproxy_event_desc.
 * Context: as mlproxy_decide().
 */
void mlproxy_event(struct mlproxy *proxy, u16 event, u64 key, const s64 *values,
		   unsigned int nr);

/**
 * mlproxy_key() - key of an entity, for decisions, recommendations and events
 * @identity: what tells the entity from others; padding must be set, too
 * @len: its length in bytes
 *
 * A hash under a secret of this boot. A key that others could compute would tell all
 * readers of the data set which file or flow a record is about; so an identity that
 * means something outside of the proxy goes through this. The same identity has the same
 * key until the core is loaded again.
 * Context: any. Return: the key.
 */
u64 mlproxy_key(const void *identity, size_t len);

#endif /* _MLPROXY_MLPROXY_H */
