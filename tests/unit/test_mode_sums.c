// SPDX-License-Identifier: GPL-2.0-only
/*
 * How looks take over what CPUs count (mode_sums.h, mode_round.h), built as user space
 * (see shim/): nothing is lost, nothing is taken twice, nothing is taken for another
 * experiment, whatever happens meanwhile.
 */
#include "unit.h"
#include <linux/mutex.h>

#include "mode_round.h"
#include "mode_sums.h"
#include "rng.h"

#define NR_CPUS	70	/* more than a word of the bit map */

struct cpu {
	struct mode_sums sums;
	struct eff_sums want;	/* the same outcomes, of the running experiment */
};

static struct cpu cpus[NR_CPUS];
static struct eff_sums total;
static struct rng rng;
static u32 running;

static void begin(u64 seed)
{
	memset(cpus, 0, sizeof(cpus));
	memset(&total, 0, sizeof(total));
	rng = rng_seed(seed);
	running = 1;
}

static void count(struct cpu *cpu, u32 experiment)
{
	u32 arm = rng_below(&rng, 2), group = rng_below(&rng, EFF_CLUSTERS + 1);
	s64 reward = rng_range(&rng, S32_MIN, S32_MAX);
	u32 stratum = rng_below(&rng, EFF_MAX_STRATA);

	if (!rng_below(&rng, 8)) {
		mode_sums_lose(&cpu->sums, experiment, arm);
		if (experiment == running)
			cpu->want.arm[arm].lost++;
		return;
	}
	mode_sums_add(&cpu->sums, experiment, arm, group, reward);
	mode_sums_add_stratum(&cpu->sums, experiment, arm, stratum, reward);
	if (experiment == running) {
		eff_add(&cpu->want, arm, group, reward);
		eff_add_stratum(&cpu->want, arm, stratum, reward);
	}
}

/* What a look takes of a CPU. Return: false if some is left. */
static bool take_all(struct mode_sums *s, unsigned int *units)
{
	return mode_sums_take(s, running, &total, units) &&
	       mode_sums_take_strata(s, running, EFF_MAX_STRATA, &total);
}

static unsigned int take(struct cpu *cpu)
{
	unsigned int units = 0;

	assert_true(take_all(&cpu->sums, &units));
	return units;
}

/* What was counted in all experiments, up to now. */
static struct eff_sums wanted(const struct eff_sums *before)
{
	struct eff_sums sum = *before;

	for (int i = 0; i < NR_CPUS; i++)
		eff_merge(&sum, &cpus[i].want, true);
	return sum;
}

static void the_total_is_the_sum(void **state)
{
	struct eff_sums want, none = {};

	(void)state;
	begin(1);
	for (int i = 0; i < 20000; i++) {
		count(&cpus[rng_below(&rng, NR_CPUS)], running);
		if (!rng_below(&rng, 4))
			take(&cpus[rng_below(&rng, NR_CPUS)]);
	}
	for (int i = 0; i < NR_CPUS; i++)
		take(&cpus[i]);
	want = wanted(&none);
	assert_memory_equal(&total, &want, sizeof(want));
	/* and not again */
	for (int i = 0; i < NR_CPUS; i++)
		assert_int_equal(take(&cpus[i]), 0);
	assert_memory_equal(&total, &want, sizeof(want));
}

/* The work is what changed. */
static void work_is_by_what_changed(void **state)
{
	(void)state;
	begin(2);
	for (u32 g = 0; g < EFF_CLUSTERS; g++) {
		mode_sums_add(&cpus[0].sums, 1, 0, g, 5);
		mode_sums_add(&cpus[0].sums, 1, 1, g, 5);
	}
	assert_int_equal(take(&cpus[0]), 2 * EFF_CLUSTERS);
	mode_sums_add(&cpus[0].sums, 1, 1, 7, 5);
	mode_sums_add(&cpus[0].sums, 1, 1, 7, 5);
	mode_sums_add(&cpus[0].sums, 1, 0, 9, 5);
	assert_int_equal(take(&cpus[0]), 2);
	mode_sums_add(&cpus[0].sums, 1, 0, EFF_CLUSTERS, 5);
	assert_int_equal(take(&cpus[0]), 0);
	assert_int_equal(total.arm[0].n, 66);
	assert_int_equal(total.group[1][7].n, 3);
}

/* What was not taken over when an experiment ended is not the next one's. */
static void experiments_are_kept_apart(void **state)
{
	struct eff_sums base = {}, got, want;

	(void)state;
	begin(3);
	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 200; i++) {
			count(&cpus[rng_below(&rng, NR_CPUS)], running);
			/* decided before, known now */
			count(&cpus[rng_below(&rng, NR_CPUS)], running - rng_below(&rng, 2));
			if (!rng_below(&rng, 10))
				take(&cpus[rng_below(&rng, NR_CPUS)]);
		}
		if (round & 1) {
			for (int i = 0; i < NR_CPUS; i++)
				take(&cpus[i]);
			want = wanted(&base);
			got = total;
			assert_memory_equal(&got, &want, sizeof(want));
		}
		base = total;
		running++;
		for (int i = 0; i < NR_CPUS; i++)
			memset(&cpus[i].want, 0, sizeof(cpus[i].want));
	}
}

/* Numbers of experiments may wrap. */
static void numbers_wrap(void **state)
{
	(void)state;
	begin(4);
	cpus[0].sums.experiment = U32_MAX - 2;
	for (running = U32_MAX - 1; running != 3; running++) {
		mode_sums_add(&cpus[0].sums, running, 0, 5, 1);
		mode_sums_add(&cpus[0].sums, running - 1, 0, 5, 100);
		take(&cpus[0]);
	}
	assert_int_equal(total.arm[0].n, 5);
	assert_int_equal(total.group[0][5].sum, 5);
}

static int countdown;
static bool inside;

/* The other CPU counts, just then. */
static void count_meanwhile(void)
{
	if (inside || countdown--)
		return;
	inside = true;
	for (int i = rng_below(&rng, 3); i >= 0; i--)
		count(&cpus[0], running);
	countdown = 3 + rng_below(&rng, 12);
	inside = false;
}

static void nothing_is_lost_while_a_cpu_counts(void **state)
{
	struct eff_sums want, none = {};
	unsigned int units;

	(void)state;
	begin(5);
	for (int i = 0; i < 20000; i++) {
		count(&cpus[0], running);
		countdown = rng_below(&rng, 40);
		units = 0;
		shim_step = count_meanwhile;
		take_all(&cpus[0].sums, &units);
		shim_step = NULL;
		if (i % 16)
			continue;
		take(&cpus[0]);
		want = wanted(&none);
		assert_memory_equal(&total, &want, sizeof(want));
	}
}

static int failed;

/* A look finds the CPU in the middle of it. */
static void look_meanwhile(void)
{
	unsigned int units = 0;

	if (inside)
		return;
	inside = true;
	if (!take_all(&cpus[0].sums, &units))
		failed++;
	inside = false;
}

static void no_half_is_taken(void **state)
{
	struct eff_sums before, want, none = {};

	(void)state;
	begin(6);
	for (int i = 0; i < 2000; i++) {
		before = total;
		shim_step = look_meanwhile;
		count(&cpus[0], running);
		shim_step = NULL;
		want = wanted(&none);
		if (memcmp(total.arm, before.arm, sizeof(before.arm)))
			assert_memory_equal(total.arm, want.arm, sizeof(want.arm));
		take(&cpus[0]);
		assert_memory_equal(&total, &want, sizeof(want));
	}
	assert_true(failed > 0);
}

/* Nor where it stays in the middle, as the CPU of a guest may. */
static void who_stays_in_the_middle_is_left(void **state)
{
	struct mode_sums *s = &cpus[0].sums;
	unsigned int units = 0;

	(void)state;
	begin(8);
	assert_true(mode_sums_begin(s, running));
	s->sums.arm[1].n++;
	assert_false(mode_sums_take(s, running, &total, &units));
	assert_int_equal(total.arm[1].n, 0);
	s->sums.arm[1].sum += 5;
	mode_sums_end(s);
	assert_true(mode_sums_take(s, running, &total, &units));
	assert_int_equal(total.arm[1].n, 1);
	assert_int_equal(total.arm[1].sum, 5);
}

static void rounds_pass_each_once(void **state)
{
	unsigned long marked[2] = {}, seen[2];
	unsigned int next = 0, cpu, nr;

	(void)state;
	begin(7);
	for (int i = 0; i < 20000; i++) {
		struct mode_round round = mode_round_begin(NR_CPUS);

		/* all, one, or any */
		for (int w = 0; w < 2; w++) {
			marked[w] = i % 3 ? rng_u64(&rng) & rng_u64(&rng) : i & 1 ? ~0UL : 0;
			seen[w] = 0;
		}
		marked[1] &= (1UL << (NR_CPUS - 64)) - 1;
		next = i & 4 ? rng_below(&rng, NR_CPUS) : next;
		for (nr = 0; mode_round_next(&round, marked, NR_CPUS, &next, &cpu); nr++) {
			assert_true(cpu < NR_CPUS && marked[cpu / 64] >> (cpu % 64) & 1);
			assert_false(seen[cpu / 64] >> (cpu % 64) & 1);
			assert_true(next < NR_CPUS);
			seen[cpu / 64] |= 1UL << (cpu % 64);
		}
		assert_memory_equal(seen, marked, sizeof(marked));
		assert_true(next < NR_CPUS);
	}
}

/* A budget ends a round; the next look goes on, so that no CPU waits for ever. */
static void a_round_goes_on(void **state)
{
	unsigned long marked[2] = { ~0UL, (1UL << (NR_CPUS - 64)) - 1 };
	unsigned int next = 0, cpu;

	(void)state;
	for (unsigned int i = 0; i < 10 * NR_CPUS;) {
		struct mode_round round = mode_round_begin(NR_CPUS);

		for (int budget = 0; budget < 9; budget++, i++) {
			assert_true(mode_round_next(&round, marked, NR_CPUS, &next, &cpu));
			assert_int_equal(cpu, i % NR_CPUS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_total_is_the_sum),
		cmocka_unit_test(work_is_by_what_changed),
		cmocka_unit_test(experiments_are_kept_apart),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(nothing_is_lost_while_a_cpu_counts),
		cmocka_unit_test(no_half_is_taken),
		cmocka_unit_test(who_stays_in_the_middle_is_left),
		cmocka_unit_test(rounds_pass_each_once),
		cmocka_unit_test(a_round_goes_on),
	};

	return cmocka_run_group_tests_name("mode sums", tests, NULL, NULL);
}
