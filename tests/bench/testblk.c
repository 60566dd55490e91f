// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a block device past the cache, so many requests at once, and says how fast that was.
 *
 *	testblk DEVICE random|ordered BYTES DEPTH READS
 *
 * random: places drawn by a fixed generator; ordered: from the begin, over and over. Each
 * read is of BYTES. Prints reads a second and MB a second. Asynchronous I/O by its system
 * calls, from one thread: so a read costs little beside the device.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "rng.h"

#define MAX_DEPTH 1024

struct load {
	int fd;
	aio_context_t aio;
	int ordered;
	uint32_t bytes;
	uint64_t blocks;
	uint64_t next;
	struct rng rng;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void prepare(struct load *load, struct iocb *cb)
{
	uint64_t block = load->ordered ? load->next++ % load->blocks :
					 rng_below(&load->rng, load->blocks);

	cb->aio_offset = block * load->bytes;
}

static void submit(struct load *load, struct iocb **cbs, long nr)
{
	while (nr) {
		long done = syscall(SYS_io_submit, load->aio, nr, cbs);

		if (done < 0)
			err(1, "io_submit");
		cbs += done;
		nr -= done;
	}
}

/* Each request that completes is followed by another, until all have been asked for. */
static void run(struct load *load, struct iocb *all, unsigned int depth, unsigned long reads)
{
	static struct iocb *again[MAX_DEPTH];
	static struct io_event events[MAX_DEPTH];
	unsigned long asked = 0, done = 0;

	for (unsigned int i = 0; i < depth && asked < reads; i++, asked++) {
		prepare(load, &all[i]);
		again[i] = &all[i];
	}
	submit(load, again, asked);
	while (done < reads) {
		long n = syscall(SYS_io_getevents, load->aio, 1, depth, events, NULL);
		long more = 0;

		if (n < 0)
			err(1, "io_getevents");
		for (long i = 0; i < n; i++) {
			if (events[i].res != load->bytes)
				errx(1, "a read returned %lld", (long long)events[i].res);
			if (asked == reads)
				continue;
			asked++;
			again[more] = (struct iocb *)(uintptr_t)events[i].obj;
			prepare(load, again[more++]);
		}
		submit(load, again, more);
		done += n;
	}
}

int main(int argc, char **argv)
{
	struct load load = { .rng = rng_seed(1) };
	static struct iocb all[MAX_DEPTH];
	unsigned long depth, reads;
	uint64_t size, begin, ns;

	if (argc != 6)
		errx(2, "usage: testblk DEVICE random|ordered BYTES DEPTH READS");
	load.ordered = !strcmp(argv[2], "ordered");
	load.bytes = strtoul(argv[3], NULL, 0);
	depth = strtoul(argv[4], NULL, 0);
	reads = strtoul(argv[5], NULL, 0);
	if (!load.bytes || !depth || depth > MAX_DEPTH || !reads)
		errx(2, "BYTES, READS and DEPTH are wanted, DEPTH up to %d", MAX_DEPTH);
	load.fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (load.fd < 0 || ioctl(load.fd, BLKGETSIZE64, &size))
		err(1, "%s", argv[1]);
	load.blocks = size / load.bytes;
	if (syscall(SYS_io_setup, depth, &load.aio))
		err(1, "io_setup");
	for (unsigned int i = 0; i < depth; i++) {
		void *buffer = aligned_alloc(4096, load.bytes);

		if (!buffer)
			err(1, "memory");
		memset(buffer, 0, load.bytes);
		all[i] = (struct iocb) {
			.aio_lio_opcode = IOCB_CMD_PREAD,
			.aio_fildes = load.fd,
			.aio_buf = (uintptr_t)buffer,
			.aio_nbytes = load.bytes,
		};
	}
	begin = now_ns();
	run(&load, all, depth, reads);
	ns = now_ns() - begin;
	printf("%.0f %.1f\n", reads * 1e9 / ns, reads * 1e3 * load.bytes / ns);
	return 0;
}
