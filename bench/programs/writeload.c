// SPDX-License-Identifier: GPL-2.0-only
/*
 * writeload: keeps a file system at a level and overwrites it, as mail servers, logs, virtual
 * machines, package managers, LSM stores and databases do, and prints what the writes took.
 *
 *	writeload [OPTION]... DIR JOB:SHARE[:VARIANT]...
 *
 * Jobs share the space by their shares and take turns, so that each has written in proportion
 * to its share; all in one thread, so the same seed makes the same calls. A job's variant is
 * its set of parameters; sets of loads have none in common.
 *
 *	--seed N        of all draws (1)
 *	--level P       percent of the space that users have, alive (83)
 *	--warm P        percent of that space written before what counts (100)
 *	--measure P     likewise, what counts (300)
 *	--rate MB       megabytes a second at most, by sleeping (8; 0 for as fast as it goes)
 *	--phases P      jobs are favoured in turn, each for P percent of the space
 *	--mark COMMAND  run "COMMAND begin" and "COMMAND end" around what counts, "COMMAND filled"
 *	                before both
 *
 * Prints "WRITELOAD,bytes,ns,p99_write_ns,p99_sync_ns,ops".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "shared/log2.h"
#include "shared/mix64.h"
#include "writeload.h"

#define MAX_JOBS	8
#define NSEC_PER_SEC	1000000000ULL
/* A favoured job writes so many times its share. */
#define FAVOUR		6
#define PACE		(1u << 20)
/* an eighth of an octave */
#define LATENCY_SHIFT	5
#define NR_LATENCIES	(64 << (8 - LATENCY_SHIFT))

static const struct job_kind *kinds[] = {
	&mail_kind, &logs_kind, &vm_kind, &trees_kind, &lsm_kind, &sqlite_kind,
};

static struct job jobs[MAX_JOBS];
static unsigned int nr_jobs;
static uint64_t seed = 1, level = 83, warm = 100, measure = 300, rate = 8, phases;
static const char *mark;
static uint64_t write_times[NR_LATENCIES], sync_times[NR_LATENCIES];
static uint64_t total, ops, paced_from, paced_bytes;
static char block[MAX_WRITE];

void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "writeload: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *zalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		fail("no memory");
	return p;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t draw(struct job *job, uint64_t below)
{
	return below ? mix64_next(&job->rng) % below : 0;
}

bool chance(struct job *job, unsigned int percent)
{
	return draw(job, 100) < percent;
}

uint64_t draw_skewed(struct job *job, uint64_t below, unsigned int skew)
{
	uint64_t x = draw(job, 1 << 16), y = x;

	while (--skew)
		y = y * x >> 16;
	return (below * y >> 16) % (below ? below : 1);
}

static void note(uint64_t *times, uint64_t ns)
{
	times[log2_q8(ns) >> LATENCY_SHIFT]++;
}

/* The lower end of the bucket where 99 of 100 are at or below. */
static uint64_t p99(const uint64_t *times)
{
	uint64_t all = 0, seen = 0;
	unsigned int i, octave, part;

	for (i = 0; i < NR_LATENCIES; i++)
		all += times[i];
	for (i = 0; i < NR_LATENCIES; i++) {
		seen += times[i];
		if (all && seen * 100 >= all * 99)
			break;
	}
	if (i == NR_LATENCIES)
		return 0;
	octave = i >> (8 - LATENCY_SHIFT);
	part = i & ((1 << (8 - LATENCY_SHIFT)) - 1);
	return (1ULL << octave) + ((uint64_t)part << octave >> (8 - LATENCY_SHIFT));
}

static void pace(uint64_t bytes)
{
	struct timespec ts;
	uint64_t due, now;

	paced_bytes += bytes;
	if (!rate || paced_bytes < PACE)
		return;
	due = paced_from + paced_bytes * 1000 / rate;
	now = now_ns();
	if (now < due) {
		ts.tv_sec = (time_t)((due - now) / NSEC_PER_SEC);
		ts.tv_nsec = (long)((due - now) % NSEC_PER_SEC);
		nanosleep(&ts, NULL);
	}
	paced_from = now_ns();
	paced_bytes = 0;
}

void account(struct job *job, uint64_t bytes, uint64_t ns)
{
	job->written += bytes;
	total += bytes;
	if (ns)
		note(sync_times, ns);
	pace(bytes);
}

int create(const char *name, int flags)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC | flags, 0644);

	if (fd < 0)
		fail("cannot make %s: %s", name, strerror(errno));
	return fd;
}

int open_file(const char *name, int flags)
{
	int fd = open(name, O_CLOEXEC | flags);

	if (fd < 0)
		fail("cannot open %s: %s", name, strerror(errno));
	return fd;
}

void put(struct job *job, int fd, uint64_t offset, uint64_t bytes)
{
	while (bytes) {
		size_t len = bytes < MAX_WRITE ? bytes : MAX_WRITE;
		uint64_t start = now_ns();
		ssize_t got = pwrite(fd, block, len, (off_t)offset);

		if (got != (ssize_t)len)
			fail("cannot write: %s", got < 0 ? strerror(errno) : "no room");
		note(write_times, now_ns() - start);
		offset += len;
		bytes -= len;
		job->written += len;
		total += len;
		pace(len);
	}
}

void sync_file(int fd)
{
	uint64_t start = now_ns();

	if (fsync(fd))
		fail("fsync: %s", strerror(errno));
	note(sync_times, now_ns() - start);
}

void put_file(struct job *job, const char *name, uint64_t bytes, bool sync)
{
	int fd = create(name, O_TRUNC);

	put(job, fd, 0, bytes);
	if (sync)
		sync_file(fd);
	close(fd);
}

void read_all(const char *name)
{
	static char buffer[MAX_WRITE];
	int fd = open_file(name, O_RDONLY);

	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

void unlink_file(const char *name)
{
	if (unlink(name))
		fail("cannot remove %s: %s", name, strerror(errno));
}

void rename_file(const char *from, const char *to)
{
	if (rename(from, to))
		fail("cannot rename %s: %s", from, strerror(errno));
}

void make_dir(const char *name)
{
	if (mkdir(name, 0755) && errno != EEXIST)
		fail("cannot make %s: %s", name, strerror(errno));
}

/* --- jobs --- */

static void parse_job(char *text)
{
	struct job *job = &jobs[nr_jobs];
	char *name = strsep(&text, ":"), *share = strsep(&text, ":");
	unsigned int i;

	if (nr_jobs++ == MAX_JOBS)
		fail("more than %d jobs", MAX_JOBS);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			job->kind = kinds[i];
	if (!job->kind)
		fail("no job \"%s\": mail, logs, vm, trees, lsm or sqlite", name);
	job->share = share ? (unsigned int)strtoul(share, NULL, 10) : 1;
	job->variant = text ? (unsigned int)strtoul(text, NULL, 10) : 0;
	if (!job->share)
		fail("%s: a share is a number above 0, not \"%s\"", name, share);
	job->rng = mix64(seed * MAX_JOBS + nr_jobs);
	job->weight = job->share;
}

static void enter(const struct job *job)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%td", job->kind->name, job - jobs);
	if (chdir(name))
		fail("cannot enter %s: %s", name, strerror(errno));
	prctl(PR_SET_NAME, job->kind->name);
}

static void leave(void)
{
	if (chdir(".."))
		fail("cannot leave a directory: %s", strerror(errno));
}

static struct job *next_job(void)
{
	struct job *best = jobs;
	unsigned int i;

	for (i = 1; i < nr_jobs; i++)
		if (jobs[i].written * best->weight < best->written * jobs[i].weight)
			best = &jobs[i];
	return best;
}

/* What was written before must not be made up for. */
static void favour(unsigned int which)
{
	unsigned int i;

	for (i = 0; i < nr_jobs; i++) {
		jobs[i].weight = jobs[i].share * (i == which % nr_jobs ? FAVOUR : 1);
		jobs[i].written = 0;
	}
}

static void work(uint64_t bytes, uint64_t space)
{
	static uint64_t phase_ends, phase;
	uint64_t end = total + bytes;

	while (total < end) {
		struct job *job;

		if (phases && total >= phase_ends) {
			favour((unsigned int)phase++);
			phase_ends = total + space * phases / 100;
		}
		job = next_job();
		enter(job);
		job->kind->step(job);
		leave();
		ops++;
	}
}

static void run_mark(const char *what)
{
	char command[512];

	if (!mark)
		return;
	fflush(stdout);
	snprintf(command, sizeof(command), "%s %s", mark, what);
	if (system(command))
		fail("\"%s\" failed", command);
}

static void fill(uint64_t space)
{
	unsigned int i, shares = 0;
	char name[32];

	for (i = 0; i < nr_jobs; i++)
		shares += jobs[i].share;
	for (i = 0; i < nr_jobs; i++) {
		snprintf(name, sizeof(name), "%s%u", jobs[i].kind->name, i);
		make_dir(name);
		jobs[i].target = space * level / 100 * jobs[i].share / shares;
		enter(&jobs[i]);
		jobs[i].kind->fill(&jobs[i]);
		leave();
	}
	sync();
	for (i = 0; i < nr_jobs; i++)
		jobs[i].written = 0;
}

static uint64_t number(const char *text, const char *option)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*end || end == text)
		fail("--%s wants a number, not \"%s\"", option, text);
	return n;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 0 }, { "level", 1, NULL, 0 }, { "warm", 1, NULL, 0 },
		{ "measure", 1, NULL, 0 }, { "rate", 1, NULL, 0 }, { "phases", 1, NULL, 0 },
		{ "mark", 1, NULL, 0 }, {}
	};
	uint64_t *const numbers[] = { &seed, &level, &warm, &measure, &rate, &phases };
	int c, which;

	while ((c = getopt_long(argc, argv, "", options, &which)) != -1) {
		if (c)
			exit(2);
		if (which < (int)(sizeof(numbers) / sizeof(*numbers)))
			*numbers[which] = number(optarg, options[which].name);
		else
			mark = optarg;
	}
	if (argc - optind < 2)
		fail("usage: writeload [OPTION]... DIR JOB:SHARE[:VARIANT]...");
	if (chdir(argv[optind]))
		fail("cannot go to %s: %s", argv[optind], strerror(errno));
	while (++optind < argc)
		parse_job(argv[optind]);
}

int main(int argc, char **argv)
{
	uint64_t space, start, bytes;
	struct statvfs fs;

	parse(argc, argv);
	if (statvfs(".", &fs))
		fail("statvfs: %s", strerror(errno));
	space = (uint64_t)fs.f_bavail * fs.f_frsize;
	for (unsigned int i = 0; i < sizeof(block); i++)
		block[i] = (char)mix64(i);
	paced_from = now_ns();
	fill(space);
	run_mark("filled");
	work(space * warm / 100, space);
	sync();
	run_mark("begin");
	memset(write_times, 0, sizeof(write_times));
	memset(sync_times, 0, sizeof(sync_times));
	ops = 0;
	bytes = total;
	start = now_ns();
	work(space * measure / 100, space);
	start = now_ns() - start;
	sync();
	run_mark("end");
	printf("WRITELOAD,%llu,%llu,%llu,%llu,%llu\n", (unsigned long long)(total - bytes),
	       (unsigned long long)start, (unsigned long long)p99(write_times),
	       (unsigned long long)p99(sync_times), (unsigned long long)ops);
	return 0;
}
