// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heartbeats of agents. Each belongs to the session that sends it: its deadline is its
 * own, it alone can leave, and it is lost when its file is closed without that, as the
 * kernel closes it for a process that dies. Decisions look at one word, the earliest
 * deadline of all.
 *
 * A loss of the second kind has no session any more that could be heard again. It is
 * over when another session sends its first heartbeat, the successor; when the operator
 * sets the mode; or with a new initialisation.
 *
 * The agents of a proxy are those of each of its instances as well. Each instance is told
 * when their earliest deadline changes.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "heartbeat.h"
#include "whole.h"
#include "mode_path.h"
#include "mode_priv.h"

/* A deadline that was never kept: 0 says that there is none. */
#define LONG_AGO	1

static bool is_lost(const struct mode_silence *silence)
{
	return silence->deadline_ns == LONG_AGO;
}

/* Of the agents that are bound to the proxy itself. */
static struct mode_silence own_silence(const struct mlproxy_modes *ms)
{
	const struct mlproxy_agent *agent, *first = NULL;

	if (ms->lost_ns)
		return (struct mode_silence) {
			.deadline_ns = LONG_AGO,
			.since_ns = ms->lost_ns,
		};
	list_for_each_entry(agent, &ms->agents, node)
		if (!first || agent->deadline_ns < first->deadline_ns)
			first = agent;
	if (!first)
		return (struct mode_silence) {};
	return (struct mode_silence) {
		.deadline_ns = first->deadline_ns,
		.since_ns = first->beat_ns,
		.allowed_ns = first->deadline_ns - first->beat_ns,
	};
}

/* Tell decisions of the earliest deadline, and the machine whose it is. */
static void show_own_deadline(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mode_silence first = own_silence(ms);
	unsigned long flags;

	if (ms->whole_silence.deadline_ns &&
	    (!first.deadline_ns || ms->whole_silence.deadline_ns < first.deadline_ns))
		first = ms->whole_silence;
	flags = lock_modes(ms);
	ms->silence = first;
	WRITE_ONCE(proxy->agent_deadline_ns, first.deadline_ns);
	mlproxy_use(proxy, USE_ALARM, first.deadline_ns);
	unlock_modes(ms, flags);
}

/* An agent was lost for good, or an emergency may have waited for what changed. */
static void judge(struct mlproxy *proxy, bool lost)
{
	if (mlproxy_gone(proxy))
		return;
	if (lost)
		mlproxy_mode_request_emergency(proxy, MLPROXY_REASON_AGENT_LOST, 0, 0);
	if (lost || mlproxy_mode_of(proxy) == MLPROXY_MODE_EMERGENCY)
		mode_look_now(proxy);
}

/* To the instances, too. */
static void show_deadline(struct mlproxy *proxy)
{
	struct mode_silence silence = own_silence(proxy->modes);
	struct mlproxy *instance;

	show_own_deadline(proxy);
	for_each_instance(instance, proxy) {
		mutex_lock(&instance->lock);
		instance->modes->whole_silence = silence;
		show_own_deadline(instance);
		judge(instance, is_lost(&silence));
		mutex_unlock(&instance->lock);
	}
}

static int beats(struct mlproxy_modes *ms, struct mlproxy_agent *agent, u64 now_ns,
		 u32 timeout_ms)
{
	if (list_empty(&agent->node)) {
		if (ms->nr_agents == MODE_MAX_AGENTS)
			return -EBUSY;
		ms->nr_agents++;
		list_add_tail(&agent->node, &ms->agents);
		ms->lost_ns = 0;
	}
	agent->beat_ns = now_ns;
	agent->deadline_ns = now_ns + timeout_ms * NSEC_PER_MSEC;
	return 0;
}

static void leaves(struct mlproxy_modes *ms, struct mlproxy_agent *agent)
{
	if (list_empty(&agent->node))
		return;
	list_del_init(&agent->node);
	ms->nr_agents--;
}

/**
 * mlproxy_heartbeat() - an agent is there, or leaves
 * @proxy: the proxy
 * @agent: of the session
 * @beat: as from the ioctl, checked; the results are filled in
 *
 * Context: may sleep. Return: 0, -EBUSY for one agent too many, or -ENODEV.
 */
int mlproxy_heartbeat(struct mlproxy *proxy, struct mlproxy_agent *agent,
		      struct mlproxy_heartbeat *beat)
{
	struct mlproxy_modes *ms = proxy->modes;
	u64 now_ns;
	int ret = 0;

	mutex_lock(&proxy->lock);
	if (mlproxy_gone(proxy)) {
		ret = -ENODEV;
		goto out;
	}
	now_ns = ktime_get_mono_fast_ns();
	beat->age_ms = list_empty(&agent->node) ? 0 :
		       div_u64(now_ns - agent->beat_ns, NSEC_PER_MSEC);
	if (beat->flags & MLPROXY_HEARTBEAT_F_LEAVE)
		leaves(ms, agent);
	else
		ret = beats(ms, agent, now_ns, beat->timeout_ms);
	if (ret)
		goto out;
	show_deadline(proxy);
	judge(proxy, false);
out:
	mutex_unlock(&proxy->lock);
	return ret;
}

/**
 * mlproxy_heartbeat_closed() - a session ends
 * @proxy: its proxy
 * @agent: of the session
 *
 * Context: may sleep.
 */
void mlproxy_heartbeat_closed(struct mlproxy *proxy, struct mlproxy_agent *agent)
{
	struct mlproxy_modes *ms = proxy->modes;

	mutex_lock(&proxy->lock);
	if (!list_empty(&agent->node)) {
		leaves(ms, agent);
		ms->lost_ns = agent->beat_ns;
		show_deadline(proxy);
		judge(proxy, true);
	}
	mutex_unlock(&proxy->lock);
}

/**
 * mlproxy_heartbeat_take_over() - expect the agents of the whole
 * @instance: the instance, its lock and that of its proxy held
 */
void mlproxy_heartbeat_take_over(struct mlproxy *instance)
{
	instance->modes->whole_silence = own_silence(instance->whole->modes);
	show_own_deadline(instance);
}

/**
 * mlproxy_heartbeat_forget() - do without an agent whose session is gone
 * @proxy: the proxy, its lock held
 *
 * Context: may sleep.
 */
void mlproxy_heartbeat_forget(struct mlproxy *proxy)
{
	lockdep_assert_held(&proxy->lock);
	proxy->modes->lost_ns = 0;
	if (is_lost(&proxy->modes->whole_silence))
		proxy->modes->whole_silence = (struct mode_silence) {};
	show_deadline(proxy);
}

/**
 * mlproxy_heartbeat_reset() - expect nobody
 * @proxy: the proxy, its lock held
 *
 * Context: may sleep.
 */
void mlproxy_heartbeat_reset(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_agent *agent, *next;

	list_for_each_entry_safe(agent, next, &ms->agents, node)
		leaves(ms, agent);
	mlproxy_heartbeat_forget(proxy);
}
