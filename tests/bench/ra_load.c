// SPDX-License-Identifier: GPL-2.0-only
/*
 * ra_load: reads files in known patterns, several at once, and prints the rates
 * as one line of JSON.
 *
 * Each stream is a thread that reads blocks of one file by pread() or through a
 * mapping. Streams share nothing but the device and the CPU, so a policy that
 * speeds one up at the cost of another shows: the summary is the geometric mean
 * of the streams' rates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES	4096U
#define MAX_STREAMS	16
#define NSEC_PER_SEC	1000000000ULL

enum pattern {
	PATTERN_SEQ,
	PATTERN_REVERSE,
	PATTERN_STRIDE,
	PATTERN_RANDOM,
	PATTERN_CLUSTER,
	PATTERN_PHASES,
};

static const struct {
	const char *name;
	enum pattern pattern;
	bool has_arg;
} patterns[] = {
	{ "seq", PATTERN_SEQ, false },
	{ "reverse", PATTERN_REVERSE, false },
	{ "stride", PATTERN_STRIDE, true },
	{ "random", PATTERN_RANDOM, false },
	{ "cluster", PATTERN_CLUSTER, true },
	{ "phases", PATTERN_PHASES, true },
};

/**
 * struct stream - one thread and what it reads
 * @path: file
 * @by_mmap: through a mapping, else by pread()
 * @pattern: order of the blocks
 * @arg: stride, blocks of a cluster, or blocks of a phase
 * @fd: the open file
 * @map: its mapping, or NULL
 * @nr_blocks: its length
 * @rng: state of the stream's random numbers
 * @pos: block read last
 * @left: blocks to the end of the cluster
 * @ops: blocks read
 * @elapsed_ns: from the common start to the stream's end
 * @error: 0, or an errno
 */
struct stream {
	const char *path;
	bool by_mmap;
	enum pattern pattern;
	uint64_t arg;
	int fd;
	const uint8_t *map;
	uint64_t nr_blocks;
	uint64_t rng;
	uint64_t pos;
	uint64_t left;
	uint64_t ops;
	uint64_t elapsed_ns;
	int error;
	pthread_t thread;
};

static struct stream streams[MAX_STREAMS];
static unsigned int nr_streams;
static uint64_t max_ops;
static uint64_t limit_ns;
static pthread_barrier_t barrier;
static volatile uint64_t sink;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ra_load: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* splitmix64: small, and good for any seed. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t next_cluster(struct stream *s, uint64_t blocks)
{
	if (!s->left) {
		s->left = blocks;
		s->pos = next_random(&s->rng);
	} else {
		s->pos++;
	}
	s->left--;
	return s->pos;
}

/* A phase of single random blocks, one in order, one of clusters, and again. */
static uint64_t next_phase(struct stream *s)
{
	uint64_t in_phase = s->ops % s->arg;

	switch (s->ops / s->arg % 3) {
	case 0:
		return next_random(&s->rng);
	case 1:
		return in_phase ? s->pos + 1 : next_random(&s->rng);
	default:
		if (!in_phase)
			s->left = 0;
		return next_cluster(s, 16);
	}
}

static uint64_t next_block(struct stream *s)
{
	switch (s->pattern) {
	case PATTERN_SEQ:
		s->pos++;
		break;
	case PATTERN_REVERSE:
		s->pos += s->nr_blocks - 1;
		break;
	case PATTERN_STRIDE:
		s->pos += s->arg;
		break;
	case PATTERN_RANDOM:
		s->pos = next_random(&s->rng);
		break;
	case PATTERN_CLUSTER:
		s->pos = next_cluster(s, s->arg);
		break;
	case PATTERN_PHASES:
		s->pos = next_phase(s);
		break;
	}
	s->pos %= s->nr_blocks;
	return s->pos;
}

static void read_block(struct stream *s, uint8_t *buffer)
{
	uint64_t offset = next_block(s) * BLOCK_BYTES;
	const uint8_t *data = buffer;
	uint64_t sum = 0;
	unsigned int i;
	ssize_t got;

	if (s->by_mmap) {
		data = s->map + offset;
	} else {
		got = pread(s->fd, buffer, BLOCK_BYTES, (off_t)offset);
		if (got != BLOCK_BYTES) {
			s->error = got < 0 ? errno : EIO;
			return;
		}
	}
	for (i = 0; i < BLOCK_BYTES; i += 256)
		sum += data[i];
	sink += sum;
	s->ops++;
}

static void *run_stream(void *arg)
{
	uint8_t buffer[BLOCK_BYTES] __attribute__((aligned(64)));
	struct stream *s = arg;
	uint64_t start_ns;

	pthread_barrier_wait(&barrier);
	start_ns = now_ns();
	do {
		read_block(s, buffer);
		s->elapsed_ns = now_ns() - start_ns;
	} while (!s->error && (!max_ops || s->ops < max_ops) &&
		 (!limit_ns || s->elapsed_ns < limit_ns));
	return NULL;
}

/* SPEC is FILE,METHOD,PATTERN[:ARG]; it is cut into pieces in place. */
static void parse_stream(char *spec, uint64_t seed)
{
	struct stream *s = &streams[nr_streams];
	char *method, *name, *arg = NULL;
	unsigned int i;

	if (nr_streams == MAX_STREAMS)
		fail("more than %d streams", MAX_STREAMS);
	s->path = strsep(&spec, ",");
	method = strsep(&spec, ",");
	name = spec;
	if (!method || !name)
		fail("a stream is FILE,METHOD,PATTERN[:ARG]; see --help");
	if (strcmp(method, "mmap") && strcmp(method, "pread"))
		fail("unknown method \"%s\": mmap or pread", method);
	s->by_mmap = !strcmp(method, "mmap");

	name = strsep(&spec, ":");
	arg = spec;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (strcmp(name, patterns[i].name))
			continue;
		if (patterns[i].has_arg)
			s->arg = arg ? strtoull(arg, NULL, 10) : 0;
		if (patterns[i].has_arg && !s->arg)
			fail("pattern \"%s\" needs a number: %s:16", name, name);
		s->pattern = patterns[i].pattern;
		s->rng = seed * 1000003 + nr_streams;
		nr_streams++;
		return;
	}
	fail("unknown pattern \"%s\"; see --help", name);
}

static void open_stream(struct stream *s)
{
	struct stat st;
	void *map;

	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		fail("%s: %s", s->path, strerror(errno));
	s->nr_blocks = (uint64_t)st.st_size / BLOCK_BYTES;
	if (!s->nr_blocks)
		fail("%s: shorter than one block of %u bytes", s->path, BLOCK_BYTES);
	if (s->by_mmap) {
		map = mmap(NULL, s->nr_blocks * BLOCK_BYTES, PROT_READ, MAP_SHARED, s->fd, 0);
		if (map == MAP_FAILED)
			fail("mmap of %s: %s", s->path, strerror(errno));
		s->map = map;
	}
	/* Streams of one file start apart. */
	s->pos = next_random(&s->rng) % s->nr_blocks;
}

static void print_result(void)
{
	double rate, log_sum = 0, seconds = 0;
	uint64_t ops = 0;
	unsigned int i;

	printf("{\"streams\":[");
	for (i = 0; i < nr_streams; i++) {
		struct stream *s = &streams[i];

		if (s->error)
			fail("%s: %s", s->path, strerror(s->error));
		rate = (double)s->ops * NSEC_PER_SEC / (double)s->elapsed_ns;
		log_sum += log(rate);
		ops += s->ops;
		if (seconds < (double)s->elapsed_ns / NSEC_PER_SEC)
			seconds = (double)s->elapsed_ns / NSEC_PER_SEC;
		printf("%s{\"ops\":%llu,\"ops_per_s\":%.2f}", i ? "," : "",
		       (unsigned long long)s->ops, rate);
	}
	printf("],\"ops\":%llu,\"seconds\":%.6f,\"ops_per_s\":%.2f}\n",
	       (unsigned long long)ops, seconds, exp(log_sum / nr_streams));
}

static void usage(void)
{
	printf("usage: ra_load [--seed N] [--ops N] [--ms N] FILE,METHOD,PATTERN[:ARG]...\n"
	       "\n"
	       "Reads 4096-byte blocks, one thread a stream, until each stream has read\n"
	       "--ops blocks or --ms milliseconds have passed, and prints JSON; ops_per_s of\n"
	       "the whole is the geometric mean of the streams.\n"
	       "\n"
	       "METHOD   mmap, pread\n"
	       "PATTERN  seq        forward, round the end\n"
	       "         reverse    backward\n"
	       "         stride:N   every Nth block\n"
	       "         random     any block\n"
	       "         cluster:N  N in order from anywhere, then the next N\n"
	       "         phases:N   N random, N in order, N in clusters of 16, and again\n");
}

static void parse_arguments(int argc, char **argv)
{
	uint64_t seed = 1;
	int i;

	for (i = 1; i < argc; i++) {
		uint64_t *value = !strcmp(argv[i], "--seed") ? &seed :
				  !strcmp(argv[i], "--ops") ? &max_ops :
				  !strcmp(argv[i], "--ms") ? &limit_ns : NULL;

		if (!strcmp(argv[i], "--help")) {
			usage();
			exit(0);
		}
		if (value) {
			if (++i == argc)
				fail("%s needs a number", argv[i - 1]);
			*value = strtoull(argv[i], NULL, 10);
		} else if (argv[i][0] == '-') {
			fail("unknown option %s; see --help", argv[i]);
		} else {
			parse_stream(argv[i], seed);
		}
	}
	limit_ns *= NSEC_PER_SEC / 1000;
	if (!nr_streams)
		fail("no stream; see --help");
	if (!max_ops && !limit_ns)
		fail("without --ops or --ms it would never end");
}

int main(int argc, char **argv)
{
	unsigned int i;

	parse_arguments(argc, argv);
	for (i = 0; i < nr_streams; i++)
		open_stream(&streams[i]);
	pthread_barrier_init(&barrier, NULL, nr_streams);
	for (i = 0; i < nr_streams; i++)
		if (pthread_create(&streams[i].thread, NULL, run_stream, &streams[i]))
			fail("can't start a thread");
	for (i = 0; i < nr_streams; i++)
		pthread_join(streams[i].thread, NULL);
	print_result();
	return 0;
}
