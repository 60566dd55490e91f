// SPDX-License-Identifier: GPL-2.0-only
/*
 * One write of a block. F2FS calls, all in one thread:
 *
 *	f2fs_outplace_write_data()	here: f2fs_write_begin(), then F2FS's own
 *	    __get_segment_type()	derives log, bio list and lock of the write
 *	    f2fs_allocate_data_block()	here: f2fs_write_allocate(), then F2FS's own
 *	    f2fs_submit_page_write()
 *					here: f2fs_write_end()
 *
 * Into the cold log a block of a user leads by a hint of its inode alone, since F2FS takes a lock
 * for that log (io_order_lock) before it allocates. Into the others, by the argument of the
 * allocation; the bio list has to be that of the log, or blocks of a zone are written out of order.
 *
 * From one to the other what was decided is carried by a ticket, which is found by the address of
 * the write's struct f2fs_io_info.
 */
#include <linux/atomic.h>
#include <linux/blk_types.h>
#include <linux/hash.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include <mlproxy/mlproxy.h>

#include "action.h"
#include "f2fs.h"
#include "mount.h"
#include "place.h"
#include "schema.h"
#include "shared/log2.h"

#define TICKET_BITS	10
#define TICKETS		BIT(TICKET_BITS)
#define PROBES		8
#define AS_KERNEL	0xff

/**
 * struct f2fs_ticket - what was decided for a write that is under way
 * @fio: the write; NULL in a free place
 * @want: an &enum f2fs_log, or AS_KERNEL
 * @kernel: what F2FS chose
 * @allocated: it has
 */
struct f2fs_ticket {
	const struct f2fs_io_info *fio;
	u8 want;
	u8 kernel;
	bool allocated;
};

static struct f2fs_ticket tickets[TICKETS];

static struct f2fs_ticket *ticket_at(const struct f2fs_io_info *fio, unsigned int probe)
{
	return &tickets[(hash_ptr(fio, TICKET_BITS) + probe) % TICKETS];
}

static struct f2fs_ticket *ticket_take(const struct f2fs_io_info *fio)
{
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct f2fs_ticket *t = ticket_at(fio, i);

		if (!READ_ONCE(t->fio) && !cmpxchg(&t->fio, NULL, fio))
			return t;
	}
	return NULL;
}

/* That of a write is found by its own thread alone. */
static struct f2fs_ticket *ticket_find(const struct f2fs_io_info *fio)
{
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct f2fs_ticket *t = ticket_at(fio, i);

		if (READ_ONCE(t->fio) == fio)
			return t;
	}
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Hints                                                               */

/* The VFS has them in a byte, by whatever type. */
static u8 *hint_of(struct inode *inode)
{
	BUILD_BUG_ON(sizeof(inode->i_write_hint) != 1);
	return (u8 *)&inode->i_write_hint;
}

/*
 * Two writes of one file may be under way. Who finds a hint leaves the write alone, be it the
 * user's or the other's; and what is taken away is what was set.
 */
static bool hint_set(struct inode *inode)
{
	return cmpxchg(hint_of(inode), WRITE_LIFE_NOT_SET, WRITE_LIFE_EXTREME) ==
	       WRITE_LIFE_NOT_SET;
}

static void hint_clear(struct inode *inode)
{
	cmpxchg(hint_of(inode), WRITE_LIFE_EXTREME, WRITE_LIFE_NOT_SET);
}

/* ------------------------------------------------------------------ */
/* Decision                                                            */

/* What F2FS itself makes of a write that is not to be left alone. */
static enum f2fs_log kernel_log(const struct inode *inode, bool migrates)
{
	if (migrates)
		return F2FS_LOG_COLD;
	return f2fs_inode_flag(inode, F2FS_FI_HOT) ? F2FS_LOG_HOT : F2FS_LOG_WARM;
}

static void describe(const struct f2fs_mount *mount, const struct f2fs_io_info *fio,
		     const struct inode *inode, bool migrates, s64 *x)
{
	u64 blocks = DIV_ROUND_UP((u64)i_size_read(inode), PAGE_SIZE);
	u64 index = f2fs_get(struct page *, fio, F2FS_FIO_PAGE)->index;

	x[F2FS_F_KERNEL_LOG] = kernel_log(inode, migrates);
	x[F2FS_F_MIGRATES] = migrates;
	x[F2FS_F_SYNC] = !!(f2fs_get(u32, fio, F2FS_FIO_OP_FLAGS) & (__force u32)REQ_SYNC);
	x[F2FS_F_SIZE] = log2_q8(blocks + 1);
	x[F2FS_F_POSITION] = blocks ? min_t(u64, index * 256 / blocks, 256) : 0;
	f2fs_mount_describe(mount, x);
}

/* No page of a migration is in need of a hint; and F2FS's own flag goes before one. */
static u32 allowed_actions(enum f2fs_log kernel)
{
	u32 all = BIT(F2FS_NR_ACTIONS) - 1;

	return kernel == F2FS_LOG_WARM ? all : all & ~BIT(F2FS_COLD);
}

static u32 pinned(u32 action, u32 allowed)
{
	int pin = READ_ONCE(f2fs_pin);

	if (pin == F2FS_PIN_RANDOM)
		pin = get_random_u32() % F2FS_NR_ACTIONS;
	return pin >= 0 && allowed & BIT(pin) ? pin : action;
}

static u64 key_of(const struct inode *inode)
{
	u64 id[] = { (u64)inode->i_sb->s_dev << 32 | inode->i_generation, inode->i_ino };

	return mlproxy_key(id, sizeof(id));
}

static u32 decide(struct f2fs_mount *mount, const struct f2fs_io_info *fio,
		  const struct inode *inode, bool migrates)
{
	u32 allowed = allowed_actions(kernel_log(inode, migrates));
	struct mlproxy_request req = { .baseline = F2FS_KERNEL, .allowed = allowed };
	struct mlproxy_decision decision;
	s64 x[F2FS_NR_FEATURES];

	describe(mount, fio, inode, migrates, x);
	req.key = key_of(inode);
	req.features = x;
	this_cpu_inc(f2fs_counters.decisions);
	return pinned(mlproxy_decide(mount->instance, &req, &decision), allowed);
}

/* Return: an &enum f2fs_action; or -1, if it is not looked after or left alone. */
static int choose(const struct f2fs_io_info *fio, const struct inode *inode, bool migrates)
{
	const struct f2fs_sb_info *sbi = f2fs_get(struct f2fs_sb_info *, fio, F2FS_FIO_SBI);
	struct f2fs_mount *mount;
	int alone, action = -1;

	rcu_read_lock();
	mount = f2fs_mount_find(sbi, inode->i_sb);
	if (!mount)
		goto out;
	alone = f2fs_write_alone(fio, inode);
	if (alone < 0 && !mount->instance)
		alone = F2FS_ALONE_MOUNT;
	if (alone >= 0) {
		this_cpu_inc(f2fs_counters.alone[alone]);
		goto out;
	}
	f2fs_mount_look(mount);
	if (migrates)
		this_cpu_inc(f2fs_counters.migrated);
	else
		this_cpu_inc(f2fs_counters.writes);
	action = decide(mount, fio, inode, migrates);
out:
	rcu_read_unlock();
	return action;
}

/* Return: is the write what the layout says? */
static bool makes_sense(const struct f2fs_io_info *fio, const struct inode *inode)
{
	const struct f2fs_sb_info *sbi = f2fs_get(struct f2fs_sb_info *, fio, F2FS_FIO_SBI);

	return inode && sbi && inode->i_sb->s_fs_info == sbi &&
	       f2fs_get(struct super_block *, sbi, F2FS_SBI_SB) == inode->i_sb;
}

/**
 * f2fs_write_begin() - decide, and prepare what can't be told to the allocation
 * @write: out
 * @dn: as F2FS has them for f2fs_outplace_write_data()
 * @fio: the same
 *
 * Context: that; the page is locked.
 */
void f2fs_write_begin(struct f2fs_write *write, struct dnode_of_data *dn,
		      struct f2fs_io_info *fio)
{
	struct inode *inode = f2fs_get(struct inode *, dn, F2FS_DN_INODE);
	const struct page *page = f2fs_get(struct page *, fio, F2FS_FIO_PAGE);
	bool migrates = page && f2fs_page_migrates(page);
	int action;

	*write = (struct f2fs_write){ .inode = inode };
	if (!makes_sense(fio, inode)) {
		this_cpu_inc(f2fs_counters.odd);
		return;
	}
	action = choose(fio, inode, migrates);
	if (action < 0)
		return;
	write->ticket = ticket_take(fio);
	if (!write->ticket) {
		this_cpu_inc(f2fs_counters.alone[F2FS_ALONE_BUSY]);
		return;
	}
	write->ticket->want = action == F2FS_KERNEL ? AS_KERNEL : f2fs_action_log(action);
	write->ticket->allocated = false;
	if (action == F2FS_COLD && !migrates)
		write->hinted = hint_set(inode);
}

/**
 * f2fs_write_allocate() - carry out what was decided
 * @sbi: as F2FS has them for f2fs_allocate_data_block()
 * @fio: the same; may be NULL
 * @type: the same
 *
 * Context: that. Return: the type to give to it.
 */
int f2fs_write_allocate(struct f2fs_sb_info *sbi, struct f2fs_io_info *fio, int type)
{
	struct f2fs_ticket *ticket = fio ? ticket_find(fio) : NULL;
	u32 *temp;

	if (!ticket)
		return type;
	if (type < F2FS_LOG_HOT || type > F2FS_LOG_COLD) {
		this_cpu_inc(f2fs_counters.alone[F2FS_ALONE_LOG]);
		return type;
	}
	ticket->kernel = type;
	ticket->allocated = true;
	if (ticket->want == AS_KERNEL || ticket->want == type)
		return type;
	temp = f2fs_at(u32, fio, F2FS_FIO_TEMP);
	if (ticket->want == F2FS_LOG_COLD) {
		/* F2FS has not taken the hint. */
		this_cpu_inc(f2fs_counters.missed);
		return type;
	}
	if (*temp != type || f2fs_get(struct f2fs_sb_info *, fio, F2FS_FIO_SBI) != sbi) {
		this_cpu_inc(f2fs_counters.odd);
		return type;
	}
	*temp = ticket->want;
	if (type == F2FS_LOG_COLD)
		this_cpu_inc(f2fs_counters.moved_gc);
	else
		this_cpu_inc(f2fs_counters.moved);
	return ticket->want;
}

/**
 * f2fs_write_end() - undo what was prepared
 * @write: as from f2fs_write_begin()
 * @fio: the same as for that
 *
 * Context: as that; f2fs_outplace_write_data() has returned.
 */
void f2fs_write_end(struct f2fs_write *write, struct f2fs_io_info *fio)
{
	struct f2fs_ticket *ticket = write->ticket;

	if (write->hinted)
		hint_clear(write->inode);
	if (!ticket)
		return;
	if (write->hinted && ticket->allocated && ticket->kernel == F2FS_LOG_COLD)
		this_cpu_inc(f2fs_counters.moved);
	/* Nothing of it is read or written after this; pairs with cmpxchg(). */
	smp_store_release(&ticket->fio, NULL);
}
