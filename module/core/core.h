/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of mlproxy.ko: the proxy and what its parts show to one another.
 *
 * Locks, outermost first:
 *	registry_lock (registry.c)	the list of proxies
 *	session->lock (session.c)	set-up of one session
 *	proxy->lock			lifecycle, models, parameters; of a proxy with
 *					instances before that of any of them
 *	table->lock (rec_table.c)	writers of the recommendation table
 *	modes->lock (mode.c)		mode machine; raw, interrupts off
 *	cpus_read_lock() (event.c)	flushing aggregated events
 * None of them is taken on the decision path, which relies on RCU: readers, what
 * they asked for and the active model are RCU-protected, state, mode and shares are
 * single words. Deferred outcomes take the raw spinlock of one bucket (pending.c),
 * for one scan of eight entries.
 * No lock is held while user memory is copied.
 */
#ifndef _MLPROXY_CORE_H
#define _MLPROXY_CORE_H

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include <mlproxy/mlproxy.h>

struct event_accumulators;
struct mlproxy_model;
struct mlproxy_modes;
struct mode_cpu;
struct pending_table;
struct rec_table;

/**
 * struct mlproxy_counters - what one CPU counts; see struct mlproxy_stats
 * @next_id: last decision id of this CPU, which is above MLPROXY_CPU_ID_SHIFT in it
 * @candidates: decisions by the source that proposed an action
 */
struct mlproxy_counters {
	u64 next_id;
	u64 by_source[MLPROXY_NR_SOURCES];
	u64 by_mode[MLPROXY_NR_MODES];
	u64 by_action[MLPROXY_MAX_ACTIONS];
	u64 critical;
	u64 feedback_stale;
	u64 reward_count[MLPROXY_NR_SOURCES];
	s64 reward_sum[MLPROXY_NR_SOURCES];
	u64 rec_hits;
	u64 rec_expired;
	u64 events;
	u64 bad_calls;
	u64 pending_deferred;
	u64 pending_resolved;
	u64 pending_expired;
	u64 pending_evicted;
	u64 pending_missed;
	u64 candidates[MLPROXY_NR_SOURCES];
	u64 by_arm[MLPROXY_NR_ARMS];
	u64 lost_by_arm[MLPROXY_NR_ARMS];
	u64 refused;
	u64 errors;
	u64 bpf_calls;
	u64 latency_samples;
	u64 latency_over;
};

/*
 * struct mlproxy.uses: what a decision has to look at beside the baseline, so that all that
 * is not in use costs one branch together. Of an instance, its own and those of the whole
 * count. A bit is set after what it stands for is there, by whoever makes it so, under the
 * lock of that; what it says "may be there" is looked at itself.
 *
 * Above the bits is the number of readers bound to the proxy that take decisions now.
 */
#define USE_MODEL	0x0001		/* a model is active; of the whole */
#define USE_TABLE	0x0002		/* there may be recommendations; of the whole */
#define USE_READERS	0x0004		/* there are readers; of the whole */
#define USE_ALARM	0x0008		/* there may be cause for emergency: a deadline */
#define USE_CONTEXT	0x0010		/* callback, costs, logarithms or units; constant */
#define USE_ONE_TAKER	0x10000

/**
 * struct mlproxy - one proxy, or one instance of a proxy
 *
 * Whoever decides has all of it. @whole has what instances share: models and the table
 * of recommendations, readers, and the numbers of decisions; see instance.c.
 *
 * The first part is read in every decision and written rarely, under @lock.
 */
struct mlproxy {
	/* One cache line, all that a decision reads that nothing is proposed for. */
	u32 state;				/* struct mlproxy_head */
	atomic_t uses;				/* USE_* */
	struct mlproxy *whole;			/* itself, or what it is one of; constant */
	struct mlproxy_counters __percpu *counters;
	u64 trust;				/* mode and tested logic, see trust.h */
	u32 experiment;
	u32 generation;
	atomic_t emergency;			/* MLPROXY_REASON_* that asks for it */
	u32 nr_actions;				/* 0 once it has instances */
	u32 nr_strata;				/* 0 for one context; constant */
	s32 reward_min;				/* of the schema; constant */
	s32 reward_max;				/* the same */
	/* To here. */
	u32 nr_features;
	u32 all_actions;			/* bit mask; 0 once it has instances */
	u64 agent_deadline_ns;			/* the earliest; 0: no agent is waited for */
	u64 next_look_ns;			/* in emergency */
	u32 unit;
	u32 share[MLPROXY_NR_MODES];		/* of 65536 */
	u32 explore[MLPROXY_NR_MODES];		/* of 65536 */
	u32 ramp_share;				/* of 65536 */
	u64 seed;
	u64 window_ns;
	u64 washout_ns;
	u64 latency_ns;				/* 0: not measured */
	bool (*critical)(void *priv);
	bool (*audit)(void *priv, u64 token, const struct mlproxy_decision *decision, u32 why,
		      struct mlproxy_outcome *outcome);
	void *priv;
	struct mode_cpu __percpu *mode_cpus;
	struct mode_sums __percpu *ledger;	/* NULL for none; constant */
	struct mode_sums __percpu *costs;	/* NULL for none; constant */
	u32 outer_unit;				/* MLPROXY_OUTER_*; constant */
	u32 outer_experiment;
	u32 outer_share[MLPROXY_NR_MODES];	/* of 65536 */
	u64 outer_hold_ns;
	u64 outer_washout_ns;
	u64 outer_begin_ns;			/* of the outer experiment */
	struct mlproxy_modes *modes;
	u32 bpf_version;			/* of the last answer of a program */
	u32 rec_version;			/* of the last recommendation taken */
	struct mlproxy_model __rcu *active;	/* of @whole */
	struct rec_table *table;		/* of @whole */
	struct list_head readers;		/* of @whole, for its instances, too; RCU */
	atomic_t event_triggers;		/* of @whole: requests that an event begins */
	u32 log2_features;			/* bit mask; constant */
	struct pending_table *pending;		/* NULL for none; constant */
	u64 pending_ns;
	s64 ledger_min;				/* constant */
	s64 ledger_max;				/* constant */
	struct event_accumulators __percpu *accumulators;	/* constant */

	gfp_t gfp;				/* of what it is made of; constant */
	struct mutex lock;			/* lifecycle, models, parameters */
	struct kref kref;
	struct list_head node;			/* registry_lock */
	struct module *owner;			/* registry_lock; NULL once destroyed */
	u32 owner_holds;			/* by sessions; registry_lock */
	bool announced;				/* registry_lock */
	const struct mlproxy_ops *ops;
	struct mlproxy_model *standby;		/* lock */
	bool can_rollback;			/* lock */
	u32 last_version;			/* lock */
	atomic64_t rec_drained;
	atomic64_t rec_accepted;
	atomic64_t rec_rejected;
	u64 desc_hold_ns;			/* of the description; constant */
	u64 desc_washout_ns;			/* the same */
	u32 trial_share;			/* the same */
	u32 min_samples;			/* the same */
	u64 ramp_ns;				/* the same */
	u64 desc_pending_ns;			/* the same */
	u32 id;
	u32 instance;				/* its number in @whole, 0 for none; constant */
	u32 last_instance;			/* number used last; registry_lock */
	u32 nr_instances;			/* registry_lock */
	bool is_class;				/* has, or had, instances; lock */
	struct list_head instances;		/* those that are initialised; lock */
	struct list_head sibling;		/* in @instances of @whole; its lock */
	u64 old_param;				/* while one is set; lock of @whole */
	struct mlproxy_stats *departed;		/* sums of former instances; lock */
	const struct mlproxy_desc *desc;	/* NULL once destroyed; lock */
	char name[MLPROXY_NAME_LEN];
	struct mlproxy_schema schema;		/* scalars; constant */
	struct mlproxy_feature *features;	/* constant */
	struct mlproxy_action *actions;		/* constant */
	struct mlproxy_feature *states;		/* constant */
	struct mlproxy_event_desc *events;	/* constant */
	struct mlproxy_stratum *strata;		/* constant */
	u32 reader_slots;			/* bit mask of those in use; lock */
	u32 health;				/* of the last snapshot; lock */
	u32 nr_last_states;			/* valid in @last_states; lock */
	s64 last_states[MLPROXY_MAX_STATES];	/* as measured; lock */
	u64 state_period_ns;			/* lock */
	struct delayed_work state_work;
	struct mlproxy_kobj *kobj;
};

static_assert(!offsetof(struct mlproxy, state), "struct mlproxy_head");
static_assert(offsetof(struct mlproxy, nr_features) <= 64, "the hot line");

/* key.c */
void mlproxy_key_init(void);

/* proxy.c */
struct mlproxy *mlproxy_alloc(const struct mlproxy_desc *desc, struct mlproxy *whole,
			      void *priv);
void mlproxy_get_ref(struct mlproxy *proxy);
void mlproxy_put_ref(struct mlproxy *proxy);
void mlproxy_put(struct mlproxy *proxy);
int mlproxy_control(struct mlproxy *proxy, u32 op);
int mlproxy_control_one(struct mlproxy *proxy, u32 op);

/* schema.c */
int mlproxy_schema_init(struct mlproxy *proxy, const struct mlproxy_desc *desc);
void mlproxy_schema_share(struct mlproxy *proxy, const struct mlproxy *from);
void mlproxy_schema_free(struct mlproxy *proxy);

/* stats.c */
void mlproxy_stats_fill(struct mlproxy *proxy, struct mlproxy_stats *stats);
void mlproxy_stats_reset(struct mlproxy *proxy);
void mlproxy_stats_depart(const struct mlproxy *instance);
u64 mlproxy_stats_lost(struct mlproxy *proxy);

/* decide.c */
void mlproxy_feedback_flags(struct mlproxy *proxy, const struct mlproxy_decision *decision,
			    const struct mlproxy_outcome *outcome, u16 flags);

/* model.c */
int mlproxy_model_load(struct mlproxy *proxy, struct mlproxy_model_load *cmd);
int mlproxy_model_ctl(struct mlproxy *proxy, u32 op, u32 *version);
void mlproxy_model_info(struct mlproxy *proxy, struct mlproxy_model_info *info);
int mlproxy_model_eval(struct mlproxy *proxy, struct mlproxy_model_eval *cmd,
		       const s64 *features);
void mlproxy_model_drop(struct mlproxy *proxy);
u32 mlproxy_model_version(const struct mlproxy_model *model);
u32 mlproxy_model_active(struct mlproxy *whole);

/* sysfs.c */
int mlproxy_sysfs_add(struct mlproxy *proxy);
void mlproxy_sysfs_remove(struct mlproxy *proxy);

/**
 * mlproxy_use() - decisions have to look at something from now on, or not
 * @proxy: whose decisions
 * @use: USE_*
 * @on: which of the two
 *
 * Context: any; changes of one bit are for the caller to serialise.
 */
static inline void mlproxy_use(struct mlproxy *proxy, int use, bool on)
{
	if (on)
		atomic_or(use, &proxy->uses);
	else
		atomic_andnot(use, &proxy->uses);
}

/**
 * mlproxy_is_instance() - is it an instance of another proxy
 * @proxy: the proxy
 *
 * Context: any.
 */
static inline bool mlproxy_is_instance(const struct mlproxy *proxy)
{
	return proxy->whole != proxy;
}

/**
 * mlproxy_gone() - was the proxy destroyed
 * @proxy: the proxy
 *
 * Stable while its lock is held.
 */
static inline bool mlproxy_gone(const struct mlproxy *proxy)
{
	return READ_ONCE(proxy->state) == MLPROXY_STATE_DESTROYED;
}

#endif /* _MLPROXY_CORE_H */
