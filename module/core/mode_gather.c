// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathering what the CPUs counted, for looks of the mode machine.
 *
 * A CPU that counts something marks itself, once, in a bit map that all share; a look
 * takes over what the marked ones have, as in mode_sums.h, and adds it to totals that are
 * never set back while the proxy runs. So it costs what happened, however many CPUs there
 * are. It has a budget on top, since it is made with interrupts off: what is beyond it is
 * left for the next look, which goes on from there.
 */
#include <linux/cpumask.h>

#include "mode_path.h"
#include "mode_priv.h"

/* What a CPU costs beside its groups, in groups taken over: some 25 instructions each. */
#define CPU_UNITS	6
/* The same for sums of another kind, and for each context. */
#define SUMS_UNITS	8
#define STRATUM_UNITS	4

static void take(u64 *total, u64 *seen, u64 now)
{
	*total += now - *seen;
	*seen = now;
}

static void take_counts(struct mode_counts *total, struct mode_counts *seen,
			const struct mlproxy_counters *c)
{
	unsigned int i;
	u64 made = 0;

	/* Not by the number of the last one: an instance numbers with its proxy. */
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		made += READ_ONCE(c->by_mode[i]);
	take(&total->decisions, &seen->decisions, made);
	for (i = MLPROXY_SRC_RECOMMENDATION; i <= MLPROXY_SRC_BPF; i++)
		take(&total->candidates[i], &seen->candidates[i], READ_ONCE(c->candidates[i]));
	take(&total->refused, &seen->refused, READ_ONCE(c->refused));
	take(&total->errors, &seen->errors, READ_ONCE(c->errors));
	take(&total->latency_samples, &seen->latency_samples, READ_ONCE(c->latency_samples));
	take(&total->latency_over, &seen->latency_over, READ_ONCE(c->latency_over));
}

/* Outcomes of rewards or of the ledger. */
static bool take_sums(const struct mlproxy *proxy, struct mode_sums *s, struct eff_sums *total,
		      unsigned int *units)
{
	u32 experiment = proxy->modes->machine.experiment;

	*units += SUMS_UNITS + proxy->nr_strata * STRATUM_UNITS;
	return mode_sums_take(s, experiment, total, units) &&
	       (!proxy->nr_strata ||
		mode_sums_take_strata(s, experiment, proxy->nr_strata, total));
}

static bool take_all(struct mlproxy *proxy, unsigned int cpu, unsigned int *units)
{
	struct mlproxy_modes *ms = proxy->modes;

	if (!take_sums(proxy, &per_cpu_ptr(proxy->mode_cpus, cpu)->sums, &ms->total, units))
		return false;
	if (proxy->ledger &&
	    !take_sums(proxy, per_cpu_ptr(proxy->ledger, cpu), &ms->ledger, units))
		return false;
	if (!proxy->costs)
		return true;
	*units += SUMS_UNITS;
	return mode_sums_take(per_cpu_ptr(proxy->costs, cpu),
			      ms->machine.verdicts.outer_experiment, &ms->costs, units);
}

/* Return: false if the CPU counts all the time; then it is marked as before. */
static bool take_cpu(struct mlproxy *proxy, unsigned int cpu, unsigned int *units)
{
	struct mode_cpu *c = per_cpu_ptr(proxy->mode_cpus, cpu);
	struct mlproxy_modes *ms = proxy->modes;

	clear_bit(cpu, ms->marked);
	/*
	 * Full barrier: what is counted before the CPU finds itself marked is taken over, what
	 * is counted later marks it again. Pairs with mark() in mode_path.c.
	 */
	xchg(&c->marked, 0);
	*units += CPU_UNITS;
	if (!take_all(proxy, cpu, units)) {
		WRITE_ONCE(c->marked, 1);
		set_bit(cpu, ms->marked);
		return false;
	}
	take_counts(&ms->counts, &c->seen, per_cpu_ptr(proxy->counters, cpu));
	return true;
}

/**
 * mode_gather() - take over what the CPUs counted, as far as the budget goes
 * @proxy: the proxy, its machine's lock held
 * @round: under way
 * @budget: in groups; the last CPU may go beyond
 *
 * Return: true if there is more.
 */
bool mode_gather(struct mlproxy *proxy, struct mode_round *round, unsigned int budget)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned int cpu;

	WRITE_ONCE(ms->soon, false);
	atomic_set(&ms->unjudged, 0);
	smp_mb(); /* what is marked from here on asks for another look; see mark() */
	round->units = 0;
	while (round->units < budget) {
		if (!mode_round_next(round, ms->marked, nr_cpu_ids, &ms->next_cpu, &cpu))
			return false;
		if (!take_cpu(proxy, cpu, &round->units))
			round->missed = true;
	}
	return round->left && !bitmap_empty(ms->marked, nr_cpu_ids);
}

static struct mode_sums __percpu *alloc_sums(gfp_t gfp)
{
	struct mode_sums __percpu *sums = alloc_percpu_gfp(struct mode_sums, gfp);
	unsigned int cpu;

	if (!sums)
		return NULL;
	for_each_possible_cpu(cpu)
		seqcount_init(&per_cpu_ptr(sums, cpu)->seq);
	return sums;
}

/**
 * mode_gather_init() - allocate what the CPUs count in
 * @proxy: being made, with its modes
 *
 * Context: may sleep. Return: 0 or -ENOMEM; mode_gather_free() undoes both.
 */
int mode_gather_init(struct mlproxy *proxy)
{
	unsigned int cpu;

	proxy->modes->marked = bitmap_zalloc(nr_cpu_ids, proxy->gfp);
	proxy->mode_cpus = alloc_percpu_gfp(struct mode_cpu, proxy->gfp);
	if (!proxy->modes->marked || !proxy->mode_cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		seqcount_init(&per_cpu_ptr(proxy->mode_cpus, cpu)->sums.seq);
	if (proxy->schema.ledger_name[0]) {
		proxy->ledger = alloc_sums(proxy->gfp);
		if (!proxy->ledger)
			return -ENOMEM;
	}
	if (proxy->outer_unit != MLPROXY_OUTER_NONE) {
		proxy->costs = alloc_sums(proxy->gfp);
		if (!proxy->costs)
			return -ENOMEM;
	}
	return 0;
}

/**
 * mode_gather_reset() - begin anew, with all totals 0
 * @proxy: without decisions under way, its counters set back, its machine's lock held
 *
 * The experiment that begins has another number, so that the CPUs' sums begin anew with it.
 */
void mode_gather_reset(struct mlproxy *proxy)
{
	struct mlproxy_modes *ms = proxy->modes;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct mode_cpu *c = per_cpu_ptr(proxy->mode_cpus, cpu);

		take_counts(&ms->counts, &c->seen, per_cpu_ptr(proxy->counters, cpu));
		c->marked = 0;
	}
	bitmap_zero(ms->marked, nr_cpu_ids);
	atomic_set(&ms->unjudged, 0);
	memset(&ms->total, 0, sizeof(ms->total));
	memset(&ms->ledger, 0, sizeof(ms->ledger));
	memset(&ms->costs, 0, sizeof(ms->costs));
	memset(&ms->counts, 0, sizeof(ms->counts));
}

/** mode_gather_free() - free what mode_gather_init() allocated */
void mode_gather_free(struct mlproxy *proxy)
{
	free_percpu(proxy->costs);
	free_percpu(proxy->ledger);
	free_percpu(proxy->mode_cpus);
	bitmap_free(proxy->modes->marked);
}
