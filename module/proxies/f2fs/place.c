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
#include <linux/hash.h>
#include <linux/rcupdate.h>

#include "action.h"
#include "choose.h"
#include "f2fs.h"
#include "mount.h"
#include "place.h"

#define TICKET_BITS	10
#define TICKETS		BIT(TICKET_BITS)
#define PROBES		8

/**
 * struct f2fs_ticket - a write that is under way
 * @fio: F2FS's of the write; NULL in a free place
 * @write: ours, on the stack of the thread that has the ticket
 */
struct f2fs_ticket {
	const struct f2fs_io_info *fio;
	struct f2fs_write *write;
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

	*write = (struct f2fs_write){ .inode = inode };
	if (!makes_sense(fio, inode)) {
		this_cpu_inc(f2fs_counters.odd);
		return;
	}
	if (!f2fs_choose(&write->choice, fio, inode, migrates))
		return;
	write->ticket = ticket_take(fio);
	if (!write->ticket) {
		this_cpu_inc(f2fs_counters.alone[F2FS_ALONE_BUSY]);
		return;
	}
	write->ticket->write = write;
	if (write->choice.action == F2FS_COLD && !migrates)
		write->hinted = hint_set(inode);
}

/* Into another log than F2FS's own choice, if that can still be done. */
static int place(struct f2fs_write *write, struct f2fs_io_info *fio, int type)
{
	u32 *temp = f2fs_at(u32, fio, F2FS_FIO_TEMP);
	u32 action = write->choice.action, log;

	if (action == F2FS_KERNEL)
		return type;
	log = f2fs_action_log(action);
	if (log == type) {
		/* by the hint */
		if (write->hinted)
			this_cpu_inc(f2fs_counters.moved);
		return type;
	}
	if (log == F2FS_LOG_COLD) {
		/* F2FS has not taken the hint. */
		this_cpu_inc(f2fs_counters.missed);
		return type;
	}
	if (*temp != type) {
		this_cpu_inc(f2fs_counters.odd);
		return type;
	}
	*temp = log;
	if (type == F2FS_LOG_COLD)
		this_cpu_inc(f2fs_counters.moved_gc);
	else
		this_cpu_inc(f2fs_counters.moved);
	return log;
}

static bool is_data_log(int type)
{
	return type >= F2FS_LOG_HOT && type <= F2FS_LOG_COLD;
}

/**
 * f2fs_write_allocate() - carry out what was decided
 * @fio: as F2FS has it for f2fs_allocate_data_block(); may be NULL
 * @type: the same
 *
 * Context: that. Return: the type to give to it.
 */
int f2fs_write_allocate(struct f2fs_io_info *fio, int type)
{
	struct f2fs_ticket *ticket = fio ? ticket_find(fio) : NULL;

	if (!ticket)
		return type;
	if (is_data_log(type))
		return place(ticket->write, fio, type);
	this_cpu_inc(f2fs_counters.alone[F2FS_ALONE_LOG]);
	return type;
}

/**
 * f2fs_write_kind() - what is a block that is allocated
 * @page: as F2FS has them for f2fs_allocate_data_block()
 * @type: the same
 * @fio: the same
 *
 * Without a struct f2fs_io_info there are direct writes, of a file's own log, and blocks that are
 * moved as they are, since they are encrypted or compressed: these go to the cold log.
 *
 * Context: that, before the original: once it is allocated another thread may send it to the
 * device, and what says that the page is moved is gone as soon as that has it.
 */
enum f2fs_kind f2fs_write_kind(const struct page *page, int type, const struct f2fs_io_info *fio)
{
	if (type >= f2fs_layout[F2FS_CURSEG_HOT_NODE] &&
	    type <= f2fs_layout[F2FS_CURSEG_COLD_NODE])
		return F2FS_KIND_NODE;
	if (fio && page ? f2fs_page_migrates(page) : type == F2FS_LOG_COLD)
		return F2FS_KIND_MIGRATED;
	return F2FS_KIND_USER;
}

/**
 * f2fs_write_allocated() - a block has a new address
 * @sbi: as F2FS has them for f2fs_allocate_data_block(), which has returned
 * @old: the same
 * @new: what it has given; an address out of the data of the filesystem if it could not
 * @type: as it was given to it
 * @fio: as @sbi
 * @kind: from f2fs_write_kind()
 *
 * Context: that; nobody else can write, move or free the block yet.
 */
void f2fs_write_allocated(const struct f2fs_sb_info *sbi, u32 old, u32 new, int type,
			  const struct f2fs_io_info *fio, enum f2fs_kind kind)
{
	struct f2fs_ticket *ticket = fio ? ticket_find(fio) : NULL;
	struct f2fs_choice *choice = ticket ? &ticket->write->choice : NULL;
	struct f2fs_mount *mount;

	rcu_read_lock();
	mount = f2fs_mount_find(sbi, NULL);
	if (mount && mount->instance) {
		f2fs_life_wrote(mount, old, new, kind);
		/* One filesystem may have come in place of another, of the same address. */
		if (choice && choice->sampled && choice->serial == mount->serial &&
		    is_data_log(type)) {
			choice->sampled = false;
			f2fs_life_sample(mount, new, type, &choice->of,
					 choice->counts ? &choice->decision : NULL);
		}
	}
	rcu_read_unlock();
}

/**
 * f2fs_write_end() - undo what was prepared
 * @write: as from f2fs_write_begin()
 *
 * Context: as that; f2fs_outplace_write_data() has returned.
 */
void f2fs_write_end(struct f2fs_write *write)
{
	if (write->hinted)
		hint_clear(write->inode);
	if (!write->ticket)
		return;
	/* The ticket is not used after this; pairs with cmpxchg(). */
	smp_store_release(&write->ticket->fio, NULL);
}
