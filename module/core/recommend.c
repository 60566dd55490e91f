// SPDX-License-Identifier: GPL-2.0-only
/* The recommendation ring: set-up, mapping, draining; see recommend.h. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "core.h"
#include "mode.h"
#include "pages.h"
#include "recommend.h"
#include "rec_table.h"
#include "ring_pos.h"
#include "trace.h"
#include "whole.h"

/**
 * struct mlproxy_rec_ring - recommendation ring of one session
 * @cons: consumer position; the session's lock
 * @nr: entries, a power of two
 * @prod: producer page, user space writes it
 * @entries: entries, user space writes them
 * @shown: consumer page, user space reads it
 * @results: one an entry, user space reads them
 * @user_pages: producer page and entries
 * @kern_pages: consumer page and results
 * @nr_user: number of @user_pages
 * @nr_kern: number of @kern_pages
 * @charge: for both
 */
struct mlproxy_rec_ring {
	u64 cons;
	u32 nr;
	struct mlproxy_ring_page *prod;
	struct mlproxy_recommendation *entries;
	struct mlproxy_ring_page *shown;
	s32 *results;
	struct page **user_pages;
	struct page **kern_pages;
	u32 nr_user;
	u32 nr_kern;
	struct mlproxy_charge charge;
};

static void area_free(void *base, struct page **pages, u32 nr)
{
	if (!base)
		return;
	vunmap(base);
	mlproxy_pages_free(pages, nr);
	kvfree(pages);
}

static void *area_alloc(struct page ***out, u32 nr)
{
	struct page **pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	void *base;

	if (!pages)
		return NULL;
	if (mlproxy_pages_alloc(pages, nr, NUMA_NO_NODE))
		goto err_array;
	base = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	if (!base)
		goto err_pages;
	*out = pages;
	return base;

err_pages:
	mlproxy_pages_free(pages, nr);
err_array:
	kvfree(pages);
	return NULL;
}

/**
 * mlproxy_rec_ring_create() - allocate a recommendation ring
 * @setup: in: entries, 1 to MLPROXY_REC_MAX_ENTRIES; out: what became of it
 * @file: of the session, whose user pays
 *
 * Context: may sleep. Return: the ring, or ERR_PTR.
 */
struct mlproxy_rec_ring *mlproxy_rec_ring_create(struct mlproxy_recommend_setup *setup,
						 const struct file *file)
{
	struct mlproxy_rec_ring *ring;
	void *user, *kern;

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->nr = roundup_pow_of_two(setup->entries);
	ring->nr_user = 1 + DIV_ROUND_UP(ring->nr * sizeof(*ring->entries), PAGE_SIZE);
	ring->nr_kern = 1 + DIV_ROUND_UP(ring->nr * sizeof(*ring->results), PAGE_SIZE);
	if (mlproxy_charge(&ring->charge, file, ring->nr_user + ring->nr_kern))
		goto err;
	user = area_alloc(&ring->user_pages, ring->nr_user);
	if (!user)
		goto err;
	ring->prod = user;
	ring->entries = user + PAGE_SIZE;
	kern = area_alloc(&ring->kern_pages, ring->nr_kern);
	if (!kern)
		goto err;
	ring->shown = kern;
	ring->results = kern + PAGE_SIZE;

	setup->entries = ring->nr;
	setup->user_offset = MLPROXY_REC_USER_OFFSET;
	setup->kern_offset = MLPROXY_REC_KERN_OFFSET;
	setup->user_bytes = (u64)ring->nr_user << PAGE_SHIFT;
	setup->kern_bytes = (u64)ring->nr_kern << PAGE_SHIFT;
	return ring;
err:
	mlproxy_rec_ring_free(ring);
	return ERR_PTR(-ENOMEM);
}

/**
 * mlproxy_rec_ring_free() - free a ring
 * @ring: the ring, or NULL
 */
void mlproxy_rec_ring_free(struct mlproxy_rec_ring *ring)
{
	if (!ring)
		return;
	area_free(ring->prod, ring->user_pages, ring->nr_user);
	area_free(ring->shown, ring->kern_pages, ring->nr_kern);
	mlproxy_uncharge(&ring->charge);
	kfree(ring);
}

/**
 * mlproxy_rec_ring_mmap() - map one side of the ring
 * @ring: the ring
 * @vma: where to
 * @offset: MLPROXY_REC_USER_OFFSET or MLPROXY_REC_KERN_OFFSET
 *
 * Return: as mlproxy_map_pages(); -EINVAL for another @offset.
 */
int mlproxy_rec_ring_mmap(struct mlproxy_rec_ring *ring, struct vm_area_struct *vma,
			  u64 offset)
{
	if (offset == MLPROXY_REC_USER_OFFSET)
		return mlproxy_map_pages(vma, ring->user_pages, ring->nr_user, true);
	if (offset == MLPROXY_REC_KERN_OFFSET)
		return mlproxy_map_pages(vma, ring->kern_pages, ring->nr_kern, false);
	return -EINVAL;
}

static int check(const struct mlproxy *proxy, const struct mlproxy_recommendation *rec)
{
	if (rec->flags || rec->instance || rec->reserved)
		return -EINVAL;
	if (!rec->ttl_ms || rec->ttl_ms > MLPROXY_REC_MAX_TTL_MS)
		return -ERANGE;
	if (rec->action >= proxy->schema.nr_actions)
		return -EDOM;
	return 0;
}

static int take_one(struct mlproxy_rec_ring *ring, struct mlproxy *proxy)
{
	u64 i = ring_pos_index(ring->cons, ring->nr);
	struct mlproxy_recommendation rec;
	int ret;

	memcpy(&rec, &ring->entries[i], sizeof(rec));
	barrier(); /* from here on only the copy is used */
	ret = check(proxy, &rec);
	if (!ret) {
		u64 now_ns = ktime_get_mono_fast_ns();
		struct rec_entry entry = {
			.key = rec.key,
			.expires_ns = now_ns + (u64)rec.ttl_ms * NSEC_PER_MSEC,
			.version = rec.version,
			.action = rec.action,
			.confidence = rec.confidence,
		};

		mlproxy_recommended(proxy, rec.version);
		rec_table_insert(proxy->table, &entry, now_ns);
	}
	WRITE_ONCE(ring->results[i], ret);
	trace_mlproxy_recommendation(proxy->name, &rec, ret);
	return ret;
}

/**
 * mlproxy_rec_ring_drain() - take what user space has put in
 * @ring: the ring, under its session's lock
 * @proxy: the proxy, not an instance
 * @cmd: in: max; out: the counts
 *
 * At most as many as the ring has entries. An entry is refused with -EINVAL for
 * its flags, -ERANGE for its time to live, -EDOM for its action.
 * Context: may sleep. Return: 0, -EPROTO for an impossible position, or -ENODEV.
 */
int mlproxy_rec_ring_drain(struct mlproxy_rec_ring *ring, struct mlproxy *proxy,
			   struct mlproxy_recommend_drain *cmd)
{
	/* The entries before the position; pairs with user space's release. */
	u64 prod = smp_load_acquire(&ring->prod->pos);
	u32 todo;

	if (mlproxy_gone(proxy))
		return -ENODEV;
	if (!ring_pos_valid(prod, ring->cons, ring->nr))
		return -EPROTO;
	todo = prod - ring->cons;
	if (cmd->max)
		todo = min(todo, cmd->max);
	while (cmd->drained < todo) {
		if (take_one(ring, proxy))
			cmd->rejected++;
		else
			cmd->accepted++;
		cmd->drained++;
		ring->cons++;
		/* The result before the position. */
		smp_store_release(&ring->shown->pos, ring->cons);
		cond_resched();
	}
	atomic64_add(cmd->drained, &proxy->rec_drained);
	atomic64_add(cmd->accepted, &proxy->rec_accepted);
	atomic64_add(cmd->rejected, &proxy->rec_rejected);
	return 0;
}
