// SPDX-License-Identifier: GPL-2.0-only
/*
 * A helper of the scripts, not a test: bind to the proxy that the argument names,
 * start it, map its rings, say so, and wait to be killed.
 *
 * guest-test: helper
 */
#include "util.h"

int main(int argc, char **argv)
{
	struct mlproxy_ring_setup setup;
	struct ring ring;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PROXY\n", argv[0]);
		return 2;
	}
	fd = dev_bound(argv[1]);
	dev_fresh(fd);
	ASSERT_RET(dev_control(fd, MLPROXY_CTL_START), 0);
	ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_map(fd, &setup, 0, &ring), 0);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
