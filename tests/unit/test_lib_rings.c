// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting up the rings of a session and waiting for records, against a device that this
 * test plays: how much memory is asked for, and what poll() says of a proxy that goes.
 */
#include "lib_session.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mlproxy/mlproxy.h>

#define PAGE	4096U

static struct {
	uint32_t limit;		/* more data in a ring is ENOMEM */
	uint32_t asked;		/* data of a ring, for the last time */
	short revents;		/* answered by poll() */
	bool busy;
} kernel;

static char path[] = "/tmp/mlproxy-rings-XXXXXX";

static int answer_setup(struct mlproxy_ring_setup *setup)
{
	kernel.asked = setup->data_bytes;
	errno = kernel.busy ? EBUSY : ENOMEM;
	if (kernel.busy || setup->data_bytes > kernel.limit)
		return -1;
	setup->nr_rings = 1;
	setup->ring_stride = 2 * PAGE + 2 * setup->data_bytes;
	return 0;
}

/* These take the place of the C library's in this program. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == MLPROXY_IOC_INFO)
		((struct mlproxy_info *)arg)->abi_version = MLPROXY_ABI_VERSION;
	return request == MLPROXY_IOC_RING_SETUP ? answer_setup(arg) : 0;
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	(void)timeout;
	assert_int_equal(nr, 1);
	fds->revents = kernel.revents;
	return kernel.revents != 0;
}

static int setup_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || ftruncate(fd, 4 << 20))
		return -1;
	return close(fd);
}

static int teardown_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int setup(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.limit = UINT32_MAX;
	return mlproxy_open((struct mlproxy_session **)state, path, 0);
}

/* The default adapts to what the user may lock; what was asked for does not. */
static void default_is_halved(void **state)
{
	const struct mlproxy_ring_opts opts = { .size = sizeof(opts), .data_bytes = 1 << 20 };
	struct mlproxy_session *s = *state;

	kernel.limit = 300 << 10;
	assert_int_equal(mlproxy_ring_setup(s, &opts), -ENOMEM);
	assert_int_equal(kernel.asked, 1 << 20);
	assert_says(s, "LimitMEMLOCK=");
	kernel.limit = 4096;
	assert_int_equal(mlproxy_ring_setup(s, NULL), -ENOMEM);
	assert_int_equal(kernel.asked, 64 << 10);
	kernel.limit = 300 << 10;
	assert_int_equal(mlproxy_ring_setup(s, NULL), 0);
	assert_int_equal(kernel.asked, 256 << 10);
	assert_int_equal(mlproxy_ring_bytes(s), 256 << 10);
}

static void default_is_taken(void **state)
{
	assert_int_equal(mlproxy_ring_setup(*state, NULL), 0);
	assert_int_equal(kernel.asked, MLPROXY_RING_DEFAULT_BYTES);
}

static void too_many_readers(void **state)
{
	kernel.busy = true;
	assert_int_equal(mlproxy_ring_setup(*state, NULL), -EBUSY);
	assert_says(*state, "32 others");
}

/* The proxy goes: first what is left, then that nothing comes any more. */
static void hang_up(void **state)
{
	struct mlproxy_session *s = *state;

	assert_int_equal(mlproxy_ring_setup(s, NULL), 0);
	assert_int_equal(mlproxy_wait(s, 0), 0);
	kernel.revents = POLLIN;
	assert_int_equal(mlproxy_wait(s, 0), 1);
	kernel.revents = POLLIN | POLLHUP;
	assert_int_equal(mlproxy_wait(s, 0), 1);
	kernel.revents = POLLHUP;
	assert_int_equal(mlproxy_wait(s, 0), -ENODEV);
	assert_says(s, "is gone");
	kernel.revents = POLLERR;
	assert_int_equal(mlproxy_wait(s, 0), -EIO);
}

#define RINGS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, session_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RINGS_TEST(default_is_taken),
		RINGS_TEST(default_is_halved),
		RINGS_TEST(too_many_readers),
		RINGS_TEST(hang_up),
	};

	return cmocka_run_group_tests_name("lib_rings", tests, setup_file, teardown_file);
}
