/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which CPU a look takes over next: those that have something, in turn.
 *
 * A look has a budget, so it may end in the middle of a round; the next one goes on from
 * there. Plain C but for the kernel's find_next_bit(), also for the unit tests.
 */
#ifndef _MLPROXY_MODE_ROUND_H
#define _MLPROXY_MODE_ROUND_H

/**
 * struct mode_round - a way once round all CPUs, of one look or of several
 * @left: CPUs that are still to be passed
 * @missed: one could not be read, and is still marked
 * @units: work done in the last slice of it, in groups taken over
 */
struct mode_round {
	unsigned int left;
	bool missed;
	unsigned int units;
};

/** mode_round_begin() - of @nr CPUs */
static inline struct mode_round mode_round_begin(unsigned int nr)
{
	return (struct mode_round){ .left = nr };
}

/**
 * mode_round_next() - go on to the next CPU that has something
 * @round: under way
 * @marked: bit map of those that have
 * @nr: of all
 * @next: in and out: where to go on, of all looks
 * @cpu: out: found
 *
 * Return: false if the round is over.
 */
static inline bool mode_round_next(struct mode_round *round, const unsigned long *marked,
				   unsigned int nr, unsigned int *next, unsigned int *cpu)
{
	unsigned int passed;

	while (round->left) {
		*cpu = find_next_bit(marked, nr, *next);
		passed = *cpu < nr ? *cpu + 1 - *next : nr - *next;
		if (passed > round->left) {
			*next += round->left;
			round->left = 0;
			break;
		}
		round->left -= passed;
		*next = *cpu + 1 < nr ? *cpu + 1 : 0;
		if (*cpu < nr)
			return true;
	}
	return false;
}

#endif /* _MLPROXY_MODE_ROUND_H */
