// SPDX-License-Identifier: GPL-2.0-only
/*
 * When outcomes are judged, and which: looks at the counters are apart in time, however
 * many ask for one; few outcomes are judged as well; what is drawn in another way is
 * another experiment. And the kernel's log tells of emergencies.
 *
 * guest-test: timeout=300 debug=thorough
 */
#include <inttypes.h>

#include "util_mode.h"

#define NO_MODEL	MLPROXY_MAX_ACTIONS
#define GOOD		1
#define APART_NS	1000000ULL

static int fd;

/* sysfs shows the last look's evidence: anybody may read it. */
static void sysfs_makes_no_look(void)
{
	uint64_t evaluations;
	char text[64];
	unsigned int i;

	fd = synth_begin(GOOD);
	evaluations = efficiency(fd).evaluations;
	for (i = 0; i < 300; i++) {
		ASSERT(file_read(SYSFS_DIR "synth/gain", text, sizeof(text)) >= 0);
		ASSERT(file_read(SYSFS_DIR "synth/gain_low", text, sizeof(text)) >= 0);
		ASSERT(file_read(SYSFS_DIR "synth/gain_high", text, sizeof(text)) >= 0);
	}
	EXPECT_EQ(efficiency(fd).evaluations, evaluations + 1);
}

/* Who only asks can't have the counters looked at as often as he likes. */
static void looks_are_apart(void)
{
	struct mlproxy_efficiency e = { .size = sizeof(e) };
	uint64_t evaluations, begin_ns, looks;
	unsigned int i;
	int ro = dev_open(O_RDONLY);

	fd = synth_begin(GOOD);
	ASSERT_RET(dev_bind(ro, "synth"), 0);
	evaluations = efficiency(fd).evaluations;
	begin_ns = now_ns();
	for (i = 0; i < 200; i++) {
		e = (struct mlproxy_efficiency) { .size = sizeof(e) };
		ASSERT_RET(xioctl(ro, MLPROXY_IOC_EFFICIENCY, &e), 0);
	}
	looks = e.evaluations - evaluations;
	EXPECT(looks && looks <= (now_ns() - begin_ns) / APART_NS + 1, "(%" PRIu64 ")", looks);
}

/* Each answer is as of now, though others ask, too. */
static void answers_are_as_of_now(void)
{
	pid_t other;
	unsigned int i;

	fd = synth_begin(GOOD);
	other = fork();
	ASSERT(other >= 0);
	if (!other) {
		for (;;)
			efficiency(fd);
	}
	for (i = 1; i <= 50; i++) {
		struct mlproxy_evidence e;

		ASSERT_RET(synth_run(10), 0);
		e = efficiency(fd).evidence;
		EXPECT_EQ(e.n[0] + e.n[1], i * 10);
	}
	kill(other, SIGKILL);
}

/*
 * 40 outcomes on one CPU, and no more come: they are judged all the same. A good model
 * is not worse by 16 standard deviations after 20 of each arm.
 */
static void few_outcomes_are_judged(void)
{
	unsigned int i;

	pin_to(0);
	fd = synth_begin(GOOD);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_MARGIN_Q16, 0, 16 << 16), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_MIN_SAMPLES, 0, 2), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, LEARNING, 32768), 0);
	efficiency(fd);
	ASSERT_RET(synth_run(40), 0);
	/* Asking for the mode makes no look. */
	for (i = 0; i < 3000 && mode_get(fd).mode == LEARNING; i++)
		sleep_ms(10);
	EXPECT_EQ(mode_get(fd).mode, COLLABORATION);
	EXPECT_EQ(mode_get(fd).reason, MLPROXY_REASON_NOT_WORSE);
}

static uint64_t nr_outcomes(void)
{
	struct mlproxy_evidence e = efficiency(fd).evidence;

	return e.n[0] + e.n[1];
}

/* Outcomes that were drawn in different ways are not put together. */
static void a_change_begins_anew(void)
{
	static const struct { uint32_t param, index; uint64_t value; } changes[] = {
		{ MLPROXY_PARAM_SHARE, LEARNING, 8192 },
		{ MLPROXY_PARAM_EXPLORE, LEARNING, 0 },
		{ MLPROXY_PARAM_SEED, 0, 5 },
		{ MLPROXY_PARAM_WINDOW_NS, 0, 50000000 },
		{ MLPROXY_PARAM_WASHOUT_NS, 0, 1000 },
		{ MLPROXY_PARAM_PENDING_NS, 0, 5000000 },
	};
	unsigned int i;

	fd = synth_begin(GOOD);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		ASSERT_RET(synth_run(100), 0);
		EXPECT_EQ(nr_outcomes(), 100);
		ASSERT_RET(dev_set_param(fd, changes[i].param, changes[i].index,
					 changes[i].value), 0);
		EXPECT(!nr_outcomes(), "(parameter %u)", changes[i].param);
	}
	/* The same value is no change, and another mode's share is not this one's. */
	ASSERT_RET(synth_run(100), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, LEARNING, 8192), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_SHARE, COLLABORATION, 8192), 0);
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_HOLD_NS, 0, 1000000), 0);
	EXPECT_EQ(nr_outcomes(), 100);
	EXPECT_EQ(mode_get(fd).mode, LEARNING);
}

static int kmsg;

/* What the kernel's log says of the proxy from now on, up to @text. */
static bool logged(const char *text)
{
	char line[1024], *said;
	unsigned int i;
	ssize_t len;

	for (i = 0; i < 1000; i++) {
		while ((len = read(kmsg, line, sizeof(line) - 1)) > 0) {
			line[len] = '\0';
			said = strstr(line, "mlproxy: synth: ");
			if (!said)
				continue;
			ktap_note("%.*s", (int)strcspn(said, "\n"), said);
			if (strstr(said, text))
				return true;
		}
		sleep_ms(10);
	}
	return false;
}

static void emergencies_are_logged(void)
{
	fd = synth_begin(GOOD);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT(kmsg >= 0, "(%s)", strerror(errno));
	ASSERT(lseek(kmsg, 0, SEEK_END) >= 0);
	synth_set("critical", 1);
	ASSERT_RET(synth_run(1), 0);
	EXPECT(logged("emergency: the subsystem is critical"));
	synth_set("critical", 0);
	leave_emergency(fd);
	EXPECT(logged("the emergency is over"));
	synth_set("fail", 1);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
	ASSERT_RET(mode_auto(fd), 0);
	run_until(fd, EMERGENCY, 1024);
	EXPECT(logged("emergency: "));
	synth_set("fail", 0);
	leave_emergency(fd);
	EXPECT(logged("the emergency is over"));
	/* three quarters of a standard deviation is the limit; noticed before "worse" */
	ASSERT_RET(dev_set_param(fd, MLPROXY_PARAM_DROP_SAMPLES, 0, 64), 0);
	synth_set("penalty", 2000);
	ASSERT_RET(dev_set_mode(fd, COLLABORATION), 0);
	ASSERT_RET(mode_auto(fd), 0);
	run_until(fd, EMERGENCY, 4096);
	EXPECT(logged("sd below the baseline's, more than 0.7"));
}

static const struct ktap_test tests[] = {
	KTAP_TEST(sysfs_makes_no_look),
	KTAP_TEST(looks_are_apart),
	KTAP_TEST(answers_are_as_of_now),
	KTAP_TEST(few_outcomes_are_judged),
	KTAP_TEST(a_change_begins_anew),
	KTAP_TEST(emergencies_are_logged),
};

KTAP_MAIN(tests)
