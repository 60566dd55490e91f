// SPDX-License-Identifier: GPL-2.0-only
/* Modes, their evidence, and the world of mlproxy_synth; see util_mode.h. */
#include <sys/syscall.h>
#include <unistd.h>

#include "util_mode.h"

#define SYNTH_PARAMS "/sys/module/mlproxy_synth/parameters/"

struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];

struct mlproxy_mode mode_get(int fd)
{
	struct mlproxy_mode cmd = { .size = sizeof(cmd) };

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODE, &cmd), 0);
	return cmd;
}

int mode_auto(int fd)
{
	struct mlproxy_mode cmd = { .size = sizeof(cmd), .flags = MLPROXY_MODE_F_AUTO };

	return xioctl(fd, MLPROXY_IOC_MODE, &cmd);
}

uint64_t param_get(int fd, uint32_t param)
{
	struct mlproxy_param cmd = { .size = sizeof(cmd), .param = param };

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_PARAM, &cmd), 0);
	return cmd.value;
}

int heartbeat(int fd, uint32_t flags, uint32_t timeout_ms, struct mlproxy_heartbeat *out)
{
	*out = (struct mlproxy_heartbeat) {
		.size = sizeof(*out), .flags = flags, .timeout_ms = timeout_ms,
	};
	return xioctl(fd, MLPROXY_IOC_HEARTBEAT, out);
}

struct mlproxy_efficiency efficiency(int fd)
{
	struct mlproxy_efficiency cmd = {
		.size = sizeof(cmd), .transitions = (uintptr_t)transitions,
		.transition_size = sizeof(*transitions),
		.count = MLPROXY_MAX_TRANSITIONS,
	};

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &cmd), 0);
	return cmd;
}

uint32_t evidence_version(int fd)
{
	return efficiency(fd).evidence.model_version;
}

void synth_set(const char *param, unsigned int value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), SYNTH_PARAMS "%s", param);
	snprintf(text, sizeof(text), "%u", value);
	ASSERT_RET(file_write(path, text), 0);
}

uint64_t synth_get(const char *param)
{
	char path[128];

	snprintf(path, sizeof(path), SYNTH_PARAMS "%s", param);
	return file_u64(path);
}

void synth_calm(void)
{
	static const char *const zero[] = {
		"shift", "penalty", "critical", "health", "fail", "keys", "burst", "hidden", "audited",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(zero); i++)
		synth_set(zero[i], 0);
	synth_set("noise", 100);
}

void synth_reload_with(const char *params)
{
	char path[512];
	int fd;

	ASSERT(!syscall(SYS_delete_module, "mlproxy_synth", O_NONBLOCK), "(%s)",
	       strerror(errno));
	snprintf(path, sizeof(path), "%s/proxies/synth/mlproxy_synth.ko", getenv("MODDIR"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT(fd >= 0, "(%s: %s)", path, strerror(errno));
	ASSERT(!syscall(SYS_finit_module, fd, params, 0), "(%s)", strerror(errno));
	close(fd);
}

void synth_reload(const char *unit)
{
	char params[64];

	snprintf(params, sizeof(params), "unit=%s", unit);
	synth_reload_with(params);
}

int synth_order(const char *param, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), SYNTH_PARAMS "%s", param);
	return file_write(path, value);
}

uint32_t synth_model(int fd, unsigned int action)
{
	struct mlproxy_model_load load;
	uint32_t len;
	void *model = model_constant(fd, action, &len);

	ASSERT_RET(dev_model_load(fd, model, len, &load), 0);
	free(model);
	ASSERT_EQ(dev_model_ctl(fd, MLPROXY_MODEL_OP_ACTIVATE, load.version),
		  (int)load.version);
	return load.version;
}

int synth_begin(unsigned int action)
{
	int fd = dev_bound("synth");

	dev_fresh(fd);
	synth_calm();
	synth_set("shift", 1);
	/* Emergencies end when the test says so: leave_emergency(). */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 3600000000000), 0);
	/* An emulated CPU may be away for long in the middle of a decision. */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_LATENCY_NS, 0, 0), 0);
	if (action < MLPROXY_MAX_ACTIONS)
		synth_model(fd, action);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	return fd;
}

/* What keeps a policy where it is. */
static void note_verdicts(int fd)
{
	struct mlproxy_evidence e[MLPROXY_NR_VERDICTS];
	struct mlproxy_efficiency cmd = {
		.size = sizeof(cmd), .verdicts = (uintptr_t)e, .verdict_size = sizeof(*e),
		.nr_verdicts = MLPROXY_NR_VERDICTS,
	};
	uint32_t i, arm;

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_EFFICIENCY, &cmd), 0);
	ktap_note("needs %#x, stage %u", cmd.needs, cmd.stage);
	for (i = 0; i < cmd.nr_verdicts; i++) {
		ktap_note("verdict %u: stance %u, gain %lld [%lld, %lld]", e[i].verdict, e[i].stance,
			  (long long)e[i].gain_q16, (long long)e[i].low_q16,
			  (long long)e[i].high_q16);
		for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
			ktap_note("  arm %u: n %llu, mean %lld, sd %llu", arm,
				  (unsigned long long)e[i].n[arm], (long long)e[i].mean_q16[arm],
				  (unsigned long long)e[i].sd_q16[arm]);
	}
}

unsigned int run_until(int fd, uint32_t mode, unsigned int max)
{
	unsigned int done;

	for (done = 0; done < max; done += 32) {
		ASSERT_RET(synth_run(32), 0);
		/* With a look of its own: they are apart in time, not in decisions. */
		if (efficiency(fd).mode == mode)
			return done + 32;
	}
	ktap_fail("mode %u not within %u decisions, but %u by reason %u", mode, max,
		  mode_get(fd).mode, mode_get(fd).reason);
	note_verdicts(fd);
	return max;
}

void leave_emergency(int fd)
{
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 1000000), 0);
	run_until(fd, LEARNING, 1000000);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 3600000000000), 0);
	expect_transition(fd, EMERGENCY, LEARNING, RECOVERED);
}

void __expect_transition(int fd, uint32_t from, uint32_t to, uint32_t reason,
			 const char *name, int line)
{
	struct mlproxy_mode mode = mode_get(fd);
	struct mlproxy_efficiency e = efficiency(fd);

	if (!e.count || transitions[0].from != from || transitions[0].to != to ||
	    transitions[0].reason != reason) {
		ktap_fail("line %d: %u -> %u by reason %u, expected %u -> %u by %s", line,
			  transitions[0].from, transitions[0].to, transitions[0].reason, from,
			  to, name);
		return;
	}
	EXPECT_EQ(mode.mode, to);
	EXPECT_EQ(mode.reason, reason);
	EXPECT(!memcmp(&mode.evidence, &transitions[0].evidence, sizeof(mode.evidence)));
}
