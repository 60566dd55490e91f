// SPDX-License-Identifier: GPL-2.0-only
/* Decision points of user space, by raw ioctls; see util_point.h. */
#include "util_point.h"

static struct mlproxy_feature features[] = {
	{ .name = "load", .min = 0, .max = 255, .type = MLPROXY_TYPE_COUNT },
	{ .name = "kind", .min = 0, .max = 3, .type = MLPROXY_TYPE_ENUM },
};

static struct mlproxy_action actions[] = {
	{ .name = "none", .value = 0 },
	{ .name = "low", .value = 1 },
	{ .name = "middle", .value = 2 },
	{ .name = "high", .value = 3 },
};

static struct mlproxy_feature states[] = {
	{ .name = "free", .unit = "bytes", .min = 0, .max = 1 << 30 },
	{ .name = "stalls", .min = 0, .max = 1 << 30, .preprocess = MLPROXY_PRE_DELTA },
};

static struct mlproxy_event_desc events[] = {
	{ .name = "round", .nr_values = 2 },
	{ .name = "stall", .nr_values = 1, .period_ms = 3600000 },
};

struct mlproxy_point point_desc(const char *name, uint32_t flags)
{
	struct mlproxy_point cmd = {
		.size = sizeof(cmd), .flags = flags,
		.features = (uintptr_t)features, .nr_features = ARRAY_SIZE(features),
		.feature_size = sizeof(*features),
		.actions = (uintptr_t)actions, .nr_actions = ARRAY_SIZE(actions),
		.action_size = sizeof(*actions),
		.states = (uintptr_t)states, .nr_states = ARRAY_SIZE(states),
		.state_size = sizeof(*states),
		.events = (uintptr_t)events, .nr_events = ARRAY_SIZE(events),
		.event_size = sizeof(*events),
		.schema_version = 7, .reward_name = "score", .reward_unit = "points",
		.reward_min = -1000, .reward_max = 1000,
	};

	snprintf(cmd.name, sizeof(cmd.name), "%s", name);
	return cmd;
}

int point_register(int fd, struct mlproxy_point *cmd)
{
	return xioctl(fd, MLPROXY_IOC_POINT_REGISTER, cmd);
}

int point_new(const char *name, uint32_t flags)
{
	struct mlproxy_point cmd = point_desc(name, flags);
	int fd = dev_open(O_RDWR);

	ASSERT_RET(point_register(fd, &cmd), 0);
	return fd;
}

int point_add(int fd, const char *name)
{
	struct mlproxy_point_instance cmd = { .size = sizeof(cmd) };
	int ret;

	snprintf(cmd.name, sizeof(cmd.name), "%s", name);
	ret = xioctl(fd, MLPROXY_IOC_POINT_ADD, &cmd);
	return ret ? ret : (int)cmd.instance;
}

int point_drop(int fd, uint32_t instance)
{
	struct mlproxy_point_instance cmd = { .size = sizeof(cmd), .instance = instance };

	return xioctl(fd, MLPROXY_IOC_POINT_DROP, &cmd);
}

int point_decide(int fd, uint32_t instance, struct mlproxy_point_decide *out)
{
	static const int64_t context[] = { 100, 2 };

	*out = (struct mlproxy_point_decide) {
		.size = sizeof(*out), .key = 42, .features = (uintptr_t)context,
		.nr_features = ARRAY_SIZE(context), .instance = instance, .baseline = 1,
	};
	return xioctl(fd, MLPROXY_IOC_POINT_DECIDE, out);
}

uint64_t point_id(int fd, uint32_t instance)
{
	struct mlproxy_point_decide d;

	ASSERT_RET(point_decide(fd, instance, &d), 0);
	return d.id;
}

int point_feedback(int fd, uint32_t instance, uint64_t id, int64_t reward)
{
	struct mlproxy_point_outcome cmd = {
		.size = sizeof(cmd), .id = id, .instance = instance, .reward = reward,
	};

	return xioctl(fd, MLPROXY_IOC_POINT_FEEDBACK, &cmd);
}

int point_state(int fd, uint32_t flags, uint32_t health, uint32_t critical, int64_t value)
{
	struct mlproxy_point_state cmd = {
		.size = sizeof(cmd), .flags = flags, .nr = ARRAY_SIZE(states),
		.health = health, .critical = critical, .values = { value, 10 * value },
	};

	return xioctl(fd, MLPROXY_IOC_POINT_STATE, &cmd);
}

int point_notice(int fd, struct mlproxy_point_notice *out)
{
	*out = (struct mlproxy_point_notice) { .size = sizeof(*out) };
	return xioctl(fd, MLPROXY_IOC_POINT_NOTICE, out);
}
