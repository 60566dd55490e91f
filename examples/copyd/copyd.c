// SPDX-License-Identifier: GPL-2.0-only
/* copyd: copies a file now and then, and has a proxy decide with how large a buffer. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mlproxy/point.h>

enum { ACTION_4K, ACTION_128K, ACTION_1M, NR_ACTIONS };

static const struct mlproxy_action actions[] = {
	[ACTION_4K] = { .name = "4K", .value = 4 << 10 },
	[ACTION_128K] = { .name = "128K", .value = 128 << 10 },	/* as cp(1) has it */
	[ACTION_1M] = { .name = "1M", .value = 1 << 20 },
};

static const struct mlproxy_feature features[] = {
	{ .name = "size", .unit = "log2 bytes", .min = 0, .max = 63 },
};

static const struct mlproxy_point_desc desc = {
	.name = "copyd",
	.schema_version = 1,
	.flags = MLPROXY_POINT_F_START,
	.features = features, .nr_features = 1,
	.actions = actions, .nr_actions = NR_ACTIONS,
	.reward_name = "time", .reward_unit = "ns/KB",
	.reward_direction = MLPROXY_REWARD_LOWER,
	.reward_max = 1 << 30,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Return: bytes copied, or -1. */
static long copy(const char *from, const char *to, size_t bytes)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	char *buf = malloc(bytes);
	long copied = 0, n = -1;

	while (buf && in >= 0 && out >= 0 && (n = read(in, buf, bytes)) > 0) {
		if (write(out, buf, n) != n)
			break;
		copied += n;
	}
	free(buf);
	close(in);
	close(out);
	return n ? -1 : copied;
}

static int copy_once(struct mlproxy_session *s, const char *from, const char *to)
{
	static int64_t size;	/* of the last time */
	struct mlproxy_point_decide d = {
		.features = (uintptr_t)&size, .nr_features = 1, .baseline = ACTION_128K,
	};
	uint64_t start, ns;
	long copied;

	if (mlproxy_point_decide(s, &d))
		fprintf(stderr, "%s\n", mlproxy_errmsg(s));	/* and go on with the baseline */
	start = now_ns();
	copied = copy(from, to, actions[d.action].value);
	ns = now_ns() - start;
	if (copied < 0)
		return -1;
	size = 63 - __builtin_clzll(copied | 1);
	return mlproxy_point_feedback(s, d.id, 0, ns / (copied / 1024 + 1));
}

int main(int argc, char **argv)
{
	int rounds = argc == 4 ? atoi(argv[3]) : 0;
	struct mlproxy_point_notice notice;
	struct mlproxy_session *s = NULL;

	if (rounds < 1 || mlproxy_open(&s, NULL, 0) || mlproxy_point_register(s, &desc)) {
		fprintf(stderr, "copyd FROM TO ROUNDS: %s\n", mlproxy_errmsg(s));
		return 1;
	}
	while (rounds-- && !copy_once(s, argv[1], argv[2])) {
		struct pollfd wait = { .fd = mlproxy_fd(s), .events = POLLPRI };

		poll(&wait, 1, 100);
		if (mlproxy_point_notice(s, &notice) > 0)
			printf("copyd: the proxy %s\n", notice.running ? "runs" : "is stopped");
	}
	mlproxy_close(s);
	return rounds >= 0;
}
