// SPDX-License-Identifier: GPL-2.0-only
/*
 * A helper of testblk.sh, not a test: reads and writes of a block device, past the cache
 * and from several threads.
 *
 *	blkio DEVICE ahead MB			ask for it all, and wait for its end
 *	blkio DEVICE adjacent N			thread i reads block i, once
 *	blkio DEVICE random THREADS OPS		reads at random
 *	blkio DEVICE verify THREADS OPS [FILE WORD...]
 *						writes and reads at random; what is read is
 *						what was written. With a FILE, some word is
 *						written to it now and then
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
#include <unistd.h>

#include "rng.h"

#define BLOCK		4096
#define RUN		4	/* blocks that a request may have */
#define MAX_THREADS	64
#define RUNS		512	/* of each thread */

static int fd;
static uint64_t blocks;
static unsigned int nr_threads, ops;
static const char *file;
static char **words;
static unsigned int nr_words;

static void *buffer(void)
{
	void *p = aligned_alloc(BLOCK, RUN * BLOCK);

	if (!p)
		err(1, "memory");
	memset(p, 0, RUN * BLOCK);
	return p;
}

static void in_threads(void *(*run)(void *))
{
	pthread_t threads[MAX_THREADS];

	if (!nr_threads || nr_threads > MAX_THREADS)
		errx(2, "1 to %d threads", MAX_THREADS);
	for (uintptr_t i = 0; i < nr_threads; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			errx(1, "no thread");
	for (unsigned int i = 0; i < nr_threads; i++)
		pthread_join(threads[i], NULL);
}

static void read_at(void *to, size_t bytes, uint64_t pos)
{
	if (pread(fd, to, bytes, pos) != (ssize_t)bytes)
		err(1, "read of %zu bytes at %llu", bytes, (unsigned long long)pos);
}

/* In requests of 512 KB, since the kernel takes no more than one of a device at once. */
static void ahead(uint64_t bytes)
{
	char last;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (uint64_t pos = 0; pos < bytes; pos += 512 << 10)
		if (posix_fadvise(fd, pos, 512 << 10, POSIX_FADV_WILLNEED))
			errx(1, "advice is refused");
	read_at(&last, 1, bytes - 1);
}

static void *adjacent(void *thread)
{
	read_at(buffer(), BLOCK, (uintptr_t)thread * BLOCK);
	return NULL;
}

static void *at_random(void *thread)
{
	struct rng rng = rng_seed((uintptr_t)thread + 1);
	void *to = buffer();

	for (unsigned int i = 0; i < ops; i++)
		read_at(to, BLOCK, (uint64_t)rng_below(&rng, blocks) * BLOCK);
	return NULL;
}

static void set_word(struct rng *rng)
{
	const char *word = words[rng_below(rng, nr_words)];
	int out = open(file, O_WRONLY);

	if (out < 0 || write(out, word, strlen(word)) < 0)
		err(1, "%s to %s", word, file);
	close(out);
}

static void fill(uint64_t *block, uint64_t seed)
{
	struct rng rng = rng_seed(seed);

	for (unsigned int i = 0; i < BLOCK / sizeof(*block); i++)
		block[i] = rng_u64(&rng);
}

/* The threads' runs of blocks lie between each other, and each knows what its own have. */
static void *verify(void *thread)
{
	static uint64_t seeds[MAX_THREADS][RUNS][RUN];
	uint64_t (*mine)[RUN] = seeds[(uintptr_t)thread];
	struct rng rng = rng_seed((uintptr_t)thread + 1);
	uint64_t *data = buffer(), want[BLOCK / sizeof(*data)];
	unsigned int runs = blocks / RUN / nr_threads;

	if (runs > RUNS)
		runs = RUNS;
	for (unsigned int n = 0; n < ops; n++) {
		unsigned int at = rng_below(&rng, runs), nr = 1 + rng_below(&rng, RUN), i;
		/* spread over the device */
		uint64_t run = (uint64_t)at * (blocks / RUN / nr_threads / runs);
		uint64_t pos = (run * nr_threads + (uintptr_t)thread) * RUN * BLOCK;

		if (nr_words && n % 16 == 0)
			set_word(&rng);
		if (rng_below(&rng, 2)) {
			for (i = 0; i < nr; i++) {
				mine[at][i] = rng_u64(&rng) | 1;
				fill(&data[i * BLOCK / sizeof(*data)], mine[at][i]);
			}
			if (pwrite(fd, data, nr * BLOCK, pos) != nr * BLOCK)
				err(1, "write at %llu", (unsigned long long)pos);
			continue;
		}
		read_at(data, nr * BLOCK, pos);
		for (i = 0; i < nr; i++) {
			if (!mine[at][i])
				continue;
			fill(want, mine[at][i]);
			if (memcmp(&data[i * BLOCK / sizeof(*data)], want, BLOCK))
				errx(1, "wrong data at %llu",
				     (unsigned long long)pos + i * BLOCK);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 3 ? argv[2] : "";
	int cached = !strcmp(verb, "ahead");

	if (argc < 4)
		errx(2, "usage: blkio DEVICE VERB NUMBER...");
	fd = open(argv[1], cached ? O_RDONLY : O_RDWR | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[1]);
	blocks = lseek(fd, 0, SEEK_END) / BLOCK;
	nr_threads = atoi(argv[3]);
	ops = argc > 4 ? atoi(argv[4]) : 0;
	if (cached) {
		ahead((uint64_t)nr_threads << 20);
	} else if (!strcmp(verb, "adjacent")) {
		in_threads(adjacent);
	} else if (!strcmp(verb, "random")) {
		in_threads(at_random);
	} else if (!strcmp(verb, "verify")) {
		if (argc > 6) {
			file = argv[5];
			words = argv + 6;
			nr_words = argc - 6;
		}
		in_threads(verify);
	} else {
		errx(2, "no verb %s", verb);
	}
	return 0;
}
