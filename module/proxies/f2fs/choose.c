// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is decided for a block: what is known when it is written, and a decision for it and for
 * those of its chunk that follow.
 */
#include <linux/blk_types.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/uidgid.h>

#include "alone.h"
#include "choose.h"
#include "context.h"
#include "f2fs.h"
#include "mount.h"
#include "schema.h"
#include "shared/mix64.h"
#include "lifetime.h"

/**
 * struct block - a block that is written, and what is known of it
 * @mount: filesystem
 * @fio: of the write
 * @inode: whose
 * @index: where in the file
 * @migrates: garbage collection moves it
 * @kernel: log that F2FS would choose
 * @old: it has been written before
 * @known: and when
 * @age: blocks written since
 * @chunk: its chunk
 * @of: what it is remembered by
 */
struct block {
	struct f2fs_mount *mount;
	const struct f2fs_io_info *fio;
	const struct inode *inode;
	u64 index;
	bool migrates;
	enum f2fs_log kernel;
	bool old;
	bool known;
	u64 age;
	struct f2fs_chunk_write chunk;
	struct f2fs_life_of of;
};

/* What F2FS itself makes of a write that is not to be left alone. */
static enum f2fs_log kernel_log(const struct inode *inode, bool migrates)
{
	if (migrates)
		return F2FS_LOG_COLD;
	return f2fs_inode_flag(inode, F2FS_FI_HOT) ? F2FS_LOG_HOT : F2FS_LOG_WARM;
}

/* Not 0. */
static u32 tag_of(u64 a, u64 b, u64 c)
{
	return (u32)mix64(mix64(mix64(a) ^ b) ^ c) ?: 1;
}

static u32 age_log(const struct block *b)
{
	return b->known ? f2fs_life_log(b->age, b->mount->life.blocks) : 0;
}

static void look_at(struct block *b)
{
	struct f2fs_life *life = &b->mount->life;
	u32 old = f2fs_get(u32, b->fio, F2FS_FIO_OLD);

	b->index = f2fs_get(struct page *, b->fio, F2FS_FIO_PAGE)->index;
	b->kernel = kernel_log(b->inode, b->migrates);
	b->old = old - life->main < life->blocks;
	b->known = f2fs_life_age(life, old, &b->age);
	b->chunk = (struct f2fs_chunk_write){
		.tag = tag_of(b->inode->i_ino, b->inode->i_generation,
			      b->index >> F2FS_CHUNK_SHIFT),
		/* under another pin nothing holds on */
		.kind = b->kernel | (READ_ONCE(f2fs_pin) + 1) << 4,
		.now = f2fs_birth(f2fs_life_now(life), life->shift),
		.overwrites = b->old && !b->migrates,
		.age = age_log(b),
	};
}

/*
 * Who makes files in one directory makes files of one kind. An overwritten block is like the one
 * before it and its neighbours; a new one like those that stand as far from their files' begin.
 */
static void remember(struct block *b)
{
	u64 uid = from_kuid(&init_user_ns, b->inode->i_uid);
	u64 parent = f2fs_get(u32, f2fs_inode_info(b->inode), F2FS_INODE_PARENT);
	u64 what = b->chunk.overwrites ? 1 | (age_log(b) >> 9) << 1 | (b->chunk.mean >> 9) << 8 :
					 (log2_q8(b->index + 1) >> 9) << 1;

	b->of.dir = tag_of(parent, uid, U64_MAX);
	/* Of one that is moved, the begin of its life went unseen. */
	b->of.context = b->migrates ? 0 : tag_of(parent, uid, what);
}

static void describe_lives(const struct block *b, s64 *x)
{
	struct f2fs_life *life = &b->mount->life;
	u64 age = b->migrates && b->known ? b->age : 0;
	struct f2fs_lives lives;

	f2fs_context_look(&b->mount->contexts, b->of.dir, &lives);
	x[F2FS_F_DIR_SEEN] = log2_q8(f2fs_lives_count(&lives, 0) + 1);
	x[F2FS_F_DIR_LIFE] = f2fs_lives_mean(&lives);
	x[F2FS_F_DIR_SOON] = f2fs_lives_soon(&lives, age, life->blocks / 5, life->blocks);
	if (b->of.context)
		f2fs_context_look(&b->mount->contexts, b->of.context, &lives);
	x[F2FS_F_SEEN] = log2_q8(f2fs_lives_count(&lives, 0) + 1);
	x[F2FS_F_LIFE] = f2fs_lives_mean(&lives);
	x[F2FS_F_SOON] = f2fs_lives_soon(&lives, age, life->blocks / 5, life->blocks);
	x[F2FS_F_EARLY] = f2fs_lives_soon(&lives, age, life->blocks / 32, life->blocks);
	x[F2FS_F_HOT_LIFE] = f2fs_life_mean(life, F2FS_LOG_HOT);
	x[F2FS_F_WARM_LIFE] = f2fs_life_mean(life, F2FS_LOG_WARM);
	x[F2FS_F_COLD_LIFE] = f2fs_life_mean(life, F2FS_LOG_COLD);
}

static void describe(const struct block *b, s64 *x)
{
	u64 blocks = DIV_ROUND_UP((u64)i_size_read(b->inode), PAGE_SIZE);

	x[F2FS_F_KERNEL_LOG] = b->kernel;
	x[F2FS_F_MIGRATES] = b->migrates;
	x[F2FS_F_SYNC] = !!(f2fs_get(u32, b->fio, F2FS_FIO_OP_FLAGS) & (__force u32)REQ_SYNC);
	x[F2FS_F_SIZE] = log2_q8(blocks + 1);
	x[F2FS_F_INDEX] = log2_q8(b->index + 1);
	x[F2FS_F_POSITION] = blocks ? min_t(u64, b->index * 256 / blocks, 256) : 0;
	x[F2FS_F_OLD] = b->old;
	x[F2FS_F_AGE_KNOWN] = b->known;
	x[F2FS_F_AGE] = age_log(b);
	x[F2FS_F_CHUNK_AGE] = b->chunk.mean;
	x[F2FS_F_CHUNK_OLD] = b->chunk.share;
	describe_lives(b, x);
	f2fs_mount_describe(b->mount, x);
}

/* A page that is moved has the cold log already; and F2FS's own flag goes before a hint. */
static u32 allowed_actions(enum f2fs_log kernel)
{
	u32 all = BIT(F2FS_NR_ACTIONS) - 1;

	return kernel == F2FS_LOG_WARM ? all : all & ~BIT(F2FS_COLD);
}

static u64 key_of(const struct inode *inode)
{
	u64 id[] = { (u64)inode->i_sb->s_dev << 32 | inode->i_generation, inode->i_ino };

	return mlproxy_key(id, sizeof(id));
}

/* Too few blocks of such a kind were followed to say anything. */
#define FEW_LIVES 8

/*
 * The log that such blocks fit into best, by the mean of their lives; of a block that is moved,
 * by how long it has lived already.
 */
static u32 by_survival(const struct block *b, const s64 *x, u32 allowed)
{
	u32 life = x[F2FS_F_LIFE], log, best = F2FS_KERNEL;
	s64 fit, best_fit = S64_MIN;

	if (x[F2FS_F_SEEN] < log2_q8(FEW_LIVES + 1))
		return F2FS_KERNEL;
	if (b->migrates)
		life = max(life, age_log(b));
	for (log = F2FS_LOG_HOT; log < F2FS_NR_LOGS; log++) {
		fit = f2fs_fit(life, f2fs_life_mean(&b->mount->life, log));
		if (!(allowed & BIT(F2FS_HOT + log)) || fit <= best_fit)
			continue;
		best = F2FS_HOT + log;
		best_fit = fit;
	}
	return best;
}

static u32 decide(struct block *b, struct f2fs_choice *choice)
{
	s64 x[F2FS_NR_FEATURES];
	struct mlproxy_request req = {
		.key = key_of(b->inode),
		.features = x,
		.baseline = F2FS_KERNEL,
		.allowed = allowed_actions(b->kernel),
	};
	int pin = READ_ONCE(f2fs_pin);
	u32 action;

	f2fs_mount_look(b->mount);
	remember(b);
	describe(b, x);
	action = mlproxy_decide(b->mount->instance, &req, &choice->decision);
	this_cpu_inc(f2fs_counters.decisions);
	choice->sampled = f2fs_life_draw(&b->mount->life, choice->decision.id);
	choice->counts = pin < 0 || pin == action;
	choice->of = b->of;
	if (pin >= 0 && req.allowed & BIT(pin))
		action = pin;
	if (action == F2FS_SURVIVAL)
		action = by_survival(b, x, req.allowed);
	f2fs_chunk_decided(&b->mount->chunks, &b->chunk, action);
	return action;
}

static void choose(struct block *b, struct f2fs_choice *choice)
{
	int action;

	look_at(b);
	if (b->migrates)
		this_cpu_inc(f2fs_counters.migrated);
	else
		this_cpu_inc(f2fs_counters.writes);
	action = f2fs_chunk_write(&b->mount->chunks, &b->chunk);
	choice->action = action < 0 ? decide(b, choice) : action;
	if (READ_ONCE(f2fs_pin) != F2FS_PIN_RANDOM)
		return;
	choice->action = get_random_u32() % F2FS_SURVIVAL;
	if (!(allowed_actions(b->kernel) & BIT(choice->action)))
		choice->action = F2FS_KERNEL;
}

/**
 * f2fs_choose() - decide for a block
 * @choice: zeroed; out
 * @fio: of its write, as F2FS has it for f2fs_outplace_write_data()
 * @inode: whose it is
 * @migrates: garbage collection moves it
 *
 * Context: that; the page is locked. Return: false if it is not looked after, or left alone.
 */
bool f2fs_choose(struct f2fs_choice *choice, const struct f2fs_io_info *fio,
		 const struct inode *inode, bool migrates)
{
	struct block b = { .fio = fio, .inode = inode, .migrates = migrates };
	int alone;

	rcu_read_lock();
	b.mount = f2fs_mount_find(f2fs_get(struct f2fs_sb_info *, fio, F2FS_FIO_SBI),
				  inode->i_sb);
	if (!b.mount) {
		rcu_read_unlock();
		return false;
	}
	alone = f2fs_write_alone(fio, inode);
	if (alone < 0 && !b.mount->instance)
		alone = F2FS_ALONE_MOUNT;
	if (alone < 0) {
		choice->serial = b.mount->serial;
		choose(&b, choice);
	} else {
		this_cpu_inc(f2fs_counters.alone[alone]);
	}
	rcu_read_unlock();
	return alone < 0;
}
