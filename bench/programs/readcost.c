// SPDX-License-Identifier: GPL-2.0-only
/*
 * readcost: nanoseconds of one page fault and of one read, on a file that is cached
 * and on one that is not. With time that counts instructions (scripts/vm --icount) and
 * a device without latency, that is what the kernel executes.
 *
 *	readcost FILE
 *
 * Prints "NAME COUNT NANOSECONDS" for each kind:
 *   fault-around   read faults that map cached pages, 16 at once
 *   fault-page     write faults to a private mapping of cached pages, one at once
 *   read-cached    pread() of 4 KiB that is cached
 *   read-seq       pread() of 4 KiB, in order, nothing cached
 *   read-random    pread() of 4 KiB, all over the file, nothing cached
 *   fault-seq      read faults, in order, nothing cached
 *   fault-random   read faults, all over the file, nothing cached
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/common/rng.h"

#define PAGE_BYTES	4096UL
#define ROUNDS		8

static const char *path;
static size_t nr_pages;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int open_file(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void *map(int fd, int prot, int flags)
{
	void *p = mmap(NULL, nr_pages * PAGE_BYTES, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap of %s", path);
	return p;
}

static void drop_cache(int fd)
{
	int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (error)
		errx(1, "posix_fadvise of %s: error %d", path, error);
}

static void fill_cache(int fd)
{
	static char buf[1 << 16];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), at)) > 0)
		at += n;
	if (n < 0)
		err(1, "read of %s", path);
}

static size_t touch(int fd, size_t step, int writes)
{
	volatile char *p = map(fd, writes ? PROT_READ | PROT_WRITE : PROT_READ,
			       writes ? MAP_PRIVATE : MAP_SHARED);
	size_t i, n = 0;

	for (i = 0; i < nr_pages; i += step, n++) {
		if (writes)
			p[i * PAGE_BYTES] = 1;
		else
			(void)p[i * PAGE_BYTES];
	}
	munmap((void *)p, nr_pages * PAGE_BYTES);
	return n;
}

static size_t fault_around(int fd)
{
	return touch(fd, 16, 0);
}

static size_t fault_page(int fd)
{
	return touch(fd, 1, 1);
}

static size_t fault_seq(int fd)
{
	return touch(fd, 1, 0);
}

static size_t fault_random(int fd)
{
	volatile char *p = map(fd, PROT_READ, MAP_SHARED);
	struct rng rng = rng_seed(1);
	size_t i, n = nr_pages / 16;

	for (i = 0; i < n; i++)
		(void)p[rng_below(&rng, nr_pages) * PAGE_BYTES];
	munmap((void *)p, nr_pages * PAGE_BYTES);
	return n;
}

static void read_page(int fd, size_t page)
{
	static char buf[PAGE_BYTES];

	if (pread(fd, buf, sizeof(buf), page * PAGE_BYTES) != (ssize_t)sizeof(buf))
		err(1, "read of %s", path);
}

static size_t read_random(int fd)
{
	struct rng rng = rng_seed(1);
	size_t i, n = nr_pages / 16;

	for (i = 0; i < n; i++)
		read_page(fd, rng_below(&rng, nr_pages));
	return n;
}

static size_t read_pages(int fd)
{
	size_t i;

	for (i = 0; i < nr_pages; i++)
		read_page(fd, i);
	return nr_pages;
}

static const struct kind {
	const char *name;
	int cached;
	size_t (*work)(int fd);
} kinds[] = {
	{ "fault-around", 1, fault_around },
	{ "fault-page", 1, fault_page },
	{ "read-cached", 1, read_pages },
	{ "read-seq", 0, read_pages },
	{ "read-random", 0, read_random },
	{ "fault-seq", 0, fault_seq },
	{ "fault-random", 0, fault_random },
};

static void measure(const struct kind *k)
{
	uint64_t ns = 0, start;
	size_t n = 0;
	int round;

	/* The first round is not counted: it fills what is kept for later. */
	for (round = 0; round <= ROUNDS; round++) {
		int fd = open_file();

		if (k->cached)
			fill_cache(fd);
		else
			drop_cache(fd);
		start = now_ns();
		if (round) {
			n += k->work(fd);
			ns += now_ns() - start;
		} else {
			k->work(fd);
		}
		close(fd);
	}
	printf("%s %zu %.1f\n", k->name, n, (double)ns / n);
}

int main(int argc, char **argv)
{
	struct stat st;
	size_t i;
	int fd;

	if (argc != 2)
		errx(2, "usage: readcost FILE");
	path = argv[1];
	fd = open_file();
	if (fstat(fd, &st))
		err(1, "%s", path);
	nr_pages = st.st_size / PAGE_BYTES;
	if (nr_pages < 256)
		errx(1, "%s: has %zu pages, needs 256", path, nr_pages);
	close(fd);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		measure(&kinds[i]);
	return 0;
}
