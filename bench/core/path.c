// SPDX-License-Identifier: GPL-2.0-only
/* Calls on the decision path, made by mlproxy_pathtest. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core_cost.h"

#define PARAMETERS "/sys/module/mlproxy_pathtest/parameters/"

void die(const char *what)
{
	fprintf(stderr, "core_cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

void check(struct mlproxy_session *s, int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "core_cost: %s: %s\n", what, mlproxy_errmsg(s));
	exit(1);
}

struct mlproxy_session *session(const char *proxy)
{
	struct mlproxy_session *s;

	if (mlproxy_open(&s, NULL, 0))
		die("open the device");
	check(s, mlproxy_bind(s, proxy), proxy);
	return s;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static unsigned long read_number(const char *path)
{
	unsigned long n;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%lu", &n) != 1)
		die(path);
	fclose(f);
	return n;
}

static bool marked;

/* Are the runs from now on those that a profile is wanted of? */
void path_mark(bool on)
{
	marked = on;
}

void path_run(const char *proxy, const char *what, unsigned int n, unsigned long arg,
	      struct path_times *t)
{
	int fd = open(PARAMETERS "run", O_WRONLY);
	char text[128];
	int len = snprintf(text, sizeof(text), "%s %s %u %lu %u", proxy, what, n, arg,
			   marked);

	if (fd < 0 || write(fd, text, len) != len)
		die(text);
	close(fd);
	t->call = (double)read_number(PARAMETERS "calls_ns") / n;
	t->outcome = (double)read_number(PARAMETERS "outcomes_ns") / n;
}
