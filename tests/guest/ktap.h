/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small KTAP harness for the guest programs.
 *
 * A program has a table of tests and hands it to ktap_main(). Each test runs in
 * a child of its own, so that whatever it opened, mapped or started is gone before
 * the next one, and a crash is one failed test. EXPECT_* notes a failure and goes
 * on; ASSERT_* ends the test. Helper processes of a test that call EXPECT_* leave
 * with _exit(ktap_status()), and the test waits for them by ktap_join().
 */
#ifndef _TESTS_KTAP_H
#define _TESTS_KTAP_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define KTAP_PASS 0
#define KTAP_FAIL 1
#define KTAP_SKIP 4

struct ktap_test {
	const char *name;
	void (*fn)(void);
};

#define KTAP_TEST(_fn) { .name = #_fn, .fn = _fn }

/* Weak: one for the whole program, whichever of its files notes a failure. */
__attribute__((weak)) int ktap_failures;

static inline int ktap_status(void)
{
	return ktap_failures ? KTAP_FAIL : KTAP_PASS;
}

__attribute__((format(printf, 1, 2)))
static inline void ktap_note(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("# %s\n", line);
	fflush(stdout);
}

/* A loop that fails everywhere should not drown the rest. */
#define KTAP_MAX_SHOWN 20

#define ktap_fail(fmt, ...) do {						\
	if (ktap_failures++ < KTAP_MAX_SHOWN)					\
		ktap_note("%s:%d: " fmt, __FILE_NAME__, __LINE__, ##__VA_ARGS__);	\
} while (0)

#define ktap_skip(fmt, ...) do {						\
	if (ktap_failures)							\
		_exit(KTAP_FAIL);						\
	ktap_note("SKIP " fmt, ##__VA_ARGS__);					\
	_exit(KTAP_SKIP);							\
} while (0)

#define KTAP_EXPECTED(what, fmt, ...) ktap_fail("expected %s " fmt, what, ##__VA_ARGS__)

#define EXPECT(cond, ...) ({							\
	bool __ok = (cond);							\
	if (!__ok)								\
		KTAP_EXPECTED(#cond, "" __VA_ARGS__);				\
	__ok;									\
})

#define EXPECT_EQ(a, b) ({							\
	long long __a = (long long)(a), __b = (long long)(b);			\
	if (__a != __b)								\
		ktap_fail("%s is %lld, expected %s = %lld", #a, __a, #b, __b);	\
	__a == __b;								\
})

/* A call that returns 0 or -errno. */
#define EXPECT_RET(call, want) ({						\
	int __r = (call), __w = (want);						\
	if (__r != __w)								\
		ktap_fail("%s: %s, expected %s", #call,				\
			  __r < 0 ? strerrorname_np(-__r) : "success",		\
			  __w < 0 ? strerrorname_np(-__w) : "success");		\
	__r == __w;								\
})

#define ASSERT(cond, ...) do {							\
	if (!EXPECT(cond, ##__VA_ARGS__))					\
		_exit(KTAP_FAIL);						\
} while (0)
#define ASSERT_EQ(a, b) do { if (!EXPECT_EQ(a, b)) _exit(KTAP_FAIL); } while (0)
#define ASSERT_RET(call, want) do {						\
	if (!EXPECT_RET(call, want))						\
		_exit(KTAP_FAIL);						\
} while (0)

/*
 * Start a helper process; its output is flushed first, so nothing is doubled. It
 * does not outlive a test that ends early.
 */
static inline pid_t ktap_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		ktap_note("fork: %s", strerror(errno));
		_exit(KTAP_FAIL);
	}
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Wait for a helper and take over its verdict. */
static inline void ktap_join(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			ktap_fail("waitpid: %s", strerror(errno));
	if (!WIFEXITED(status))
		ktap_fail("helper died of signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		ktap_fail("helper failed");
}

static inline int ktap_run_one(const struct ktap_test *test)
{
	pid_t pid = ktap_fork();
	int status;

	if (!pid) {
		ktap_failures = 0;
		test->fn();
		fflush(NULL);
		_exit(ktap_status());
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return KTAP_FAIL;
	if (WIFSIGNALED(status)) {
		ktap_note("died of signal %d (%s)", WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
		return KTAP_FAIL;
	}
	return WEXITSTATUS(status);
}

/* Run the tests, or those that an argument names. */
static inline int ktap_main(const struct ktap_test *tests, unsigned int nr, int argc,
			    char **argv)
{
	unsigned int i, done = 0, failed = 0;
	int a;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	if (argc < 2)
		printf("1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		int ret;

		for (a = 1; a < argc && strcmp(argv[a], tests[i].name); a++)
			;
		if (argc > 1 && a == argc)
			continue;
		ret = ktap_run_one(&tests[i]);
		failed += ret != KTAP_PASS && ret != KTAP_SKIP;
		printf("%sok %u %s%s\n", ret == KTAP_PASS || ret == KTAP_SKIP ? "" : "not ",
		       ++done, tests[i].name, ret == KTAP_SKIP ? " # SKIP" : "");
		fflush(stdout);
	}
	return failed ? KTAP_FAIL : KTAP_PASS;
}

#define KTAP_MAIN(_tests)							\
int main(int argc, char **argv)							\
{										\
	return ktap_main(_tests, sizeof(_tests) / sizeof(*(_tests)), argc, argv);	\
}

#endif /* _TESTS_KTAP_H */
