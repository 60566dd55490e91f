// SPDX-License-Identifier: GPL-2.0-only
/*
 * timed: run a command and say how long it took, as db_bench would.
 *
 *	timed OPERATIONS COMMAND [ARGUMENT]...
 *
 * The command's output is dropped. Prints "N micros/op M operations"; ends with the
 * command's own status, 126 if it can't be run.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void run(char **command)
{
	int fd = open("/dev/null", O_WRONLY);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		err(126, "/dev/null");
	execvp(command[0], command);
	err(126, "%s", command[0]);
}

int main(int argc, char **argv)
{
	unsigned long ops;
	uint64_t start;
	int status;
	pid_t pid;

	if (argc < 3 || !(ops = strtoul(argv[1], NULL, 10)))
		errx(2, "usage: timed OPERATIONS COMMAND [ARGUMENT]...");
	start = now_ns();
	pid = fork();
	if (pid < 0)
		err(126, "fork");
	if (!pid)
		run(argv + 2);
	if (waitpid(pid, &status, 0) < 0)
		err(126, "waitpid");
	printf("%s : %.4f micros/op %lu operations\n", argv[2],
	       (now_ns() - start) / 1000.0 / ops, ops);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
