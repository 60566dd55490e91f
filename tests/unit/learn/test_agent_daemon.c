// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon as a program, where there is no device: it waits and says for what; a
 * configuration that can't be taken up leaves it as it was; one agent a directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "persist.h"

#define LIMIT_S	60	/* that something is taken for hung */

static char dir[] = "/tmp/mlproxy-daemon-XXXXXX";
static char conf[64];

/* A running daemon, and what it says. */
struct daemon {
	pid_t pid;
	FILE *says;
};

static int setup(void **state)
{
	(void)state;
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[100];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static void configure(const char *text)
{
	FILE *f = fopen(conf, "we");

	assert_non_null(f);
	fprintf(f, "[mlproxyd]\ndevice = %s/device\nstate_dir = %s/state\n%s", dir, dir, text);
	assert_int_equal(fclose(f), 0);
}

static struct daemon run_daemon(void)
{
	struct daemon d;
	int out[2];

	assert_int_equal(pipe(out), 0);
	d.pid = fork();
	assert_true(d.pid >= 0);
	if (!d.pid) {
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		alarm(LIMIT_S);
		execl(MLPROXYD, "mlproxyd", "-f", "-c", conf, NULL);
		_exit(127);
	}
	close(out[1]);
	d.says = fdopen(out[0], "re");
	return d;
}

/* Read what it says up to a line with @text. */
static void says(struct daemon *d, const char *text)
{
	char all[4000] = "", line[1000];

	while (fgets(line, sizeof(line), d->says)) {
		if (strstr(line, text))
			return;
		strncat(all, line, sizeof(all) - strlen(all) - 1);
	}
	fail_msg("it never said \"%s\", but: %s", text, all);
}

/* Return: its exit code, or 128 and the signal that killed it. */
static int ends(struct daemon *d)
{
	int status;

	while (fgetc(d->says) != EOF)
		;
	fclose(d->says);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* No more memory than it has, but for @more: too little for a thread's stack. */
static void limit_memory(pid_t pid, rlim_t more)
{
	struct rlimit now;
	char path[64];
	long pages;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &pages), 1);
	fclose(f);
	assert_int_equal(prlimit(pid, RLIMIT_AS, NULL, &now), 0);
	now.rlim_cur = more == RLIM_INFINITY ? now.rlim_max : pages * sysconf(_SC_PAGESIZE) + more;
	assert_int_equal(prlimit(pid, RLIMIT_AS, &now, NULL), 0);
}

static void waits_for_the_device(void **state)
{
	struct daemon d;

	(void)state;
	configure("");
	d = run_daemon();
	says(&d, "/device: No such file or directory; is the module loaded?");
	kill(d.pid, SIGTERM);
	assert_int_equal(ends(&d), 0);
	configure("[proxy synth]\nstart = no\n");
	d = run_daemon();
	says(&d, "synth: warning: cannot open");
	kill(d.pid, SIGTERM);
	assert_int_equal(ends(&d), 0);
}

/* A node that comes is looked at at once: here it is no device of ours. */
static void sees_the_device_come(void **state)
{
	struct daemon d;
	char path[64];
	int fd;

	(void)state;
	configure("");
	d = run_daemon();
	says(&d, "waiting for it");
	snprintf(path, sizeof(path), "%s/device", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	says(&d, "is not an mlproxy device");
	kill(d.pid, SIGTERM);
	assert_int_equal(ends(&d), 0);
	/* Known at the start, it is no use to wait. */
	d = run_daemon();
	assert_int_equal(ends(&d), 3);
	unlink(path);
}

static void reload_keeps_what_works(void **state)
{
	struct daemon d;

	(void)state;
	configure("[proxy synth]\nstart = no\n");
	d = run_daemon();
	says(&d, "cannot open");
	configure("[proxy synth]\nheartbeat = soon\n");
	kill(d.pid, SIGHUP);
	says(&d, "line 5: heartbeat = soon");
	says(&d, "the old configuration stays");
	configure("[proxy synth]\nstart = yes\n");
	limit_memory(d.pid, 1 << 20);
	kill(d.pid, SIGHUP);
	says(&d, "can't start the training thread");
	says(&d, "the old configuration stays");
	limit_memory(d.pid, RLIM_INFINITY);
	kill(d.pid, SIGHUP);
	says(&d, "configuration read again");
	kill(d.pid, SIGTERM);
	assert_int_equal(ends(&d), 0);
}

static void setup_waits_for_nothing(void **state)
{
	char cmd[200];

	(void)state;
	configure("[proxy *]\nstart = yes\n");
	snprintf(cmd, sizeof(cmd), MLPROXYD " -c %s --setup 2>%s/err", conf, dir);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "grep -q 'nothing is set up: cannot open' %s/err", dir);
	assert_int_equal(system(cmd), 0);
}

static void one_agent_a_directory(void **state)
{
	char path[64];
	int first, second;

	(void)state;
	snprintf(path, sizeof(path), "%s/proxy", dir);
	assert_int_equal(persist_open(path), 0);
	first = persist_lock(path);
	assert_true(first >= 0);
	second = persist_lock(path);
	assert_int_equal(second, -EBUSY);
	assert_non_null(strstr(persist_error(), "another mlproxyd"));
	close(first);
	second = persist_lock(path);
	assert_true(second >= 0);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waits_for_the_device, setup, teardown),
		cmocka_unit_test_setup_teardown(sees_the_device_come, setup, teardown),
		cmocka_unit_test_setup_teardown(reload_keeps_what_works, setup, teardown),
		cmocka_unit_test_setup_teardown(setup_waits_for_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(one_agent_a_directory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
