// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module and its proxy: no session holds a module that is still being loaded, since
 * one whose init fails goes whoever holds it; and none holds a module for a proxy that
 * is gone.
 *
 * guest-test: timeout=300 modules=mlproxy
 */
#include <signal.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define PROXY "initfail"
#define MODULE "mlproxy_initfail"
#define FOLDER SYSFS_DIR PROXY
#define PARAMETER(name) "/sys/module/" MODULE "/parameters/" name
#define PATIENCE_MS 60000
#define ROUNDS 100

/* In a helper, which leaves with the errno of loading. */
static pid_t load(bool fail)
{
	pid_t pid = ktap_fork();
	char path[512];
	int fd;

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "%s/testing/" MODULE ".ko", getenv("MODDIR"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, fail ? "fail=1" : "", 0))
		_exit(errno);
	_exit(0);
}

static int loaded(pid_t pid)
{
	int status;

	ASSERT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static int unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

/* Its init has registered the proxy, and waits. */
static void await_proxy(pid_t loader)
{
	unsigned int ms;

	for (ms = 0; access(FOLDER "/mode", F_OK); ms++) {
		int status;

		ASSERT(waitpid(loader, &status, WNOHANG) == 0, "(not loaded: %s)",
		       strerror(WEXITSTATUS(status)));
		ASSERT(ms < PATIENCE_MS, "(the module registers no proxy)");
		sleep_ms(1);
	}
}

static bool listed(int fd)
{
	struct mlproxy_list_entry e[MLPROXY_MAX_PROXIES];
	struct mlproxy_list cmd = {
		.size = sizeof(cmd), .entries = (uintptr_t)e, .count = MLPROXY_MAX_PROXIES,
		.entry_size = sizeof(*e),
	};
	unsigned int i;

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_LIST, &cmd), 0);
	for (i = 0; i < cmd.count; i++)
		if (!strcmp(e[i].name, PROXY))
			return true;
	return false;
}

static int uevents_open(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	ASSERT(fd >= 0 && !bind(fd, (void *)&all, sizeof(all)));
	return fd;
}

/* How many of what has come say @what of the proxy. */
static unsigned int uevents(int fd, const char *what)
{
	static const char head[] = "change@/devices/virtual/misc/mlproxy";
	char text[4096];
	unsigned int n = 0;
	ssize_t len;

	while ((len = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[len] = 0;
		n += !strcmp(text, head) &&
		     memmem(text, len, "\0MLPROXY_PROXY=" PROXY, 15 + sizeof(PROXY)) &&
		     memmem(text, len, what, strlen(what));
	}
	return n;
}

/* What is bound here would be put when the module is long gone. */
static void init_fails(void)
{
	int fd = dev_open(O_RDWR), other = dev_open(O_RDONLY), events = uevents_open();
	pid_t pid = load(true);

	await_proxy(pid);
	/* Its files are there, and whoever uses them is waited for. */
	EXPECT_RET(file_write(FOLDER "/mode", "collaboration"), 0);
	EXPECT_RET(dev_bind(fd, PROXY), -ENOENT);
	EXPECT(!listed(other));
	EXPECT_RET(file_write(PARAMETER("go"), "1"), 0);
	EXPECT_EQ(loaded(pid), -ENODEV);
	EXPECT(access(FOLDER, F_OK) && errno == ENOENT);
	EXPECT_RET(dev_bind(other, PROXY), -ENOENT);
	EXPECT_EQ(uevents(events, "MLPROXY_EVENT=create"), 0);
	close(fd);
	close(other);
}

static void init_succeeds(void)
{
	int fd = dev_open(O_RDWR), events = uevents_open();
	pid_t pid = load(false);

	await_proxy(pid);
	EXPECT_RET(dev_bind(fd, PROXY), -ENOENT);
	EXPECT_EQ(uevents(events, "MLPROXY_EVENT=create"), 0);
	EXPECT_RET(file_write(PARAMETER("go"), "1"), 0);
	ASSERT_EQ(loaded(pid), 0);
	EXPECT_EQ(uevents(events, "MLPROXY_EVENT=create"), 1);
	EXPECT(listed(fd));
	EXPECT_RET(dev_bind(fd, PROXY), 0);
	EXPECT_RET(unload(), -EWOULDBLOCK);
	close(fd);
	EXPECT_RET(unload(), 0);
	EXPECT_EQ(uevents(events, "MLPROXY_EVENT=destroy"), 1);
}

/* A session of a proxy that is gone holds nothing of its module. */
static void proxy_goes_first(void)
{
	int fd = dev_open(O_RDWR), second = dev_open(O_RDWR);
	struct mlproxy_stats stats;
	pid_t pid = load(false);

	await_proxy(pid);
	EXPECT_RET(file_write(PARAMETER("go"), "1"), 0);
	ASSERT_EQ(loaded(pid), 0);
	ASSERT_RET(dev_bind(fd, PROXY), 0);
	ASSERT_RET(dev_bind(second, PROXY), 0);
	EXPECT_EQ(file_u64("/sys/module/" MODULE "/refcnt"), 2);
	close(second);
	EXPECT_EQ(file_u64("/sys/module/" MODULE "/refcnt"), 1);
	EXPECT_RET(file_write(PARAMETER("destroy"), "1"), 0);
	EXPECT_EQ(file_u64("/sys/module/" MODULE "/refcnt"), 0);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -ENODEV);
	EXPECT_RET(unload(), 0);
	dev_stats(fd, &stats);
	EXPECT_RET(dev_control(fd, MLPROXY_CTL_START), -ENODEV);
	close(fd);
}

/* Sessions come and go all the time while a module fails to load, or is unloaded. */
static void while_others_bind(void)
{
	unsigned long i, n = scaled(ROUNDS);
	pid_t binder = ktap_fork();

	while (!binder) {
		int fd = dev_open(O_RDWR);

		dev_bind(fd, PROXY);
		close(fd);
	}
	for (i = 0; i < n; i++) {
		bool fail = i % 2;
		pid_t pid = load(fail);
		unsigned int ms = 0;

		await_proxy(pid);
		EXPECT_RET(file_write(PARAMETER("go"), "1"), 0);
		EXPECT_EQ(loaded(pid), fail ? -ENODEV : 0);
		while (!fail && unload() == -EWOULDBLOCK && ms++ < PATIENCE_MS)
			sleep_ms(1);
	}
	EXPECT(unload() == -ENOENT, "(it is still there)");
	kill(binder, SIGKILL);
	waitpid(binder, NULL, 0);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(init_fails),
	KTAP_TEST(init_succeeds),
	KTAP_TEST(proxy_goes_first),
	KTAP_TEST(while_others_bind),
};

KTAP_MAIN(tests)
