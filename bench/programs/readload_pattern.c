// SPDX-License-Identifier: GPL-2.0-only
/*
 * The patterns of readload: which block a stream reads next, and how the orders of a
 * drawn stream come about.
 *
 * Positions are counted from the begin of the order's part of the file, and wrap
 * round its ends.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mix64.h"
#include "readload.h"
#include "unit_real.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct pattern - an order of blocks
 * @name: as users write it
 * @nr_args: numbers it needs
 * @weight: how often it is drawn, against the others
 * @next: move the stream's position to the next request
 * @draw: draw the numbers, or NULL if there are none
 */
struct pattern {
	const char *name;
	unsigned int nr_args;
	unsigned int weight;
	void (*next)(struct stream *s);
	void (*draw)(struct stream *s);
};

/* Below one. */
static double random_share(uint64_t *state)
{
	return unit_real(mix64_next(state));
}

bool one_in(uint64_t *state, unsigned int n)
{
	return !(mix64_next(state) % n);
}

/* LOW to HIGH, every doubling as likely as any other. */
uint64_t random_log(uint64_t *state, uint64_t low, uint64_t high)
{
	double x = low * pow((double)(high + 1) / low, random_share(state));

	return x > high ? high : (uint64_t)x;
}

static void jump(struct stream *s, uint64_t to)
{
	s->pos = to % s->order.span;
}

static uint64_t moved(const struct stream *s, uint64_t from, int64_t by)
{
	int64_t span = (int64_t)s->order.span;

	return (uint64_t)(((int64_t)from + by % span + span) % span);
}

static void advance(struct stream *s, int64_t by)
{
	s->pos = moved(s, s->pos, by);
}

static void next_seq(struct stream *s)
{
	advance(s, s->order.pages);
}

static void next_reverse(struct stream *s)
{
	advance(s, -(int64_t)s->order.pages);
}

static void next_stride(struct stream *s)
{
	advance(s, s->order.arg[0]);
}

static void draw_stride(struct stream *s)
{
	struct order *o = &s->order;

	o->arg[0] = (int64_t)(o->pages + random_log(&s->rng, 1, 64));
	if (one_in(&s->rng, 3))
		o->arg[0] = -o->arg[0];
}

static void next_any(struct stream *s)
{
	jump(s, mix64_next(&s->rng));
}

static void cluster(struct stream *s, uint64_t requests)
{
	if (!s->left) {
		s->left = requests;
		next_any(s);
	} else {
		next_seq(s);
	}
	s->left--;
}

static void next_cluster(struct stream *s)
{
	cluster(s, (uint64_t)s->order.arg[0]);
}

static void draw_cluster(struct stream *s)
{
	s->order.arg[0] = (int64_t)random_log(&s->rng, 2, 160);
}

/* A phase of single random requests, one in order, one of clusters, and again. */
static void next_phase(struct stream *s)
{
	uint64_t length = (uint64_t)s->order.arg[0];
	uint64_t in_phase = s->done % length;
	unsigned int phase = (unsigned int)(s->done / length % NR_PHASES);

	if (!in_phase)
		phase_begins(phase);
	switch (phase) {
	case 0:
		next_any(s);
		break;
	case 1:
		if (in_phase)
			next_seq(s);
		else
			next_any(s);
		break;
	default:
		if (!in_phase)
			s->left = 0;
		cluster(s, 16);
		break;
	}
}

/*
 * Ranks by the inverse of the continuous distribution, close enough for a load;
 * the most wanted blocks are all over the file.
 */
static void next_zipf(struct stream *s)
{
	double exponent = 100.0 / (double)(100 - s->order.arg[0]);
	uint64_t rank = (uint64_t)(s->order.span * pow(random_share(&s->rng), exponent));

	jump(s, rank * 2654435761U);
}

static void draw_zipf(struct stream *s)
{
	s->order.arg[0] = 40 + (int64_t)(mix64_next(&s->rng) % 55);
}

static void next_hot(struct stream *s)
{
	if (one_in(&s->rng, 4))
		next_any(s);
	else
		jump(s, s->heads[0] + mix64_next(&s->rng) % (uint64_t)s->order.arg[0]);
}

static void draw_hot(struct stream *s)
{
	s->order.arg[0] = (int64_t)random_log(&s->rng, 512, 16384);
}

static void next_walk(struct stream *s)
{
	uint64_t far = (uint64_t)s->order.arg[0];

	advance(s, (int64_t)(mix64_next(&s->rng) % (2 * far + 1)) - (int64_t)far);
}

static void draw_walk(struct stream *s)
{
	s->order.arg[0] = (int64_t)random_log(&s->rng, 2, 512);
}

/* The sign of the run says where to, that of the gap where the next run begins. */
static void next_burst(struct stream *s)
{
	int64_t run = s->order.arg[0], pages = s->order.pages;

	if (!s->left) {
		s->left = (uint64_t)llabs(run);
		advance(s, s->order.arg[1] * pages);
	}
	s->left--;
	advance(s, run < 0 ? -pages : pages);
}

/* Forward with gaps, backward with gaps, or forward runs from the end to the begin. */
static void draw_burst(struct stream *s)
{
	int64_t run = (int64_t)random_log(&s->rng, 2, 64);
	int64_t gap = (int64_t)random_log(&s->rng, 1, 256);

	switch (mix64_next(&s->rng) % 4) {
	case 0:
		run = -run;
		gap = -gap;
		break;
	case 1:
		gap = -2 * run - (one_in(&s->rng, 2) ? 0 : gap);
		break;
	default:
		break;
	}
	s->order.arg[0] = run;
	s->order.arg[1] = gap;
}

static void next_interleave(struct stream *s)
{
	uint64_t *head = &s->heads[s->done % (uint64_t)s->order.arg[0]];

	*head = moved(s, *head, s->order.arg[1] * s->order.pages);
	s->pos = *head;
}

static void draw_interleave(struct stream *s)
{
	static const int64_t common[] = { 1, 1, 1, -1, -1 };
	uint64_t kind = mix64_next(&s->rng) % 8;
	int64_t step = (int64_t)random_log(&s->rng, 2, 32);

	if (kind < ARRAY_SIZE(common))
		step = common[kind];
	else if (kind == ARRAY_SIZE(common))
		step = -step;
	s->order.arg[0] = 2 + (int64_t)(mix64_next(&s->rng) % (MAX_HEADS - 1));
	s->order.arg[1] = step;
}

/*
 * A search tree that was filled in order: the inner node of so many leaves lies before
 * them in the file, the root at the begin, and each search reads all three.
 */
static void next_lookup(struct stream *s)
{
	uint64_t leaves = (uint64_t)s->order.arg[0];

	switch (s->left) {
	case 0:
		s->heads[0] = mix64_next(&s->rng) % s->order.span;
		jump(s, 0);
		break;
	case 1:
		jump(s, s->heads[0] - s->heads[0] % leaves);
		break;
	default:
		jump(s, s->heads[0]);
		break;
	}
	s->left = (s->left + 1) % 3;
}

static void draw_lookup(struct stream *s)
{
	s->order.arg[0] = (int64_t)random_log(&s->rng, 16, 500);
}

/* An index in order, and for each of its blocks so many of a table's, out of order. */
static void next_join(struct stream *s)
{
	if (!s->left) {
		s->left = (uint64_t)s->order.arg[0] + 1;
		s->heads[0] = moved(s, s->heads[0], s->order.pages);
		s->pos = s->heads[0];
	} else {
		next_any(s);
	}
	s->left--;
}

static void draw_join(struct stream *s)
{
	s->order.arg[0] = (int64_t)random_log(&s->rng, 1, 64);
}

static const struct pattern patterns[] = {
	{ "seq",	0, 8, next_seq,		NULL },
	{ "reverse",	0, 5, next_reverse,	NULL },
	{ "stride",	1, 6, next_stride,	draw_stride },
	{ "random",	0, 4, next_any,		NULL },
	{ "cluster",	1, 4, next_cluster,	draw_cluster },
	{ "phases",	1, 0, next_phase,	NULL },
	{ "zipf",	1, 1, next_zipf,	draw_zipf },
	{ "hot",	1, 1, next_hot,		draw_hot },
	{ "walk",	1, 2, next_walk,	draw_walk },
	{ "lookup",	1, 2, next_lookup,	draw_lookup },
	{ "join",	1, 2, next_join,	draw_join },
	{ "burst",	2, 5, next_burst,	draw_burst },
	{ "interleave",	2, 4, next_interleave,	draw_interleave },
};

/* begin_order: span is known; the state that patterns keep begins anew. */
void begin_order(struct stream *s)
{
	uint64_t rng;
	unsigned int i;

	s->done = 0;
	s->left = 0;
	/* Streams of one file start apart. */
	jump(s, mix64_next(&s->rng));
	rng = ~s->rng;
	for (i = 0; i < MAX_HEADS; i++)
		s->heads[i] = mix64_next(&rng) % s->order.span;
}

void next_position(struct stream *s)
{
	s->order.pattern->next(s);
}

static const struct pattern *draw_pattern(struct stream *s)
{
	unsigned int i, sum = 0;
	uint64_t r;

	for (i = 0; i < ARRAY_SIZE(patterns); i++)
		sum += patterns[i].weight;
	r = mix64_next(&s->rng) % sum;
	for (i = 0; r >= patterns[i].weight; i++)
		r -= patterns[i].weight;
	return &patterns[i];
}

/* Without order: then no readahead by pread() is better or worse than another one. */
static bool is_random(const struct pattern *p)
{
	return p->next == next_any || p->next == next_zipf || p->next == next_hot;
}

/*
 * Programs differ in how much of a file they read, in what pieces, and in what they
 * do with it; and many do one thing to their end.
 */
void draw_order(struct stream *s)
{
	struct order *o = &s->order;
	uint64_t *rng = &s->rng, least = 6144;
	uint64_t length = s->nr_blocks;

	if (s->nr_blocks > least && one_in(rng, 2))
		length = random_log(rng, least, s->nr_blocks);
	o->base = mix64_next(rng) % (s->nr_blocks - length + 1);
	/* A mapping is seldom read by so much at once as a buffer has room for. */
	o->pages = one_in(rng, 2) ? 1 :
		   (unsigned int)random_log(rng, 1, s->by_mmap ? MAX_PAGES / 4 : MAX_PAGES);
	if (o->pages > length)
		o->pages = (unsigned int)length;
	o->span = length - o->pages + 1;
	o->think_ns = one_in(rng, 3) ? 0 : (unsigned int)random_log(rng, 100, 50000);
	o->requests = one_in(rng, 3) ? ENDLESS : random_log(rng, 100, 3000);
	o->pattern = draw_pattern(s);
	/* Most of what there is to learn is elsewhere. */
	while (!s->by_mmap && is_random(o->pattern) && !one_in(rng, 4))
		o->pattern = draw_pattern(s);
	o->arg[0] = 0;
	o->arg[1] = 0;
	if (o->pattern->draw)
		o->pattern->draw(s);
	begin_order(s);
}

int64_t parse_number(const char *text, const char *what)
{
	char *end;
	int64_t n = text ? strtoll(text, &end, 10) : 0;

	if (!n || *end)
		fail("%s needs a number other than 0, not \"%s\"", what, text ? text : "");
	return n;
}

void parse_pattern(struct stream *s, char *spec)
{
	char *name = strsep(&spec, ":");
	const struct pattern *p;
	unsigned int i;

	s->drawn = !strcmp(name, "draw");
	if (s->drawn)
		return;
	for (p = patterns; p < patterns + ARRAY_SIZE(patterns); p++) {
		if (!strcmp(name, p->name))
			break;
	}
	if (p == patterns + ARRAY_SIZE(patterns))
		fail("unknown pattern \"%s\"; see --help", name);
	for (i = 0; i < p->nr_args; i++)
		s->order.arg[i] = parse_number(strsep(&spec, ":"), name);
	/* Only these two go backward by their first number. */
	if (p->nr_args && s->order.arg[0] < 0 && p->next != next_stride && p->next != next_burst)
		fail("pattern \"%s\" needs a number above 0", name);
	if (p->next == next_interleave && s->order.arg[0] > MAX_HEADS)
		fail("more than %d interleaved reads", MAX_HEADS);
	if (p->next == next_zipf && s->order.arg[0] > 99)
		fail("zipf needs a number below 100");
	s->order.pattern = p;
}

void print_order(const struct stream *s)
{
	const struct order *o = &s->order;
	unsigned int i;

	fprintf(stderr, "%s,%s,%s", s->path, s->by_mmap ? "mmap" : "pread", o->pattern->name);
	for (i = 0; i < o->pattern->nr_args; i++)
		fprintf(stderr, ":%lld", (long long)o->arg[i]);
	fprintf(stderr, ",pages=%u,think=%u blocks %llu to %llu", o->pages, o->think_ns,
		(unsigned long long)o->base, (unsigned long long)(o->base + o->span - 1));
	if (o->requests == ENDLESS)
		fprintf(stderr, "\n");
	else
		fprintf(stderr, ", %llu requests\n", (unsigned long long)o->requests);
}
