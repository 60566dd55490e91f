// SPDX-License-Identifier: GPL-2.0-only
/*
 * readload: reads files in known or in drawn patterns, several at once, and prints
 * the rates as one line of JSON.
 *
 * Each stream is a thread that reads one file, or its part of one, by pread() or through a
 * mapping.
 * Streams share nothing but the device and the CPU, so a policy that speeds one up
 * at the cost of another shows: the summary is the geometric mean of the streams'
 * rates.
 *
 * What a stream does is an order: a pattern with its numbers, the pages of a
 * request, the work after it, the part of the file. A drawn stream changes its
 * order after a while.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/mix64.h"
#include "readload.h"

#define MAX_STREAMS	64
#define MAX_DRAWN	4
#define MAX_FILES	16
#define CPU_CLOCK_OPS	16
#define NSEC_PER_SEC	1000000000ULL

static struct stream streams[MAX_STREAMS];
static unsigned int nr_streams;
static uint64_t max_ops;
static uint64_t limit_ns;
static uint64_t limit_cpu_ns;
static bool print_orders;
static const char *phase_file;
static char *phase_words[NR_PHASES];
static pthread_barrier_t barrier;
static volatile uint64_t sink;

void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "readload: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* An oracle is told; the file is a setting of the kernel's. */
void phase_begins(unsigned int phase)
{
	size_t len;
	int fd;

	if (!phase_file)
		return;
	len = strlen(phase_words[phase]);
	fd = open(phase_file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, phase_words[phase], len) != (ssize_t)len)
		fail("cannot write \"%s\" to %s: %s", phase_words[phase], phase_file, strerror(errno));
	close(fd);
}

static void parse_phases(char *words)
{
	unsigned int n = 0;
	char *word;

	while ((word = strsep(&words, " "))) {
		if (n == NR_PHASES)
			break;
		phase_words[n++] = word;
	}
	if (n < NR_PHASES || word)
		fail("--phase-words needs %d words", NR_PHASES);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void begin_drawn(struct stream *s)
{
	draw_order(s);
	if (print_orders)
		print_order(s);
}

/* A step of the loop is four instructions: in one cycle each, as in the emulator, 4 ns. */
static void think(unsigned int ns)
{
	uint64_t x = ns;
	unsigned int i;

	for (i = 0; i < ns / 4; i++) {
		x = x * 3 + i;
		__asm__ volatile("" : "+r"(x));
	}
	sink += x;
}

static void read_request(struct stream *s, uint8_t *buffer)
{
	struct order *o = &s->order;
	size_t bytes = (size_t)o->pages * BLOCK_BYTES, i;
	const uint8_t *data = buffer;
	uint64_t offset, sum = 0;
	ssize_t got;

	if (s->drawn && s->done == o->requests)
		begin_drawn(s);
	next_position(s);
	offset = (o->base + s->pos) * BLOCK_BYTES;
	if (s->by_mmap) {
		data = s->map + offset;
	} else {
		got = pread(s->fd, buffer, bytes, (off_t)offset);
		if (got != (ssize_t)bytes) {
			s->error = got < 0 ? errno : EIO;
			return;
		}
	}
	for (i = 0; i < bytes; i += 256)
		sum += data[i];
	sink += sum;
	think(o->think_ns);
	s->done++;
	s->ops++;
}

/* The CPU's clock is dearer than the other, and is looked at less often. */
static bool finished(const struct stream *s)
{
	if (s->error || (max_ops && s->ops >= max_ops) ||
	    (limit_ns && s->elapsed_ns >= limit_ns))
		return true;
	return limit_cpu_ns && !(s->ops % CPU_CLOCK_OPS) &&
	       clock_ns(CLOCK_THREAD_CPUTIME_ID) >= limit_cpu_ns;
}

static void *run_stream(void *arg)
{
	uint8_t buffer[MAX_PAGES * BLOCK_BYTES] __attribute__((aligned(64)));
	struct stream *s = arg;
	uint64_t start_ns;

	pthread_barrier_wait(&barrier);
	start_ns = clock_ns(CLOCK_MONOTONIC);
	do {
		read_request(s, buffer);
		s->elapsed_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
	} while (!finished(s));
	return NULL;
}

static struct stream *add_stream(const char *path, uint64_t seed)
{
	struct stream *s = &streams[nr_streams];

	if (nr_streams == MAX_STREAMS)
		fail("more than %d streams", MAX_STREAMS);
	s->path = path;
	s->rng = seed * 1000003 + nr_streams;
	s->order.pages = 1;
	s->nr_parts = 1;
	nr_streams++;
	return s;
}

/* Cut a stream into so many that share its file, each with a part of it. */
static void share_stream(struct stream *owner, unsigned int nr, uint64_t seed)
{
	unsigned int i;

	owner->nr_parts = nr;
	for (i = 1; i < nr; i++) {
		struct stream *s = add_stream(owner->path, seed);

		s->owner = owner;
		s->part = i;
		s->nr_parts = nr;
		s->by_mmap = owner->by_mmap;
		s->order = owner->order;
	}
}

/* SPEC is FILE,METHOD,PATTERN[:N[:M]][,OPTION]...; it is cut into pieces in place. */
static void parse_stream(char *spec, uint64_t seed)
{
	struct stream *s = add_stream(strsep(&spec, ","), seed);
	char *method = strsep(&spec, ","), *pattern = strsep(&spec, ","), *option;
	unsigned int nr_threads = 1;

	if (!method || !pattern)
		fail("a stream is FILE,METHOD,PATTERN[:N[:M]][,OPTION]...; see --help");
	if (strcmp(method, "mmap") && strcmp(method, "pread"))
		fail("unknown method \"%s\": mmap or pread", method);
	s->by_mmap = !strcmp(method, "mmap");
	parse_pattern(s, pattern);
	while ((option = strsep(&spec, ","))) {
		int64_t n = parse_number(strchr(option, '=') ? strchr(option, '=') + 1 : NULL,
					 option);

		if (!strncmp(option, "pages=", 6) && n > 0 && n <= MAX_PAGES)
			s->order.pages = (unsigned int)n;
		else if (!strncmp(option, "think=", 6) && n > 0 && n <= 1000000000)
			s->order.think_ns = (unsigned int)n;
		else if (!strncmp(option, "threads=", 8) && n > 0 && n <= MAX_STREAMS && !s->drawn)
			nr_threads = (unsigned int)n;
		else
			fail("option \"%s\" of a stream; see --help", option);
	}
	share_stream(s, nr_threads, seed);
}

/* Files that are read by one to four streams, fewer being more likely. */
static void draw_streams(char **files, unsigned int nr_files, uint64_t seed)
{
	uint64_t rng = seed;
	unsigned int i, n;

	if (!nr_files)
		fail("--draw needs files");
	n = (unsigned int)random_log(&rng, 1, MAX_DRAWN);
	for (i = 0; i < n; i++) {
		struct stream *s = add_stream(files[mix64_next(&rng) % nr_files], seed);

		s->by_mmap = one_in(&rng, 2);
		s->drawn = true;
	}
}

static void open_file(struct stream *s)
{
	struct stat st;
	void *map;

	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		fail("%s: %s", s->path, strerror(errno));
	s->nr_blocks = (uint64_t)st.st_size / BLOCK_BYTES;
	if (s->nr_blocks < s->order.pages)
		fail("%s: shorter than a request of %u blocks of %u bytes", s->path,
		     s->order.pages, BLOCK_BYTES);
	if (s->by_mmap) {
		map = mmap(NULL, s->nr_blocks * BLOCK_BYTES, PROT_READ, MAP_SHARED, s->fd, 0);
		if (map == MAP_FAILED)
			fail("mmap of %s: %s", s->path, strerror(errno));
		s->map = map;
	}
}

static void open_stream(struct stream *s)
{
	uint64_t blocks;

	if (s->owner) {
		s->fd = s->owner->fd;
		s->map = s->owner->map;
		s->nr_blocks = s->owner->nr_blocks;
	} else {
		open_file(s);
	}
	if (s->drawn) {
		begin_drawn(s);
		return;
	}
	blocks = s->nr_blocks / s->nr_parts;
	if (blocks < s->order.pages)
		fail("%s: too short for %u threads", s->path, s->nr_parts);
	s->order.base = s->part * blocks;
	s->order.span = blocks - s->order.pages + 1;
	s->order.requests = ENDLESS;
	begin_order(s);
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
	printf("usage: readload LIMIT... [--seed N] FILE,METHOD,PATTERN[:N[:M]][,OPTION]...\n"
	       "       readload LIMIT... [--seed N] [--print] --draw FILE...\n"
	       "\n"
	       "Reads requests of 4096-byte blocks, one thread a stream, until each stream has\n"
	       "come to one of the limits, and prints JSON; ops_per_s of the whole is the\n"
	       "geometric mean of the streams. With --draw, one to four streams are drawn that\n"
	       "read any of the files in drawn patterns.\n"
	       "\n"
	       "LIMIT    --ops N         requests\n"
	       "         --ms N          milliseconds\n"
	       "         --cpu-ms N      milliseconds of CPU time\n"
	       "METHOD   mmap, pread\n"
	       "PATTERN  seq             forward, round the end\n"
	       "         reverse         backward\n"
	       "         stride:N        every Nth block, backward if N is negative\n"
	       "         random          any block\n"
	       "         cluster:N       N in order from anywhere, then the next N\n"
	       "         phases:N        N random, N in order, N in clusters of 16, and again\n"
	       "         zipf:N          any block, some often: theta is N/100\n"
	       "         hot:N           three of four in the same N blocks, else any\n"
	       "         walk:N          up to N blocks away, to either side\n"
	       "         burst:N:M       N in order, then skip M; backward where negative\n"
	       "         lookup:N        searches of a tree with N leaves an inner node\n"
	       "         join:N          one in order, then N anywhere, and again\n"
	       "         interleave:N:M  from N places in turn, each M further every time\n"
	       "         draw            drawn from the seed: pattern, numbers, pages, work,\n"
	       "                         part of the file, and for how long, again and again\n"
	       "OPTION   pages=N         blocks of a request, to %d; default 1\n"
	       "         think=N         instructions of work after each request\n"
	       "         threads=N       N streams with one open file and one mapping, each\n"
	       "                         in a part of the file of its own\n"
	       "--print  writes what was drawn to stderr\n"
	       "--phase-file FILE --phase-words \"RANDOM ORDER CLUSTERS\"\n"
	       "         as each phase of pattern phases begins, its word is written to FILE\n",
	       MAX_PAGES);
}

static void parse_arguments(int argc, char **argv)
{
	char *args[MAX_FILES];
	unsigned int nr_args = 0, a;
	bool draw = false;
	uint64_t seed = 1;
	int i;

	for (i = 1; i < argc; i++) {
		uint64_t *value = !strcmp(argv[i], "--seed") ? &seed :
				  !strcmp(argv[i], "--ops") ? &max_ops :
				  !strcmp(argv[i], "--ms") ? &limit_ns :
				  !strcmp(argv[i], "--cpu-ms") ? &limit_cpu_ns : NULL;

		if (!strcmp(argv[i], "--help")) {
			usage();
			exit(0);
		}
		if (value) {
			if (++i == argc)
				fail("%s needs a number", argv[i - 1]);
			*value = strtoull(argv[i], NULL, 10);
		} else if (!strcmp(argv[i], "--phase-file") && i + 1 < argc) {
			phase_file = argv[++i];
		} else if (!strcmp(argv[i], "--phase-words") && i + 1 < argc) {
			parse_phases(argv[++i]);
		} else if (!strcmp(argv[i], "--draw")) {
			draw = true;
		} else if (!strcmp(argv[i], "--print")) {
			print_orders = true;
		} else if (argv[i][0] == '-') {
			fail("unknown option %s; see --help", argv[i]);
		} else if (nr_args == MAX_FILES) {
			fail("more than %d files", MAX_FILES);
		} else {
			args[nr_args++] = argv[i];
		}
	}
	if (draw)
		draw_streams(args, nr_args, seed);
	else
		for (a = 0; a < nr_args; a++)
			parse_stream(args[a], seed);
	if (!phase_file != !phase_words[0])
		fail("--phase-file and --phase-words go together");
	limit_ns *= NSEC_PER_SEC / 1000;
	limit_cpu_ns *= NSEC_PER_SEC / 1000;
	if (!nr_streams)
		fail("no stream; see --help");
	if (!max_ops && !limit_ns && !limit_cpu_ns)
		fail("without --ops, --ms or --cpu-ms it would never end");
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
