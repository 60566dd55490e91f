/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the jobs of writeload share: bytes written and how long that took, files, draws.
 */
#ifndef _MLPROXY_BENCH_WRITELOAD_H
#define _MLPROXY_BENCH_WRITELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK		4096u
#define MAX_WRITE	(256u << 10)

/**
 * struct job - a program that writes, as writeload plays it
 * @kind: what it does
 * @share: of all bytes that live, in the order of the command line's numbers
 * @variant: which of its parameter sets
 * @rng: state of its draws
 * @target: bytes that it keeps alive
 * @alive: bytes that do
 * @written: bytes since the beginning
 * @state: its own
 */
struct job {
	const struct job_kind *kind;
	unsigned int share, weight, variant;
	uint64_t rng;
	uint64_t target, alive, written;
	void *state;
};

/**
 * struct job_kind - a kind of program
 * @name: on the command line; also what the thread calls itself meanwhile
 * @fill: make files until @target bytes live, in the current directory
 * @step: do one thing
 */
struct job_kind {
	const char *name;
	void (*fill)(struct job *job);
	void (*step)(struct job *job);
};

extern const struct job_kind mail_kind, logs_kind, vm_kind, trees_kind, lsm_kind, sqlite_kind;

_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *zalloc(size_t size);

/* Draws: all of one job come from its own state, so jobs don't disturb each other. */
uint64_t draw(struct job *job, uint64_t below);
bool chance(struct job *job, unsigned int percent);
/* Small numbers are frequent; the larger the skew, the more so. */
uint64_t draw_skewed(struct job *job, uint64_t below, unsigned int skew);

/* Files of the job's; each fails loudly, ENOSPC above all. */
int create(const char *name, int flags);
int open_file(const char *name, int flags);
void put(struct job *job, int fd, uint64_t offset, uint64_t bytes);
void put_file(struct job *job, const char *name, uint64_t bytes, bool sync);
void sync_file(int fd);
void read_all(const char *name);
void unlink_file(const char *name);
void rename_file(const char *from, const char *to);
void make_dir(const char *name);
/* What the job wrote by itself, and how long a commit of it took. */
void account(struct job *job, uint64_t bytes, uint64_t ns);
uint64_t now_ns(void);

#endif /* _MLPROXY_BENCH_WRITELOAD_H */
