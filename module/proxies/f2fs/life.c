// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the blocks of a filesystem were written, and when they die.
 *
 * Of each block the birth is known, in 16 bits; it goes with the block when that is moved. Of a
 * sample of the decisions one block each is followed until it is overwritten, truncated, or has
 * lived as long as the device is large: then its life is counted for its context, and the
 * decision gets its outcome. Samples are found by the block's address. The share of the
 * decisions that is drawn falls before the table is full, since what has no room would be
 * the last ones, of the longest lives. A bucket without room takes no new one; it never gives
 * up an old one.
 *
 * Locks: a bucket's, taken alone, in an RCU read-side section in which the filesystem is known.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <mlproxy/mlproxy.h>

#include "context.h"
#include "f2fs.h"
#include "life.h"
#include "mount.h"
#include "schema.h"
#include "shared/mix64.h"
#include "lifetime.h"

#define WAYS		8
#define MAX_RATE	16
#define SAMPLE_BLOCKS	64	/* of the device, for each sample */
#define MIN_SAMPLES	256
#define MAX_SAMPLES	4096	/* as many as wait in the core at a time */
#define LOOK_BLOCKS	8	/* written, for each bucket that is looked through */
#define REPORT_BLOCKS	32	/* the same, for each report of what was paid */

/* A token tells what an audit wants to know: serial, log, birth. */
#define TOKEN_BORN_BITS	40
#define TOKEN_LOG_BITS	2

/**
 * struct sample - a block that is followed
 * @address: where it is now; 0 for a free place
 * @of: what it is remembered by
 * @log: that it was written to
 * @moves: how often garbage collection has moved it
 * @fresh: it was written by a user, when it was sampled
 * @born: the clock at that time
 * @token: of the decision; 0 if it waits for none
 */
struct sample {
	u32 address;
	struct f2fs_life_of of;
	u8 log;
	u8 moves;
	bool fresh;
	u64 born;
	u64 token;
};

struct f2fs_sample_bucket {
	spinlock_t lock;	/* of the samples */
	struct sample samples[WAYS];
};

static struct f2fs_sample_bucket *bucket_of(const struct f2fs_life *life, u32 address)
{
	/* well mixed: a decision holds for 64 blocks, so the addresses lie regularly */
	return &life->buckets[mix64(address) & (life->nr_buckets - 1)];
}

static struct sample *find(struct f2fs_sample_bucket *bucket, u32 address)
{
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		if (READ_ONCE(bucket->samples[i].address) == address)
			return &bucket->samples[i];
	return NULL;
}

static bool take_out(struct f2fs_life *life, u32 address, struct sample *out)
{
	struct f2fs_sample_bucket *bucket = bucket_of(life, address);
	struct sample *s;

	/* Most are not there; and nobody else follows, or buries, the block of this caller. */
	if (!find(bucket, address))
		return false;
	spin_lock(&bucket->lock);
	s = find(bucket, address);
	if (s) {
		*out = *s;
		s->address = 0;
	}
	spin_unlock(&bucket->lock);
	if (s)
		atomic_dec(&life->samples);
	return s;
}

static bool put_in(struct f2fs_life *life, const struct sample *in)
{
	struct f2fs_sample_bucket *bucket = bucket_of(life, in->address);
	struct sample *s;

	spin_lock(&bucket->lock);
	s = find(bucket, 0);
	if (s)
		*s = *in;
	spin_unlock(&bucket->lock);
	if (s)
		atomic_inc(&life->samples);
	return s;
}

static u64 token_of(u32 serial, unsigned int log, u64 born)
{
	/* a serial of 0 might give none */
	return (u64)(serial << 1 | 1) << (TOKEN_BORN_BITS + TOKEN_LOG_BITS) |
	       (u64)log << TOKEN_BORN_BITS | (born & (BIT_ULL(TOKEN_BORN_BITS) - 1));
}

/* ------------------------------------------------------------------ */
/* Death                                                               */

static void outcome_of(const struct f2fs_life *life, unsigned int log, u32 lived,
		       struct mlproxy_outcome *outcome)
{
	outcome->reward = f2fs_fit(lived, f2fs_life_mean(life, log));
	outcome->ledger = 0;
}

/* Its life is known. */
static void settle(struct f2fs_mount *mount, const struct sample *s)
{
	struct f2fs_life *life = &mount->life;
	u32 lived = f2fs_life_log(f2fs_life_now(life) - s->born, life->blocks);
	u32 *mean = &life->mean[s->log];
	s64 event[F2FS_NR_LIFE_VALUES] = {
		[F2FS_LIFE_LIVED] = lived,
		[F2FS_LIFE_SURVIVED] = lived == F2FS_LIFE_CAPACITY,
		[F2FS_LIFE_LOG] = s->log,
		[F2FS_LIFE_MOVES] = s->moves,
	};
	struct mlproxy_outcome outcome;

	outcome_of(life, s->log, lived, &outcome);
	/* CPUs that do that at once may lose one of their lives. */
	WRITE_ONCE(*mean, f2fs_mean_add(READ_ONCE(*mean), lived));
	if (s->fresh) {
		f2fs_context_lived(&mount->contexts, s->of.context, lived);
		f2fs_context_lived(&mount->contexts, s->of.dir, lived);
	}
	this_cpu_inc(f2fs_counters.settled);
	if (s->token)
		mlproxy_resolve_outcome(mount->instance, s->token, &outcome);
	mlproxy_event(mount->instance, F2FS_EVENT_LIFE, s->token, event, F2FS_NR_LIFE_VALUES);
}

/* Look through one bucket for what has lived long enough. */
static void look_for_survivors(struct f2fs_mount *mount)
{
	struct f2fs_life *life = &mount->life;
	u32 i, at = (u32)atomic_inc_return(&life->cursor) & (life->nr_buckets - 1);
	struct f2fs_sample_bucket *bucket = &life->buckets[at];
	u64 now = f2fs_life_now(life);
	struct sample old;

	for (i = 0; i < WAYS; i++) {
		struct sample *s = &bucket->samples[i];

		if (!READ_ONCE(s->address))
			continue;
		spin_lock(&bucket->lock);
		old = *s;
		if (old.address && now - old.born >= life->blocks)
			s->address = 0;
		else
			old.address = 0;
		spin_unlock(&bucket->lock);
		if (!old.address)
			continue;
		atomic_dec(&life->samples);
		settle(mount, &old);
	}
}

/**
 * f2fs_life_died() - a block is not valid any more
 * @mount: filesystem
 * @address: of the block; any number
 *
 * Context: in an RCU read-side section; any but interrupts.
 */
void f2fs_life_died(struct f2fs_mount *mount, u32 address)
{
	struct f2fs_life *life = &mount->life;
	struct sample s;

	if (address - life->main >= life->blocks)
		return;
	WRITE_ONCE(life->births[address - life->main], F2FS_BIRTH_UNKNOWN);
	if (take_out(life, address, &s))
		settle(mount, &s);
}

/* ------------------------------------------------------------------ */
/* Writing                                                             */

static void move(struct f2fs_life *life, u32 old, u32 new)
{
	u16 birth = F2FS_BIRTH_UNKNOWN;
	struct sample s;

	if (old - life->main < life->blocks) {
		birth = READ_ONCE(life->births[old - life->main]);
		WRITE_ONCE(life->births[old - life->main], F2FS_BIRTH_UNKNOWN);
		if (take_out(life, old, &s)) {
			s.address = new;
			s.moves += s.moves < U8_MAX;
			if (!put_in(life, &s))
				this_cpu_inc(f2fs_counters.dropped);
		}
	}
	WRITE_ONCE(life->births[new - life->main], birth);
}

/* What is paid, for what users write: all of it, whoever decided. */
static void pay(struct f2fs_mount *mount, u64 written, enum f2fs_kind kind)
{
	struct f2fs_life *life = &mount->life;

	atomic_inc(&life->paid);
	if (kind == F2FS_KIND_USER && written % REPORT_BLOCKS == 0)
		mlproxy_cost(mount->instance, 0, (u32)atomic_xchg(&life->paid, 0),
			     REPORT_BLOCKS);
}

/**
 * f2fs_life_wrote() - a block gets a new address
 * @mount: filesystem
 * @old: address that it had; any number
 * @new: address that it has now; any number
 * @kind: what it is
 *
 * Context: as f2fs_life_died(); in the thread that writes it.
 */
void f2fs_life_wrote(struct f2fs_mount *mount, u32 old, u32 new, enum f2fs_kind kind)
{
	struct f2fs_life *life = &mount->life;
	u64 written;

	if (new - life->main >= life->blocks)
		return;
	if (kind == F2FS_KIND_MIGRATED) {
		f2fs_life_died(mount, new);
		move(life, old, new);
		pay(mount, 0, kind);
		return;
	}
	f2fs_life_died(mount, old);
	/* In case that its last user went unseen. */
	f2fs_life_died(mount, new);
	written = atomic64_read(&life->written);
	if (kind == F2FS_KIND_USER) {
		written = atomic64_inc_return(&life->written);
		WRITE_ONCE(life->births[new - life->main], f2fs_birth(written, life->shift));
		if (written % LOOK_BLOCKS == 0)
			look_for_survivors(mount);
	}
	pay(mount, written, kind);
}

/* ------------------------------------------------------------------ */
/* Sampling                                                            */

/**
 * f2fs_life_draw() - is a decision to be sampled
 * @life: of its filesystem
 * @id: of the decision, 0 if it was none
 *
 * By its number alone: whatever was decided. Context: any.
 */
bool f2fs_life_draw(const struct f2fs_life *life, u64 id)
{
	return id && !(mix64(id) & (BIT(READ_ONCE(life->rate)) - 1));
}

/* Fewer while the table fills, more while it is all but empty. */
static void adapt(struct f2fs_life *life, u32 serial)
{
	u32 room = life->nr_buckets * WAYS, used = atomic_read(&life->samples);
	u32 rate = READ_ONCE(life->rate);

	/* Each time when as many as an eighth of the table have been drawn. */
	if (serial % (room / 8))
		return;
	if (used > room / 2 && rate < MAX_RATE)
		WRITE_ONCE(life->rate, rate + 1);
	else if (used < room / 8 && rate)
		WRITE_ONCE(life->rate, rate - 1);
}

/**
 * f2fs_life_sample() - follow a block
 * @mount: filesystem
 * @address: where the block is, just allocated
 * @log: that it went to
 * @of: what it is remembered by; without a context, it was moved by garbage collection
 * @decision: whose outcome its life is; NULL for none
 *
 * Context: as f2fs_life_wrote(), after that.
 */
void f2fs_life_sample(struct f2fs_mount *mount, u32 address, unsigned int log,
		      const struct f2fs_life_of *of, const struct mlproxy_decision *decision)
{
	struct f2fs_life *life = &mount->life;
	u32 serial = (u32)atomic_inc_return(&life->serial);
	struct sample s = {
		.address = address,
		.of = *of,
		.log = log,
		.fresh = of->context,
		.born = f2fs_life_now(life),
	};

	if (address - life->main >= life->blocks)
		return;
	adapt(life, serial);
	if (decision)
		s.token = token_of(serial, log, s.born);
	/* First, since the block may die at once. */
	if (s.token && !mlproxy_defer(mount->instance, decision, s.token))
		return;
	if (put_in(life, &s)) {
		this_cpu_inc(f2fs_counters.sampled);
		return;
	}
	/* It waits there for nothing, until its deadline: as likely in both arms. */
	this_cpu_inc(f2fs_counters.dropped);
}

/**
 * f2fs_life_audit() - what came of a decision whose block is not known to have died
 * @life: of its filesystem
 * @token: of the decision
 * @outcome: out
 *
 * Context: any. Return: false if it has not lived long enough for that to be told.
 */
bool f2fs_life_audit(const struct f2fs_life *life, u64 token, struct mlproxy_outcome *outcome)
{
	u64 mask = BIT_ULL(TOKEN_BORN_BITS) - 1;
	unsigned int log = token >> TOKEN_BORN_BITS & (BIT(TOKEN_LOG_BITS) - 1);

	if (((f2fs_life_now(life) - token) & mask) < life->blocks || log >= F2FS_NR_LOGS)
		return false;
	outcome_of(life, log, F2FS_LIFE_CAPACITY, outcome);
	return true;
}

/* ------------------------------------------------------------------ */

/**
 * f2fs_life_now() - the clock of a filesystem
 * @life: its blocks
 *
 * Context: any. Return: blocks that users wrote.
 */
u64 f2fs_life_now(const struct f2fs_life *life)
{
	return atomic64_read(&life->written);
}

/**
 * f2fs_life_age() - how old a block is
 * @life: of its filesystem
 * @address: of the block; any number
 * @age: out: blocks written since
 *
 * Context: any. Return: false if that is not known.
 */
bool f2fs_life_age(const struct f2fs_life *life, u32 address, u64 *age)
{
	u16 birth;

	if (address - life->main >= life->blocks)
		return false;
	birth = READ_ONCE(life->births[address - life->main]);
	if (birth == F2FS_BIRTH_UNKNOWN)
		return false;
	*age = f2fs_birth_age(birth, f2fs_life_now(life), life->shift);
	return true;
}

/**
 * f2fs_life_mean() - mean life of the blocks of a log
 * @life: of the filesystem
 * @log: an &enum f2fs_log
 *
 * Context: any. Return: as f2fs_life_log().
 */
u32 f2fs_life_mean(const struct f2fs_life *life, unsigned int log)
{
	return READ_ONCE(life->mean[log]) >> 8;
}

/**
 * f2fs_life_init() - nothing is known yet
 * @life: zeroed
 * @main: address of the first block
 * @blocks: how many there are
 * @max_mb: most memory that the births may take
 *
 * Context: may sleep. Return: 0, -EFBIG, or -ENOMEM.
 */
int f2fs_life_init(struct f2fs_life *life, u32 main, u32 blocks, unsigned int max_mb)
{
	/* an octave apart from each other's thirds of the scale: the first lives move them */
	static const u32 first[F2FS_NR_LOGS] = { 11 << 8, 14 << 8, F2FS_LIFE_CAPACITY };
	u32 i, samples = clamp_t(u32, rounddown_pow_of_two(blocks / SAMPLE_BLOCKS + 1),
				 MIN_SAMPLES, MAX_SAMPLES);

	if ((u64)blocks * sizeof(*life->births) > (u64)max_mb << 20)
		return -EFBIG;
	life->main = main;
	life->blocks = blocks;
	life->shift = f2fs_birth_shift(blocks);
	for (i = 0; i < F2FS_NR_LOGS; i++)
		life->mean[i] = first[i] << 8;
	life->nr_buckets = samples / WAYS;
	life->births = kvcalloc(blocks, sizeof(*life->births), GFP_KERNEL);
	life->buckets = kvcalloc(life->nr_buckets, sizeof(*life->buckets), GFP_KERNEL);
	if (!life->births || !life->buckets) {
		f2fs_life_exit(life);
		return -ENOMEM;
	}
	for (i = 0; i < life->nr_buckets; i++)
		spin_lock_init(&life->buckets[i].lock);
	return 0;
}

/**
 * f2fs_life_exit() - counterpart of f2fs_life_init(), also if that failed
 * @life: of a filesystem that nobody knows any more
 *
 * Context: may sleep.
 */
void f2fs_life_exit(struct f2fs_life *life)
{
	kvfree(life->births);
	kvfree(life->buckets);
	life->births = NULL;
	life->buckets = NULL;
}
