// SPDX-License-Identifier: GPL-2.0-only
/*
 * A daemon that is killed or stopped in the middle of anything: its point goes with it, at
 * once and entirely; who reads is told; and nobody waits for it while it lives.
 *
 * guest-test: timeout=300 modules=mlproxy
 */
#include <pthread.h>
#include <signal.h>

#include "util_point.h"

#define NAME "daemon"
#define PROXY POINT(NAME)
#define START MLPROXY_POINT_F_START

static volatile uint64_t *rounds;	/* of the daemon; shared with it */

static int point;
static volatile uint32_t newest;	/* instance */

/* Decides and tells, on the point or on an instance that comes and goes. */
static void *decide_for_ever(void *arg)
{
	struct mlproxy_point_decide d;

	pin_to((uintptr_t)arg % nr_cpus());
	for (;; ++*rounds) {
		uint32_t instance = newest;

		if (!point_decide(point, instance, &d) && *rounds % 4)
			point_feedback(point, instance, d.id, *rounds % 100);
	}
	return NULL;
}

static void *change_for_ever(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0;; i++) {
		char name[16];
		int instance;

		snprintf(name, sizeof(name), "i%u", i % 3);
		instance = point_add(point, name);
		ASSERT(instance > 0);
		newest = instance;
		point_state(point, MLPROXY_POINT_STATE_F_SNAPSHOT, i % 3, 0, i);
		if (instance > 2)
			ASSERT_RET(point_drop(point, instance - 2), 0);
	}
	return NULL;
}

/* With @instances it decides on what another thread makes and takes away. */
static void daemon_main(bool instances, int ready)
{
	pthread_t thread;

	point = point_new(NAME, START);
	if (instances)
		ASSERT(!pthread_create(&thread, NULL, change_for_ever, NULL));
	ASSERT(!pthread_create(&thread, NULL, decide_for_ever, (void *)1UL));
	ASSERT_EQ(write(ready, "x", 1), 1);
	decide_for_ever(NULL);
}

static pid_t daemon_start(bool instances)
{
	int ready[2];
	char byte;
	pid_t pid;

	*rounds = 0;
	ASSERT(!pipe(ready));
	pid = ktap_fork();
	if (!pid) {
		close(ready[0]);
		daemon_main(instances, ready[1]);
	}
	close(ready[1]);
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void daemon_kill(pid_t pid)
{
	int status;

	ASSERT(!kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Reads until it is told that there will be no more. */
static void reader_main(int fd)
{
	static char buf[1 << 16];
	ssize_t n;

	alarm(120);
	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0);
	EXPECT_EQ(n, 0);
	_exit(ktap_status());
}

/* An operator who does not know. */
static void operator_main(int fd)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; ret != -ENODEV; i++) {
		switch (i % 6) {
		case 0:
			ret = dev_set_mode(fd, i / 6 % MLPROXY_NR_MODES);
			break;
		case 1:
			ret = dev_control(fd, MLPROXY_CTL_STOP);
			break;
		case 3:
			ret = dev_control(fd, MLPROXY_CTL_REINIT);
			break;
		case 5:
			ret = dev_control(fd, MLPROXY_CTL_START);
			break;
		}
	}
	_exit(KTAP_PASS);
}

static void share_rounds(void)
{
	rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT(rounds != MAP_FAILED);
}

static void kill_one(unsigned int round)
{
	bool instances = round % 2;
	uint64_t before = file_u64("/sys/module/mlproxy/refcnt");
	pid_t pid = daemon_start(instances), reader, operator;
	int fd = dev_bound(PROXY), operates = dev_bound(PROXY);
	struct mlproxy_ring_setup setup;

	ASSERT_RET(ring_setup(fd, 16384, 0, 0, 0, &setup), 0);
	reader = ktap_fork();
	if (!reader)
		reader_main(fd);
	operator = ktap_fork();
	if (!operator)
		operator_main(operates);
	while (*rounds < 20)
		;
	sleep_ms(round * 7 % 40);
	daemon_kill(pid);
	EXPECT_EQ(dev_state(fd, PROXY), 0);
	ktap_join(reader);
	ktap_join(operator);
	close(operates);
	close(fd);
	EXPECT_EQ(file_u64("/sys/module/mlproxy/refcnt"), before);
}

static void killed(void)
{
	const unsigned int nr = on_debug_kernel() ? 4 : 10;
	unsigned int i;

	share_rounds();
	for (i = 0; i < nr; i++)
		kill_one(i);
}

/* A daemon that does not run stops nobody, and finds its point as others left it. */
static void starved(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_stats stats;
	pid_t pid;
	int fd, reader, other;
	uint64_t seen;

	share_rounds();
	pid = daemon_start(false);
	fd = dev_bound(PROXY);
	reader = dev_bound(PROXY);
	ASSERT_RET(ring_setup(reader, 4096, 0, 0, 0, &setup), 0);
	ASSERT(!kill(pid, SIGSTOP));
	/* On another CPU it may go on until it takes the signal. */
	ASSERT_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_STOP), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_REINIT), 0);
	ASSERT_RET(dev_set_mode(fd, MLPROXY_MODE_EMERGENCY), 0);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	close(reader);
	other = point_new("other", START);
	EXPECT(point_id(other, 0));
	dev_stats(fd, &stats);
	EXPECT_EQ(stats.decisions, 0);
	seen = *rounds;
	ASSERT(!kill(pid, SIGCONT));
	while (*rounds < seen + 20)
		;
	do
		dev_stats(fd, &stats);
	while (!stats.by_mode[MLPROXY_MODE_EMERGENCY]);
	ASSERT(!kill(pid, SIGSTOP));
	daemon_kill(pid);
	EXPECT_EQ(dev_state(fd, PROXY), 0);
	EXPECT_EQ(dev_state(fd, POINT("other")), MLPROXY_STATE_RUNNING);
}

/* One thread closes what others decide on: each call ends, and the point goes after the last. */
static void *close_it(void *arg)
{
	sleep_ms((uintptr_t)arg);
	close(point);
	return NULL;
}

static void *until_closed(void *arg)
{
	struct mlproxy_point_decide d;
	int ret;

	pin_to((uintptr_t)arg % nr_cpus());
	do {
		ret = point_decide(point, 0, &d);
		if (!ret)
			ret = point_feedback(point, 0, d.id, 1);
	} while (ret != -EBADF);
	return NULL;
}

static void closed_meanwhile(void)
{
	unsigned int i, k;

	for (i = 0; i < (on_debug_kernel() ? 3 : 10); i++) {
		pthread_t threads[3];
		int fd = dev_open(O_RDWR);

		point = point_new(NAME, START);
		for (k = 0; k < 2; k++)
			ASSERT(!pthread_create(&threads[k], NULL, until_closed,
					       (void *)(uintptr_t)k));
		ASSERT(!pthread_create(&threads[2], NULL, close_it, (void *)(uintptr_t)i));
		for (k = 0; k < ARRAY_SIZE(threads); k++)
			pthread_join(threads[k], NULL);
		EXPECT_EQ(dev_state(fd, PROXY), 0);
		close(fd);
	}
}

static const struct ktap_test tests[] = {
	KTAP_TEST(killed),
	KTAP_TEST(starved),
	KTAP_TEST(closed_meanwhile),
};

KTAP_MAIN(tests)
