// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filesystems that are looked after, and an instance of the proxy for each of them.
 *
 * The first write to one that is chosen asks for it, by what can be told there; a work item makes
 * the instance, and publishes the filesystem if it is still there by then. It is forgotten
 * before f2fs_put_super() frees what it is known by; at the latest when the hooks are detached,
 * since an unmount is not seen then. Freed is it by the work item, too.
 *
 * Locks: f2fs_mounts_mutex, of the work item > those of the core > f2fs_mounts_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kdev_t.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <mlproxy/mlproxy.h>

#include "alone.h"
#include "f2fs.h"
#include "layout.h"
#include "mount.h"
#include "schema.h"

#define MAX_MOUNTS	16
#define MAX_WANTED	4

struct proxy_targets f2fs_chosen;

static DEFINE_MUTEX(f2fs_mounts_mutex);
static struct mlproxy *whole;			/* f2fs_mounts_mutex; NULL: no more instances */

static DEFINE_SPINLOCK(f2fs_mounts_lock);	/* of the following, for writing */
static struct f2fs_mount __rcu *mounts[MAX_MOUNTS];
static bool running;
static u64 last_serial;

/**
 * struct wanted - a filesystem that was written to, and is not looked after yet
 * @sbi: of it; NULL in a free place
 * @serial: no other one has it, of another filesystem at the same address either
 * @fs: what it is known by, but the names
 * @name: of its device
 * @alone: why it is left alone, or NULL
 * @sections: as in &struct f2fs_mount
 * @reserved: the same
 * @main: address of its first block
 * @blocks: how many it has
 */
static struct wanted {
	const struct f2fs_sb_info *sbi;
	u64 serial;
	struct proxy_fs fs;
	char name[32];
	const char *alone;
	u32 sections;
	u32 reserved;
	u32 main;
	u32 blocks;
} wanted[MAX_WANTED];

static LIST_HEAD(gone);
/* The last one that was not chosen: to be asked once a second, not at every write. */
static const struct f2fs_sb_info *unchosen;

static void work_on(struct work_struct *work);
static DECLARE_WORK(mounts_work, work_on);

static struct f2fs_mount *mount_at(unsigned int i)
{
	return rcu_dereference_protected(mounts[i], lockdep_is_held(&f2fs_mounts_lock));
}

/* ------------------------------------------------------------------ */
/* At a write                                                          */

static const void *sm_of(const struct f2fs_sb_info *sbi)
{
	return f2fs_get(void *, sbi, F2FS_SBI_SM_INFO);
}

static void fill_in(struct wanted *w, const struct f2fs_sb_info *sbi, struct super_block *sb)
{
	u32 section = max_t(u32, f2fs_get(u32, sbi, F2FS_SBI_SEC_SEGMENTS), 1);
	u32 segments = f2fs_get(u32, sm_of(sbi), F2FS_SM_SEGMENTS);

	proxy_fs_of(&w->fs, sb);
	strscpy(w->name, sb->s_id, sizeof(w->name));
	w->alone = f2fs_mount_alone(sbi);
	w->sections = max_t(u32, segments / section, 1);
	w->main = f2fs_get(u32, sm_of(sbi), F2FS_SM_MAIN_BLOCK);
	w->blocks = segments << f2fs_get(u32, sbi, F2FS_SBI_LOG_SEG_BLOCKS);
	w->reserved = f2fs_get(u32, sm_of(sbi), F2FS_SM_RESERVED) / section;
	w->serial = ++last_serial;
	w->sbi = sbi;
}

static bool is_known(const struct f2fs_sb_info *sbi)
{
	unsigned int i;

	for (i = 0; i < MAX_MOUNTS; i++)
		if (mount_at(i) && mount_at(i)->sbi == sbi)
			return true;
	for (i = 0; i < MAX_WANTED; i++)
		if (wanted[i].sbi == sbi)
			return true;
	return false;
}

static void want(const struct f2fs_sb_info *sbi, struct super_block *sb)
{
	const unsigned long there = SB_BORN | SB_ACTIVE;
	unsigned int i;

	/* While it is mounted or unmounted it may go without f2fs_put_super(). */
	if (READ_ONCE(unchosen) == sbi || (READ_ONCE(sb->s_flags) & there) != there)
		return;
	if (!proxy_target_match(&f2fs_chosen, sb)) {
		WRITE_ONCE(unchosen, sbi);
		return;
	}
	spin_lock(&f2fs_mounts_lock);
	for (i = 0; i < MAX_WANTED && wanted[i].sbi; i++)
		;
	if (running && i < MAX_WANTED && !is_known(sbi)) {
		fill_in(&wanted[i], sbi, sb);
		queue_work(system_unbound_wq, &mounts_work);
	}
	spin_unlock(&f2fs_mounts_lock);
}

/**
 * f2fs_mount_find() - what is known of a filesystem
 * @sbi: of it, in use by the caller
 * @sb: the same; asked for if it is chosen, and not known yet
 *
 * Context: in an RCU read-side section, which the filesystem is valid in. Return: it, or NULL if
 * it is not looked after.
 */
struct f2fs_mount *f2fs_mount_find(const struct f2fs_sb_info *sbi, struct super_block *sb)
{
	unsigned int i;

	for (i = 0; i < MAX_MOUNTS; i++) {
		struct f2fs_mount *mount = rcu_dereference(mounts[i]);

		if (mount && mount->sbi == sbi)
			return mount;
	}
	if (sb)
		want(sbi, sb);
	return NULL;
}

/**
 * f2fs_mount_invalidate() - a block of a filesystem dies
 * @sbi: of the filesystem
 * @address: of the block
 *
 * Context: in f2fs_invalidate_blocks().
 */
void f2fs_mount_invalidate(const struct f2fs_sb_info *sbi, u32 address)
{
	struct f2fs_mount *mount;

	rcu_read_lock();
	mount = f2fs_mount_find(sbi, NULL);
	if (mount && mount->instance)
		f2fs_life_died(mount, address);
	rcu_read_unlock();
}

/**
 * f2fs_mount_look() - see how full a filesystem is
 * @mount: filesystem, in use by the caller
 *
 * Context: any.
 */
void f2fs_mount_look(struct f2fs_mount *mount)
{
	const void *free = f2fs_get(void *, sm_of(mount->sbi), F2FS_SM_FREE_INFO);
	u64 blocks = f2fs_get(u32, mount->sbi, F2FS_SBI_USER_BLOCKS);
	u64 valid = f2fs_get(u32, mount->sbi, F2FS_SBI_VALID_BLOCKS);

	WRITE_ONCE(mount->free, f2fs_get(u32, free, F2FS_FREE_SECTIONS));
	WRITE_ONCE(mount->used, blocks ? min_t(u64, valid * 256 / blocks, 256) : 0);
}

static u32 free_share(const struct f2fs_mount *mount)
{
	return min_t(u64, (u64)READ_ONCE(mount->free) * 256 / mount->sections, 256);
}

/**
 * f2fs_mount_describe() - features of a filesystem
 * @mount: filesystem
 * @features: out: those
 *
 * Context: any.
 */
void f2fs_mount_describe(const struct f2fs_mount *mount, s64 *features)
{
	features[F2FS_F_USED] = READ_ONCE(mount->used);
	features[F2FS_F_FREE] = free_share(mount);
}

/**
 * f2fs_mount_snapshot() - states of a filesystem
 * @mount: filesystem
 * @values: out: those
 * @nr: room
 *
 * Context: any. Return: how many.
 */
unsigned int f2fs_mount_snapshot(const struct f2fs_mount *mount, s64 *values, unsigned int nr)
{
	if (nr < F2FS_NR_STATES)
		return 0;
	values[F2FS_S_USED] = READ_ONCE(mount->used);
	values[F2FS_S_FREE] = free_share(mount);
	return F2FS_NR_STATES;
}

/**
 * f2fs_mount_short() - is it so short of free sections that nothing is to be tried
 * @mount: filesystem
 *
 * F2FS collects garbage for the writers as soon as fewer are free than it keeps for that. Well
 * below that it may not find enough.
 *
 * Context: any.
 */
bool f2fs_mount_short(const struct f2fs_mount *mount)
{
	return READ_ONCE(mount->free) <= mount->reserved / 2;
}

/* ------------------------------------------------------------------ */
/* Making, and forgetting                                              */

/* The name of the device, of what a name may have; its number if that is taken. */
static struct mlproxy *create(struct f2fs_mount *mount)
{
	char name[MLPROXY_NAME_LEN];
	struct mlproxy *instance;
	unsigned int i;

	strscpy(name, mount->name, sizeof(name));
	for (i = 0; name[i]; i++)
		if (!isalnum(name[i]))
			name[i] = '-';
	instance = mlproxy_create_instance(whole, name, mount);
	if (PTR_ERR_OR_ZERO(instance) != -EEXIST)
		return instance;
	scnprintf(name, sizeof(name), "%u-%u", MAJOR(mount->fs.dev), MINOR(mount->fs.dev));
	return mlproxy_create_instance(whole, name, mount);
}

static void free_tables(struct f2fs_mount *mount)
{
	f2fs_chunks_exit(&mount->chunks);
	f2fs_contexts_exit(&mount->contexts);
	f2fs_life_exit(&mount->life);
}

static int make_tables(struct f2fs_mount *mount, const struct wanted *w)
{
	int err = f2fs_life_init(&mount->life, w->main, w->blocks, READ_ONCE(f2fs_max_mb));

	err = err ?: f2fs_contexts_init(&mount->contexts, w->blocks);
	err = err ?: f2fs_chunks_init(&mount->chunks, w->blocks);
	if (err)
		free_tables(mount);
	return err;
}

static int make_instance(struct f2fs_mount *mount, const struct wanted *w)
{
	int err = make_tables(mount, w);

	if (err)
		return err;
	mount->instance = create(mount);
	err = PTR_ERR_OR_ZERO(mount->instance) ?: mlproxy_init(mount->instance);
	if (err) {
		mlproxy_destroy(mount->instance);
		mount->instance = NULL;
		free_tables(mount);
		return err;
	}
	/* Whoever starts or stops the proxy just now does that to its instances, too. */
	if (!mlproxy_running(whole))
		return 0;
	mlproxy_start(mount->instance);
	/* or has done, before this one ran; pairs with mlproxy_order() */
	smp_mb();
	if (!mlproxy_running(whole))
		mlproxy_stop(mount->instance);
	return 0;
}

static void mount_free(struct f2fs_mount *mount)
{
	mlproxy_destroy(mount->instance);
	free_tables(mount);
	kfree(mount);
}

static struct f2fs_mount *make(const struct wanted *w)
{
	struct f2fs_mount *mount = kzalloc(sizeof(*mount), GFP_KERNEL);
	int err = 0;

	if (!mount)
		return NULL;
	mount->sbi = w->sbi;
	mount->serial = w->serial;
	mount->fs = w->fs;
	memcpy(mount->name, w->name, sizeof(mount->name));
	mount->fs.type = "f2fs";
	mount->fs.id = mount->name;
	mount->sections = w->sections;
	mount->reserved = w->reserved;
	mount->free = w->sections;
	if (!w->alone)
		err = make_instance(mount, w);
	if (err == -EFBIG)
		pr_warn("%s is left alone: its blocks would take more than %u MB of memory (max_mb)\n",
			mount->name, READ_ONCE(f2fs_max_mb));
	else if (w->alone)
		pr_info("%s is left alone: %s\n", mount->name, w->alone);
	else if (err)
		pr_warn("no instance for %s (error %d): it is left alone\n", mount->name, err);
	return mount;
}

static bool take_wanted(struct wanted *w, unsigned int *place)
{
	unsigned int i;
	bool found = false;

	spin_lock(&f2fs_mounts_lock);
	for (i = 0; i < MAX_WANTED && !found; i++) {
		found = wanted[i].sbi;
		if (found) {
			*w = wanted[i];
			*place = i;
		}
	}
	spin_unlock(&f2fs_mounts_lock);
	return found;
}

/* Return: false if it is gone by now, or there is no room. */
static bool publish(struct f2fs_mount *mount, const struct wanted *w, unsigned int place)
{
	bool there, done = false;
	unsigned int i;

	spin_lock(&f2fs_mounts_lock);
	there = wanted[place].sbi && wanted[place].serial == w->serial;
	if (there)
		wanted[place].sbi = NULL;
	for (i = 0; there && mount && i < MAX_MOUNTS && !done; i++) {
		if (mount_at(i))
			continue;
		rcu_assign_pointer(mounts[i], mount);
		done = true;
	}
	if (there && !done)
		WRITE_ONCE(unchosen, w->sbi);
	spin_unlock(&f2fs_mounts_lock);
	return done;
}

static void free_gone(void)
{
	struct f2fs_mount *mount, *next;
	LIST_HEAD(list);

	spin_lock(&f2fs_mounts_lock);
	list_splice_init(&gone, &list);
	spin_unlock(&f2fs_mounts_lock);
	if (list_empty(&list))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(mount, next, &list, gone)
		mount_free(mount);
}

static void work_on(struct work_struct *work)
{
	struct f2fs_mount *mount;
	unsigned int place;
	struct wanted w;

	mutex_lock(&f2fs_mounts_mutex);
	free_gone();
	while (take_wanted(&w, &place)) {
		mount = whole ? make(&w) : NULL;
		if (!publish(mount, &w, place) && mount)
			mount_free(mount);
	}
	mutex_unlock(&f2fs_mounts_mutex);
}

static void forget(unsigned int i)
{
	struct f2fs_mount *mount = mount_at(i);

	RCU_INIT_POINTER(mounts[i], NULL);
	list_add(&mount->gone, &gone);
	queue_work(system_unbound_wq, &mounts_work);
}

/**
 * f2fs_mounts_forget() - a filesystem goes
 * @sbi: of it; NULL for all
 *
 * Context: any but interrupts.
 */
void f2fs_mounts_forget(const struct f2fs_sb_info *sbi)
{
	unsigned int i;

	spin_lock(&f2fs_mounts_lock);
	for (i = 0; i < MAX_MOUNTS; i++)
		if (mount_at(i) && (!sbi || mount_at(i)->sbi == sbi))
			forget(i);
	for (i = 0; i < MAX_WANTED; i++)
		if (!sbi || wanted[i].sbi == sbi)
			wanted[i].sbi = NULL;
	WRITE_ONCE(unchosen, NULL);
	spin_unlock(&f2fs_mounts_lock);
}

/**
 * f2fs_mounts_run() - filesystems may be asked for, or none any more
 * @run: they may
 *
 * Before the hooks are attached, and after they were detached: then all are forgotten.
 * Context: any but interrupts.
 */
void f2fs_mounts_run(bool run)
{
	spin_lock(&f2fs_mounts_lock);
	running = run;
	spin_unlock(&f2fs_mounts_lock);
	if (!run)
		f2fs_mounts_forget(NULL);
}

/**
 * f2fs_mounts_choose() - forget those that are chosen no more
 *
 * Context: any but interrupts.
 */
void f2fs_mounts_choose(void)
{
	unsigned int i;

	spin_lock(&f2fs_mounts_lock);
	for (i = 0; i < MAX_MOUNTS; i++)
		if (mount_at(i) && !proxy_target_meant(&f2fs_chosen, &mount_at(i)->fs))
			forget(i);
	WRITE_ONCE(unchosen, NULL);
	spin_unlock(&f2fs_mounts_lock);
}

/**
 * f2fs_mounts_count() - how many are looked after, or known to be left alone
 *
 * Context: any but interrupts.
 */
unsigned int f2fs_mounts_count(void)
{
	unsigned int i, nr = 0;

	spin_lock(&f2fs_mounts_lock);
	for (i = 0; i < MAX_MOUNTS; i++)
		nr += !!mount_at(i);
	spin_unlock(&f2fs_mounts_lock);
	return nr;
}

/**
 * f2fs_mounts_init() - instances may be made from now on
 * @proxy: the proxy, initialised
 *
 * Context: may sleep.
 */
void f2fs_mounts_init(struct mlproxy *proxy)
{
	mutex_lock(&f2fs_mounts_mutex);
	whole = proxy;
	mutex_unlock(&f2fs_mounts_mutex);
}

/**
 * f2fs_mounts_exit() - forget all, for good, before the proxy is destroyed
 *
 * Context: may sleep; the hooks are drained.
 */
void f2fs_mounts_exit(void)
{
	f2fs_mounts_run(false);
	mutex_lock(&f2fs_mounts_mutex);
	whole = NULL;
	free_gone();
	mutex_unlock(&f2fs_mounts_mutex);
	cancel_work_sync(&mounts_work);
}
