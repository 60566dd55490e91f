// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies compiled into the evaluator's F2FS: which log a block goes to, which section is
 * cleaned. They are parameters of f2fs ("place", "victims", "features", ...), and may change
 * between runs only.
 *
 * Of each block it is known when it was written, in which context, and how old its
 * predecessors became; of each file who made it and what had been read before. What a block
 * dies of is counted in survival.h's histograms, of a sample that is followed.
 *
 * One file system at a time, on one CPU: there are no locks, F2FS's own suffice there.
 */
#include <linux/f2fs_fs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "../f2fs.h"
#include "../segment.h"
#include "../node.h"
#include "policy.h"
#include "follow.h"
#include "truth.h"
#include "shared/mix64.h"

enum { PLACE_OWN, PLACE_SEPBIT, PLACE_SURVIVAL, PLACE_TRUTH };
enum { VICTIMS_OWN, VICTIMS_SURVIVAL, VICTIMS_TRUTH };
enum {
	FEATURE_CREATOR	= 1 << 0,	/* the program that made the file */
	FEATURE_DIR	= 1 << 1,	/* its directory */
	FEATURE_EXT	= 1 << 2,	/* how its name ends */
	FEATURE_SYNC	= 1 << 3,	/* a small fsync, F2FS's own sign of heat */
	FEATURE_BLOCK	= 1 << 4,	/* ages of what is overwritten */
	FEATURE_DEPTH	= 1 << 5,	/* generation: made after reading files of which one */
	FEATURE_READ	= 1 << 6,	/* age of the youngest file read before it was made */
	FEATURE_POSITION = 1 << 7,	/* where it is appended */
};

#define NR_CONTEXTS	8192
#define NR_READERS	256
/* One of so many blocks is followed. */
#define SAMPLE		8
/* What is learnt is used so many times in a capacity of blocks written. */
#define FRESH		256
#define NO_CONTEXT	0xffff
/* in place of a time to die */
#define IS_NODE		(~0u - 1)

struct block {
	u32 born;
	u32 dies;	/* only told by the truth; or IS_NODE */
	u64 key;	/* which write it is, for the truth */
	u32 kind;
	u16 context;
	u16 followed;	/* its number in the sample, or 0 */
	bool alive;
	u8 average;	/* of the bins in which its predecessors died, plus 1 */
};

struct origin {
	u32 id;		/* the nth file made */
	u32 made;	/* when */
	u16 creator, dir;
	u8 ext, depth, youngest;
	bool known;
};

struct reader {
	pid_t pid;
	u8 depth;
	u32 youngest;	/* when that was made */
};

struct section {
	u32 stamp;
	u32 soon;	/* blocks that will die soon when last counted, of 256ths */
	u32 valid;	/* then */
};

/* One of a tree: each but the widest, st.all, has a wider one. */
struct context {
	struct surv surv;
	struct surv_curve curve;
	u32 key, stamp;	/* when the curve was worked out, plus 1 */
	u16 wider;
};

static int place;
static int victims;
static uint features = 0x35;
static uint hot = 50, cold = 800;
static uint soon = 200, soon_weight = 8;
static int move_gc = 1;
module_param(place, int, 0644);
module_param(victims, int, 0644);
module_param(features, uint, 0644);
module_param(hot, uint, 0644);
module_param(cold, uint, 0644);
module_param(soon, uint, 0644);
module_param(soon_weight, uint, 0644);
module_param(move_gc, int, 0644);

static struct {
	struct f2fs_sb_info *sbi;
	struct block *blocks;
	struct origin *files;
	struct section *sections;
	u32 nr_blocks, nr_files, unit;
	u32 now;	/* blocks that users wrote */
	u32 mean;	/* lifetime of what was overwritten, for SepBIT */
	u32 made;
	struct surv_sample sample;
	struct surv all;
	struct context contexts[NR_CONTEXTS];
	struct context none;	/* for the curve of all */
	u64 births;
	struct reader readers[NR_READERS];
	ulong nr_contexts, full, unfollowed, user, gc, moved_user, moved_gc, classes[3];
} st;

module_param_named(count_contexts, st.nr_contexts, ulong, 0444);
module_param_named(count_full, st.full, ulong, 0444);
module_param_named(count_unfollowed, st.unfollowed, ulong, 0444);
module_param_named(count_user, st.user, ulong, 0444);
module_param_named(count_gc, st.gc, ulong, 0444);
module_param_named(count_moved_user, st.moved_user, ulong, 0444);
module_param_named(count_moved_gc, st.moved_gc, ulong, 0444);
module_param_array_named(count_classes, st.classes, ulong, NULL, 0444);

static u32 hash(u32 a, u32 b)
{
	return (u32)mix64((u64)a << 32 | b);
}

static u32 hash_name(const char *name)
{
	u32 h = 0;

	while (*name)
		h = hash(h, *name++);
	return h;
}

static bool begin(struct f2fs_sb_info *sbi)
{
	if (st.sbi)
		return st.sbi == sbi;
	st.nr_blocks = MAIN_SEGS(sbi) * sbi->blocks_per_seg;
	st.nr_files = NM_I(sbi)->max_nid;
	st.blocks = vzalloc(array_size(st.nr_blocks, sizeof(*st.blocks)));
	st.files = vzalloc(array_size(st.nr_files, sizeof(*st.files)));
	st.sections = vzalloc(array_size(MAIN_SECS(sbi), sizeof(*st.sections)));
	st.sample.nr = min(st.nr_blocks / (SAMPLE - 2), 65536u);
	st.sample.blocks = vzalloc(array_size(st.sample.nr, sizeof(*st.sample.blocks)));
	if (!st.blocks || !st.files || !st.sections || !st.sample.blocks)
		panic("evaluator: no memory for its blocks");
	st.unit = max(1u, st.nr_blocks / 1024);
	st.mean = st.nr_blocks / 8;
	st.sbi = sbi;
	return true;
}

static struct block *block_at(block_t addr)
{
	u32 n = addr - MAIN_BLKADDR(st.sbi);

	return addr >= MAIN_BLKADDR(st.sbi) && n < st.nr_blocks ? st.blocks + n : NULL;
}

static struct block *alive_at(block_t addr)
{
	struct block *b = block_at(addr);

	return b && b->alive ? b : NULL;
}

/* --- contexts --- */

static u16 context(u32 key, u16 wider)
{
	u32 i;

	key |= 1;
	for (i = 0; i < 16; i++) {
		u32 at = (hash(key, 0) + i) % NR_CONTEXTS;
		struct context *c = &st.contexts[at];

		if (c->key == key)
			return at;
		if (!c->key && st.nr_contexts < NR_CONTEXTS * 7 / 8) {
			c->key = key;
			c->wider = wider;
			st.nr_contexts++;
			return at;
		}
	}
	st.full++;
	return wider;
}

static void enter(u16 at, u32 bin)
{
	surv_enter(&st.all, bin);
	for (; at != NO_CONTEXT; at = st.contexts[at].wider)
		surv_enter(&st.contexts[at].surv, bin);
}

static void follow(struct block *b)
{
	b->followed = 0;
	if (mix64(st.births++) % SAMPLE)
		return;
	b->followed = surv_follow(&st.sample, st.now, b->context);
	st.unfollowed += !b->followed;
	if (b->followed)
		enter(b->context, 0);
}

/* The bins in turn: each of them often enough for the shortest. */
static void follow_on(void)
{
	u32 bin = SURV_BINS - 1 - st.now % SURV_BINS;
	u16 id;

	while ((id = surv_step(&st.sample, bin, st.now, st.unit)))
		enter(st.sample.blocks[id].context, st.sample.blocks[id].bin);
}

static void dies(struct block *b)
{
	struct surv_followed *f = &st.sample.blocks[b->followed];

	b->alive = false;
	if (b->dies != IS_NODE)
		truth_note(b->key, b->kind, st.now - b->born);
	if (!b->followed)
		return;
	surv_leave(&st.sample, b->followed);
	surv_die(&st.all, f->bin);
	for (u16 at = f->context; at != NO_CONTEXT; at = st.contexts[at].wider)
		surv_die(&st.contexts[at].surv, f->bin);
}

static const struct surv_curve *curve_of(u16 at)
{
	struct surv_chain chain = {};
	u16 path[SURV_DEPTH], i;
	struct context *c;

	c = at == NO_CONTEXT ? &st.none : &st.contexts[at];
	if (c->stamp && st.now + 1 - c->stamp < st.nr_blocks / FRESH)
		return &c->curve;
	c->stamp = st.now + 1;
	for (i = 0; at != NO_CONTEXT && i < SURV_DEPTH - 1; at = st.contexts[at].wider)
		path[i++] = at;
	chain.of[chain.nr++] = &st.all;
	while (i)
		chain.of[chain.nr++] = &st.contexts[path[--i]].surv;
	surv_curve(&c->curve, &chain);
	return &c->curve;
}

static u8 position_bin(pgoff_t index)
{
	return min_t(u32, log2_q8(index + 1) >> 8, 15);
}

/* From the widest to the narrowest; what is switched off splits nothing. */
static u16 context_of(struct inode *inode, pgoff_t index, const struct block *old, u8 average)
{
	const struct origin *f = &st.files[inode->i_ino];
	u32 key = hash(1, features & FEATURE_CREATOR ? f->creator : 0);
	u16 at = context(key, NO_CONTEXT);

	if (features & FEATURE_EXT) {
		key = hash(key, f->ext);
		at = context(key, at);
	}
	if (features & FEATURE_BLOCK) {
		key = hash(key, old ? 0x100 | average / 2 : 0);
		at = context(key, at);
	}
	if (features & FEATURE_POSITION && !old) {
		key = hash(key, position_bin(index));
		at = context(key, at);
	}
	if (features & (FEATURE_BLOCK | FEATURE_DEPTH)) {
		if (features & FEATURE_BLOCK && old)
			key = hash(key, surv_bin(st.now - old->born, st.unit) / 2);
		if (features & FEATURE_DEPTH)
			key = hash(key, f->depth);
		at = context(hash(key, 3), at);
	}
	if (features & (FEATURE_READ | FEATURE_SYNC)) {
		if (features & FEATURE_READ)
			key = hash(key, f->youngest);
		if (features & FEATURE_SYNC)
			key = hash(key, is_inode_flag_set(inode, FI_HOT_DATA));
		at = context(hash(key, 4), at);
	}
	if (features & FEATURE_DIR)
		at = context(hash(key, f->dir), at);
	return at;
}

/* --- what will become of a block --- */

static u32 true_remaining(const struct block *b)
{
	u32 age = st.now - b->born;

	if (b->dies == ~0u)
		return ~0u;
	/* an expectation that has passed: as long again */
	return b->dies > st.now ? b->dies - st.now : truth_is_exact() ? 0 : age;
}

static u32 remaining(u16 at, u32 age)
{
	return surv_median(curve_of(at), age, st.unit);
}

static int log_for(u32 left)
{
	if (left < (u64)hot * st.nr_blocks / 1000)
		return CURSEG_HOT_DATA;
	return left > (u64)cold * st.nr_blocks / 1000 ? CURSEG_COLD_DATA : CURSEG_WARM_DATA;
}

static u8 average_of(const struct block *old)
{
	u32 bin;

	if (!old)
		return 0;
	bin = surv_bin(st.now - old->born, st.unit) + 1;
	return old->average ? (old->average + bin + 1) / 2 : bin;
}

static u64 key_of(struct inode *inode, pgoff_t index, const struct block *old)
{
	u64 same = (u64)st.files[inode->i_ino].id << 40 | ((u64)index & 0xffffff) << 16;

	return same | (old && (old->key & ~0xffffull) == same ? (old->key + 1) & 0xffff : 0);
}

static u32 kind_of(struct inode *inode, pgoff_t index)
{
	const struct origin *f = &st.files[inode->i_ino];

	return hash(hash(f->creator, f->ext), f->depth << 8 | position_bin(index) / 2);
}

/* Data of a file that was made since. */
static bool known(struct f2fs_io_info *fio)
{
	struct inode *inode;

	if (!st.sbi || !fio || fio->type != DATA || !fio->page->mapping)
		return false;
	inode = fio->page->mapping->host;
	return S_ISREG(inode->i_mode) && inode->i_ino < st.nr_files &&
	       st.files[inode->i_ino].known;
}

/* F2FS's own mark, by the name's end, comes before any hint. */
static bool marked(struct inode *inode)
{
	return file_is_hot(inode) || file_is_cold(inode);
}

static int log_of_user(struct f2fs_io_info *fio, int type)
{
	struct inode *inode = fio->page->mapping->host;
	struct block *old = alive_at(fio->old_blkaddr);
	struct block told = { .born = st.now };

	switch (place) {
	case PLACE_SEPBIT:
		return old && st.now - old->born < st.mean ? CURSEG_HOT_DATA : CURSEG_WARM_DATA;
	case PLACE_SURVIVAL:
		return log_for(remaining(context_of(inode, fio->page->index, old,
						    average_of(old)), 0));
	case PLACE_TRUTH:
		told.dies = truth_of(key_of(inode, fio->page->index, old),
				     kind_of(inode, fio->page->index));
		if (told.dies != ~0u)
			told.dies += st.now;
		return log_for(true_remaining(&told));
	default:
		return type;
	}
}

static int log_of_gc(struct f2fs_io_info *fio, int type)
{
	struct block *b = alive_at(fio->old_blkaddr);

	if (!b || !move_gc)
		return type;
	switch (place) {
	case PLACE_SURVIVAL:
		return log_for(remaining(b->context, st.now - b->born));
	case PLACE_TRUTH:
		return log_for(true_remaining(b));
	default:
		return type;
	}
}

int eval_log(struct f2fs_io_info *fio, int type)
{
	int to;

	if (type > CURSEG_COLD_DATA || !known(fio) || marked(fio->page->mapping->host))
		return type;
	if (page_private_gcing(fio->page)) {
		to = log_of_gc(fio, type);
		st.moved_gc += to != type;
	} else {
		to = log_of_user(fio, type);
		st.moved_user += to != type;
		st.classes[to]++;
	}
	return to;
}

static void written(struct f2fs_io_info *fio, struct block *old, struct block *new)
{
	struct inode *inode = fio->page->mapping->host;
	pgoff_t index = fio->page->index;
	u32 life;

	new->born = ++st.now;
	new->key = key_of(inode, index, old);
	new->kind = kind_of(inode, index);
	new->average = average_of(old);
	new->context = context_of(inode, index, old, new->average);
	life = truth_of(new->key, new->kind);
	new->dies = life == ~0u ? ~0u : st.now + life;
	new->alive = true;
	follow(new);
	if (old) {
		/* of what was overwritten soon the mean says where soon ends */
		if (st.now - old->born < st.nr_blocks)
			st.mean += ((int)(st.now - old->born) - (int)st.mean) / 1024;
		dies(old);
	}
	follow_on();
}

/* A node is of its file, and has a past as data has; no oracle tells its life. */
static void node_written(struct block *old, struct block *new, int type, struct page *page)
{
	u8 average = average_of(old);
	u32 ino = ino_of_node(page);
	const struct origin *f = ino < st.nr_files ? &st.files[ino] : &st.files[0];
	u32 key = hash(2, type);
	u16 at = context(key, NO_CONTEXT);

	if (features & FEATURE_EXT) {
		key = hash(hash(key, f->creator), f->ext);
		at = context(key, at);
	}
	if (features & FEATURE_BLOCK) {
		key = hash(key, average / 2);
		at = context(key, at);
	}
	*new = (struct block) {
		.born = st.now, .dies = IS_NODE, .alive = true, .average = average, .context = at,
	};
	follow(new);
	if (old)
		dies(old);
}

void eval_placed(struct f2fs_sb_info *sbi, struct f2fs_io_info *fio, block_t old_addr,
		 block_t addr, int type)
{
	struct block *old, *new;
	bool moved;

	if (sbi != st.sbi || !fio || (fio->type != NODE && !known(fio)))
		return;
	old = alive_at(old_addr);
	new = block_at(addr);
	if (!new)
		return;
	moved = fio->type == NODE ? fio->io_type == FS_GC_NODE_IO : page_private_gcing(fio->page);
	if (moved && old) {
		st.gc++;
		*new = *old;
		old->alive = false;
	} else if (fio->type == NODE) {
		node_written(old, new, type, fio->page);
	} else if (!moved) {
		st.user++;
		written(fio, old, new);
	}
}

void eval_freed(struct f2fs_sb_info *sbi, block_t addr)
{
	struct block *b = st.sbi == sbi ? alive_at(addr) : NULL;

	if (b)
		dies(b);
}

/* --- files --- */

static struct reader *reader(void)
{
	return &st.readers[current->pid % NR_READERS];
}

void eval_created(struct inode *dir, struct inode *inode, const char *name)
{
	const char *ext = name ? strrchr(name, '.') : NULL;
	struct reader *r = reader();
	struct origin *f;

	if (!S_ISREG(inode->i_mode) || !begin(F2FS_I_SB(inode)) || inode->i_ino >= st.nr_files)
		return;
	f = &st.files[inode->i_ino];
	*f = (struct origin) { .id = ++st.made, .made = st.now, .known = true };
	f->creator = hash_name(current->comm);
	f->dir = hash(dir->i_ino, 0);
	f->ext = ext ? hash_name(ext) : 0;
	if (r->pid == current->pid) {
		f->depth = min(r->depth + 1, 7);
		f->youngest = 1 + surv_bin(st.now - r->youngest, st.unit);
		r->pid = 0;
	}
}

void eval_read(struct inode *inode)
{
	struct reader *r = reader();
	struct origin *f;

	if (!st.sbi || F2FS_I_SB(inode) != st.sbi || inode->i_ino >= st.nr_files)
		return;
	f = &st.files[inode->i_ino];
	if (!f->known)
		return;
	if (r->pid != current->pid) {
		*r = (struct reader) { current->pid, f->depth, f->made };
		return;
	}
	r->depth = min(r->depth, f->depth);
	r->youngest = max(r->youngest, f->made);
}

/* --- victims --- */

bool eval_victims(struct f2fs_sb_info *sbi)
{
	return victims != VICTIMS_OWN && st.sbi == sbi;
}

/* Of 256ths. */
static u32 dies_soon(const struct block *b, u32 horizon)
{
	if (victims == VICTIMS_TRUTH && b->dies != IS_NODE)
		return true_remaining(b) < horizon ? 256 : 0;
	return surv_within(curve_of(b->context), st.now - b->born, horizon, st.unit) / 256;
}

static void count_soon(struct section *s, u32 first, u32 blocks)
{
	u32 horizon = (u64)soon * st.nr_blocks / 1000, i;

	s->soon = 0;
	for (i = first; i < first + blocks; i++)
		if (st.blocks[i].alive)
			s->soon += dies_soon(&st.blocks[i], horizon);
}

unsigned int eval_cost(struct f2fs_sb_info *sbi, unsigned int segno)
{
	struct section *s = &st.sections[GET_SEC_FROM_SEG(sbi, segno)];
	u32 blocks = sbi->segs_per_sec << sbi->log_blocks_per_seg;
	u32 valid = get_valid_blocks(sbi, segno, true);

	if (valid >= blocks)
		return UINT_MAX - 1;
	/* those that died since were among the likely ones */
	if (valid > s->valid || !s->stamp || st.now - s->stamp > st.nr_blocks / 128) {
		count_soon(s, GET_SEC_FROM_SEG(sbi, segno) * blocks, blocks);
		s->stamp = st.now;
	} else {
		s->soon -= min(s->soon, (s->valid - valid) * 256);
	}
	s->valid = valid;
	/* the worst is still taken where there is no other */
	return min(surv_clean_cost(valid, s->soon, soon_weight, blocks), UINT_MAX - 2);
}

void eval_living(void)
{
	for (u32 i = 0; i < st.nr_blocks; i++)
		if (st.blocks[i].alive && st.blocks[i].dies != IS_NODE)
			truth_note(st.blocks[i].key, st.blocks[i].kind, ~0u);
}
