// SPDX-License-Identifier: GPL-2.0-only
/*
 * A proxy that comes or goes is told to user space as udev hears it.
 *
 * guest-test: timeout=120 modules=mlproxy_synth
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "util_mode.h"

static int listen_to_kernel(void)
{
	const struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	ASSERT(fd >= 0, "(%s)", strerror(errno));
	ASSERT(!bind(fd, (const struct sockaddr *)&group, sizeof(group)), "(%s)",
	       strerror(errno));
	return fd;
}

/* The value of @key in a uevent, or "". */
static const char *value_of(const char *buf, ssize_t len, const char *key)
{
	size_t n = strlen(key);
	const char *at;

	for (at = buf; at < buf + len; at += strlen(at) + 1)
		if (!strncmp(at, key, n) && at[n] == '=')
			return at + n + 1;
	return "";
}

/* Reads up to the next event about a proxy. The test's time limit ends a wait for none. */
static void expect_event(int fd, const char *event)
{
	char buf[8192];
	ssize_t len;

	do {
		len = recv(fd, buf, sizeof(buf) - 1, 0);
		ASSERT(len > 0, "(%s)", strerror(errno));
		buf[len] = '\0';
	} while (!*value_of(buf, len, "MLPROXY_EVENT"));
	EXPECT(!strcmp(value_of(buf, len, "MLPROXY_EVENT"), event), "(%s)",
	       value_of(buf, len, "MLPROXY_EVENT"));
	EXPECT(!strcmp(value_of(buf, len, "MLPROXY_PROXY"), "synth"), "(%s)",
	       value_of(buf, len, "MLPROXY_PROXY"));
	EXPECT(!strcmp(value_of(buf, len, "ACTION"), "change"), "(%s)",
	       value_of(buf, len, "ACTION"));
	EXPECT(!strcmp(value_of(buf, len, "DEVNAME"), "mlproxy"), "(%s)",
	       value_of(buf, len, "DEVNAME"));
}

static void comes_and_goes(void)
{
	int fd = listen_to_kernel();

	synth_reload("decision");
	expect_event(fd, "destroy");
	expect_event(fd, "create");
	close(fd);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(comes_and_goes),
};

KTAP_MAIN(tests)
