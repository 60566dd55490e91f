// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: lifecycle, mode, parameters and counters of the bound proxy.
 */
#include <errno.h>
#include <string.h>

#include "session.h"

static const char *op_needs(uint32_t op)
{
	switch (op) {
	case MLPROXY_CTL_START:
		return "it can be started only while it is initialized or stopped";
	case MLPROXY_CTL_STOP:
		return "it can be stopped only while it is running";
	case MLPROXY_CTL_REINIT:
		return "it can be re-initialised only while it does not run; stop it first";
	default:
		return "the operation is not known";
	}
}

static const char *op_verb(uint32_t op)
{
	switch (op) {
	case MLPROXY_CTL_START:
		return "start";
	case MLPROXY_CTL_STOP:
		return "stop";
	case MLPROXY_CTL_REINIT:
		return "re-initialise";
	default:
		return "control";
	}
}

int mlproxy_control(struct mlproxy_session *s, uint32_t op, uint32_t *state)
{
	struct mlproxy_control control = { .size = sizeof(control), .op = op };
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_CONTROL, &control, "change the state");
	if (state)
		*state = control.state;
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "cannot %s %s: %s", op_verb(op), s->name,
				 op_needs(op));
	if (ret && ret != -ENXIO && ret != -EPERM && ret != -ENODEV)
		return mlpx_fail(s, -ret, "cannot %s %s: the subsystem's callback refused: %s; "
				 "see the kernel log", op_verb(op), s->name, strerror(-ret));
	return ret;
}

int mlproxy_mode_get_sized(struct mlproxy_session *s, struct mlproxy_mode *mode, size_t bytes)
{
	int ret = mlpx_begin(s, mode, bytes, MLPX_UP_TO(struct mlproxy_mode, evidence));

	return ret ? ret : mlpx_ioctl(s, MLPROXY_IOC_MODE, mode, "ask for the mode");
}

int mlproxy_mode_set(struct mlproxy_session *s, uint32_t mode)
{
	struct mlproxy_mode cmd = {
		.size = sizeof(cmd),
		.flags = MLPROXY_MODE_F_SET,
		.mode = mode,
	};
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_MODE, &cmd, "set the mode");
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%u is no mode; 0 (emergency) to %u (recommendation) "
				 "are", mode, MLPROXY_NR_MODES - 1);
	return ret;
}

int mlproxy_mode_auto(struct mlproxy_session *s)
{
	struct mlproxy_mode cmd = { .size = sizeof(cmd), .flags = MLPROXY_MODE_F_AUTO };

	return mlpx_ioctl(s, MLPROXY_IOC_MODE, &cmd, "hand the mode back");
}

/* Asks with what @efficiency says of verdicts. Return: changes of mode, or a negative errno. */
static int ask_efficiency(struct mlproxy_session *s, struct mlproxy_efficiency *efficiency,
			  struct mlproxy_transition *transitions, uint32_t room,
			  size_t transition_bytes)
{
	int ret;

	efficiency->transition_size = transition_bytes;
	efficiency->transitions = (uintptr_t)transitions;
	efficiency->count = room;
	ret = mlpx_ioctl(s, MLPROXY_IOC_EFFICIENCY, efficiency, "ask for the efficiency");
	efficiency->transitions = 0;
	if (ret)
		return ret;
	if (efficiency->count > room)
		return mlpx_fail(s, EPROTO, "the kernel says it wrote %u changes of mode where %u "
				 "fit; its ABI is not this library's", efficiency->count, room);
	return (int)efficiency->count;
}

int mlproxy_efficiency_get_sized(struct mlproxy_session *s, struct mlproxy_efficiency *efficiency,
				 struct mlproxy_transition *transitions, uint32_t room,
				 size_t bytes, size_t transition_bytes)
{
	int ret = mlpx_begin(s, efficiency, bytes,
			     MLPX_UP_TO(struct mlproxy_efficiency, evidence));

	return ret ? ret : ask_efficiency(s, efficiency, transitions, room, transition_bytes);
}

/* A kernel that knows of no verdicts has the one that is the efficiency's evidence. */
static int only_verdict(struct mlproxy_session *s, struct mlproxy_efficiency *efficiency,
			struct mlproxy_transition *transitions, uint32_t room,
			struct mlproxy_evidence *verdicts, size_t bytes, size_t transition_bytes)
{
	int ret = mlproxy_efficiency_get_sized(s, efficiency, transitions, room, bytes,
					       transition_bytes);

	if (ret < 0 || !verdicts)
		return ret;
	verdicts[MLPROXY_VERDICT_REWARD] = efficiency->evidence;
	efficiency->nr_verdicts = 1;
	return ret;
}

int mlproxy_efficiency_verdicts_sized(struct mlproxy_session *s,
				      struct mlproxy_efficiency *efficiency,
				      struct mlproxy_transition *transitions, uint32_t room,
				      struct mlproxy_evidence *verdicts, uint32_t nr_verdicts,
				      size_t bytes, size_t transition_bytes)
{
	int ret = mlpx_begin(s, efficiency, bytes,
			     MLPX_UP_TO(struct mlproxy_efficiency, verdict_size));

	if (ret)
		return ret;
	if (!nr_verdicts)
		verdicts = NULL;
	if (verdicts)
		memset(verdicts, 0, nr_verdicts * sizeof(*verdicts));
	efficiency->verdicts = (uintptr_t)verdicts;
	efficiency->nr_verdicts = nr_verdicts;
	efficiency->verdict_size = sizeof(*verdicts);
	ret = ask_efficiency(s, efficiency, transitions, room, transition_bytes);
	efficiency->verdicts = 0;
	if (ret == -E2BIG)
		return only_verdict(s, efficiency, transitions, room, verdicts, bytes,
				    transition_bytes);
	if (ret >= 0 && efficiency->nr_verdicts > nr_verdicts)
		return mlpx_fail(s, EPROTO, "the kernel says it wrote %u verdicts where %u fit; "
				 "its ABI is not this library's", efficiency->nr_verdicts,
				 nr_verdicts);
	return ret;
}

int mlproxy_heartbeat_sized(struct mlproxy_session *s, uint32_t timeout_ms,
			    struct mlproxy_heartbeat *answer, size_t bytes)
{
	struct mlproxy_heartbeat cmd = {
		.size = sizeof(cmd),
		.flags = timeout_ms ? 0 : MLPROXY_HEARTBEAT_F_LEAVE,
		.timeout_ms = timeout_ms,
	};
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_HEARTBEAT, &cmd, "send a heartbeat");
	if (answer) {
		cmd.size = bytes < sizeof(cmd) ? bytes : sizeof(cmd);
		memset(answer, 0, bytes);
		memcpy(answer, &cmd, cmd.size);
	}
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%u ms is too long for a heartbeat; at most %u are "
				 "allowed", timeout_ms, MLPROXY_HEARTBEAT_MAX_MS);
	return ret;
}

int mlproxy_param_get(struct mlproxy_session *s, uint32_t param, uint32_t index, uint64_t *value)
{
	struct mlproxy_param cmd = { .size = sizeof(cmd), .param = param, .index = index };
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_PARAM, &cmd, "ask for the parameter");
	*value = cmd.value;
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "the kernel knows no parameter %u with index %u",
				 param, index);
	return ret;
}

int mlproxy_param_set(struct mlproxy_session *s, uint32_t param, uint32_t index, uint64_t value)
{
	struct mlproxy_param cmd = {
		.size = sizeof(cmd),
		.flags = MLPROXY_PARAM_F_SET,
		.param = param,
		.index = index,
		.value = value,
	};
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_PARAM, &cmd, "set the parameter");
	if (ret != -EINVAL)
		return ret;
	if (param == MLPROXY_PARAM_OUTER_SHARE && index != MLPROXY_MODE_EMERGENCY)
		return mlpx_fail(s, EINVAL, "the kernel does not take a share of %llu/%u of the "
				 "outer experiment in %s mode; up to all there may be, of a "
				 "proxy that measures a cost of the system",
				 (unsigned long long)value, MLPROXY_SHARE_ONE,
				 mlproxy_mode_name(index));
	if (param != MLPROXY_PARAM_SHARE && param != MLPROXY_PARAM_EXPLORE &&
	    param != MLPROXY_PARAM_OUTER_SHARE)
		return mlpx_fail(s, EINVAL, "the kernel does not take %llu for parameter %u: it is "
				 "out of its range, see linux/mlproxy.h",
				 (unsigned long long)value, param);
	if (index == MLPROXY_MODE_EMERGENCY)
		return mlpx_fail(s, EINVAL, "in emergency mode the baseline alone decides: its "
				 "shares are 0 and can't be changed");
	return mlpx_fail(s, EINVAL, "the kernel does not take a share of %llu/%u in %s mode: "
			 "share and exploration of a mode may not add up to more than 1, or to 1 "
			 "with both above 0, since none would be left to the baseline",
			 (unsigned long long)value, MLPROXY_SHARE_ONE, mlproxy_mode_name(index));
}

int mlproxy_get_stats_sized(struct mlproxy_session *s, struct mlproxy_stats *stats, size_t bytes)
{
	int ret = mlpx_begin(s, stats, bytes, MLPX_UP_TO(struct mlproxy_stats, reward_sum));

	return ret ? ret : mlpx_ioctl(s, MLPROXY_IOC_STATS, stats, "ask for the counters");
}

int mlproxy_snapshot_sized(struct mlproxy_session *s, struct mlproxy_snapshot *snapshot,
			   size_t bytes)
{
	int ret = mlpx_begin(s, snapshot, bytes, MLPX_UP_TO(struct mlproxy_snapshot, values));

	if (ret)
		return ret;
	ret = mlpx_ioctl(s, MLPROXY_IOC_SNAPSHOT, snapshot, "ask for the subsystem's state");
	if (snapshot->nr > MLPROXY_SNAPSHOT_MAX)
		snapshot->nr = MLPROXY_SNAPSHOT_MAX;
	return ret;
}
