/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of readload share: its streams, and the orders that these follow.
 */
#ifndef RA_LOAD_H
#define RA_LOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOCK_BYTES	4096U
#define MAX_PAGES	64
#define MAX_HEADS	8
#define NR_PHASES	3	/* of pattern "phases" */
#define ENDLESS		UINT64_MAX

struct pattern;

/**
 * struct order - what a stream does for a while
 * @pattern: order of the blocks
 * @arg: its numbers; see usage()
 * @pages: of a request
 * @think_ns: work after a request, where an instruction takes 1 ns
 * @base: first block of the part of the file that is read
 * @span: places in it where a request can begin
 * @requests: after so many the next order is drawn; ENDLESS: never
 */
struct order {
	const struct pattern *pattern;
	int64_t arg[2];
	unsigned int pages;
	unsigned int think_ns;
	uint64_t base;
	uint64_t span;
	uint64_t requests;
};

/**
 * struct stream - one thread and what it reads
 * @path: file
 * @owner: another stream, whose open file and mapping this one uses; or NULL
 * @part: of the file that it reads, counted from 0
 * @nr_parts: into which the file is cut
 * @by_mmap: through a mapping, else by pread()
 * @drawn: its orders are drawn
 * @order: the present one
 * @fd: the open file
 * @map: its mapping, or NULL
 * @nr_blocks: its length
 * @rng: state of the stream's random numbers
 * @pos: where the request before began, from the order's base
 * @left: requests to the end of the cluster or run
 * @heads: positions of interleaved reads, and of the hot part
 * @done: requests of this order
 * @ops: requests of all
 * @elapsed_ns: from the common start to the stream's end
 * @error: 0, or an errno
 */
struct stream {
	const char *path;
	const struct stream *owner;
	unsigned int part;
	unsigned int nr_parts;
	bool by_mmap;
	bool drawn;
	struct order order;
	int fd;
	const uint8_t *map;
	uint64_t nr_blocks;
	uint64_t rng;
	uint64_t pos;
	uint64_t left;
	uint64_t heads[MAX_HEADS];
	uint64_t done;
	uint64_t ops;
	uint64_t elapsed_ns;
	int error;
	pthread_t thread;
};

/* readload.c */
void phase_begins(unsigned int phase);
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* readload_pattern.c */
bool one_in(uint64_t *state, unsigned int n);
uint64_t random_log(uint64_t *state, uint64_t low, uint64_t high);
int64_t parse_number(const char *text, const char *what);
void parse_pattern(struct stream *s, char *spec);
void begin_order(struct stream *s);
void draw_order(struct stream *s);
void next_position(struct stream *s);
void print_order(const struct stream *s);

#endif
