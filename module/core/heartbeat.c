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
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "heartbeat.h"
#include "mode_path.h"
#include "mode_priv.h"

/* A deadline that was never kept: 0 says that there is none. */
#define LONG_AGO	1

/* Tell decisions of the earliest deadline, and the machine whose it is. */
static void show_deadline(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	struct mlproxy_agent *agent, *first = NULL;
	unsigned long flags;
	u64 deadline_ns = 0;

	list_for_each_entry(agent, &ms->agents, node)
		if (!first || agent->deadline_ns < first->deadline_ns)
			first = agent;
	flags = lock_modes(ms);
	if (ms->lost_ns) {
		ms->silent_since_ns = ms->lost_ns;
		ms->silence_ns = 0;
		deadline_ns = LONG_AGO;
	} else if (first) {
		ms->silent_since_ns = first->beat_ns;
		ms->silence_ns = first->deadline_ns - first->beat_ns;
		deadline_ns = first->deadline_ns;
	}
	WRITE_ONCE(proxy->agent_deadline_ns, deadline_ns);
	unlock_modes(ms, flags);
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
	/* It may be what the emergency waits for. */
	if (mlproxy_mode_of(proxy) == MLPROXY_MODE_EMERGENCY)
		mode_look_now(proxy);
	beat->mode = mlproxy_mode_of(proxy);
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
		mlproxy_mode_request_emergency(proxy, MLPROXY_REASON_AGENT_LOST, 0, 0);
		if (!mlproxy_gone(proxy))
			mode_look_now(proxy);
	}
	mutex_unlock(&proxy->lock);
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
