// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long blocks live, learned from those that are found dead.
 */
#include "life.h"
#include "shared/mix64.h"

/* 8 * log2(v + 1), linear between powers of two; at most 512 */
static uint32_t log8(uint64_t v)
{
	unsigned int top;

	if (v == UINT64_MAX)
		return 512;
	v++;
	top = 63 - __builtin_clzll(v);
	return top * 8 + (top >= 3 ? (v >> (top - 3)) & 7 : (v << (3 - top)) & 7);
}

static uint64_t exp8(uint32_t l)
{
	unsigned int top = l / 8;
	uint64_t v;

	if (top >= 63)
		return UINT64_MAX >> 1;
	v = 8 + l % 8;
	return (top >= 3 ? v << (top - 3) : v >> (3 - top)) - 1;
}

static void add(struct life_slot *s, uint32_t l)
{
	uint32_t weight = s->weight < LIFE_MOST ? ++s->weight : LIFE_MOST;
	int64_t step = ((int64_t)l * 16 - s->log8) / (int64_t)weight;

	s->log8 += step;
}

static const struct life_slot *slot_of(const struct life_table *t, uint64_t ino)
{
	return &t->slots[mix64(ino) % LIFE_SLOTS];
}

void life_died(struct life_table *t, uint64_t ino, uint64_t lifetime)
{
	struct life_slot *s = (struct life_slot *)slot_of(t, ino);
	uint32_t l = log8(lifetime);

	add(&t->all, l);
	if (s->weight && s->ino != ino) {
		s->weight--;	/* the other file has it until it is forgotten */
		return;
	}
	if (!s->weight) {
		s->ino = ino;
		s->log8 = 0;
	}
	add(s, l);
}

uint64_t life_remaining(const struct life_table *t, uint64_t ino, uint64_t age)
{
	const struct life_slot *s = slot_of(t, ino);
	uint64_t typical;

	if (!s->weight || s->ino != ino)
		s = &t->all;
	if (!s->weight)
		return age;
	typical = exp8(s->log8 / 16);
	return age < typical ? typical - age : age;
}
