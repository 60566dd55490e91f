// SPDX-License-Identifier: GPL-2.0-only
/*
 * A helper of the scripts, not a test: threads that read the same files by all ways at
 * once, and check each page.
 *
 *	ra_load make FILE PAGES			writes a file of pages that say which they are
 *	ra_load read THREADS ROUNDS FILE...	reads them; says how many pages that were
 *
 * guest-test: helper
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rng.h"

#define PAGE		4096UL
#define MAX_FILES	16
#define STEPS		48	/* of one walk */
#define STEP_KINDS	6

struct file {
	int fd;
	uint64_t pages;
	const volatile unsigned char *map;
};

struct reader {
	pthread_t thread;
	unsigned int nr;
	unsigned long pages;
};

static struct file files[MAX_FILES];
static unsigned int nr_files, rounds;

static void make(const char *path, uint64_t pages)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t page[PAGE / sizeof(uint64_t)], i, j;

	if (fd < 0)
		err(1, "%s", path);
	for (i = 0; i < pages; i++) {
		for (j = 0; j < PAGE / sizeof(*page); j++)
			page[j] = i;
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			err(1, "write to %s", path);
	}
	if (fsync(fd) || close(fd))
		err(1, "%s", path);
}

static void check(uint64_t page, uint64_t found)
{
	if (page != found)
		errx(1, "page %llu holds page %llu", (unsigned long long)page,
		     (unsigned long long)found);
}

static void by_read(const struct file *f, uint64_t page)
{
	uint64_t buf[PAGE / sizeof(uint64_t)];

	if (pread(f->fd, buf, PAGE, page * PAGE) != (ssize_t)PAGE)
		err(1, "pread");
	check(page, buf[0]);
	check(page, buf[PAGE / sizeof(*buf) - 1]);
}

static void by_map(const struct file *f, uint64_t page)
{
	check(page, *(const volatile uint64_t *)(f->map + page * PAGE));
}

/* A mapping of its own, which is gone at once: others wait for the lock of all of them. */
static void by_own_map(const struct file *f, uint64_t page)
{
	uint64_t *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, f->fd, page * PAGE);

	if (p == MAP_FAILED)
		err(1, "mmap");
	check(page, *(volatile uint64_t *)p);
	if (munmap(p, PAGE))
		err(1, "munmap");
}

/* The walks: in order, backward, with two strides, and anywhere. */
static uint64_t step(struct rng *rng, unsigned int kind, uint64_t at, uint64_t pages)
{
	static const int distance[STEP_KINDS] = { 1, -1, 7, -40 };

	if (kind >= 4)
		return rng_below(rng, pages);
	return (at + pages + distance[kind]) % pages;
}

static void walk(struct reader *r, struct rng *rng, const struct file *f)
{
	unsigned int kind = rng_below(rng, STEP_KINDS), way = rng_below(rng, 3), i;
	uint64_t at = rng_below(rng, f->pages);

	for (i = 0; i < STEPS; i++, r->pages++) {
		at = step(rng, kind, at, f->pages);
		if (way == 0)
			by_read(f, at);
		else if (way == 1)
			by_map(f, at);
		else
			by_own_map(f, at);
	}
}

static void forget(const struct file *f)
{
	madvise((void *)f->map, f->pages * PAGE, MADV_DONTNEED);
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void *reader(void *arg)
{
	struct reader *r = arg;
	struct rng rng = rng_seed(r->nr + 1);
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		const struct file *f = &files[rng_below(&rng, nr_files)];

		walk(r, &rng, f);
		if (i % 4 == r->nr % 4)
			forget(f);
	}
	return NULL;
}

static void open_file(const char *path)
{
	struct file *f = &files[nr_files++];
	struct stat st;

	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st))
		err(1, "%s", path);
	f->pages = st.st_size / PAGE;
	f->map = mmap(NULL, f->pages * PAGE, PROT_READ, MAP_SHARED, f->fd, 0);
	if (f->map == MAP_FAILED)
		err(1, "mmap of %s", path);
}

static int read_all(unsigned int threads)
{
	struct reader *readers = calloc(threads, sizeof(*readers));
	unsigned long pages = 0;
	unsigned int i;

	if (!readers)
		err(1, NULL);
	for (i = 0; i < threads; i++) {
		readers[i].nr = i;
		if (pthread_create(&readers[i].thread, NULL, reader, &readers[i]))
			errx(1, "no thread");
	}
	for (i = 0; i < threads; i++) {
		pthread_join(readers[i].thread, NULL);
		pages += readers[i].pages;
	}
	printf("%lu pages read\n", pages);
	free(readers);
	return 0;
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 4 && !strcmp(argv[1], "make")) {
		make(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc < 5 || argc > 4 + MAX_FILES || strcmp(argv[1], "read")) {
		fprintf(stderr, "usage: %s make FILE PAGES | read THREADS ROUNDS FILE...\n", argv[0]);
		return 2;
	}
	rounds = strtoul(argv[3], NULL, 10);
	for (i = 4; i < argc; i++)
		open_file(argv[i]);
	return read_all(strtoul(argv[2], NULL, 10));
}
