// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory behind the test block device.
 *
 * Ordering: a page is published by cmpxchg() and stays until the store is freed,
 * so readers need no lock.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "testblk_store.h"

int testblk_store_init(struct testblk_store *store, u64 bytes)
{
	store->nr_pages = bytes >> PAGE_SHIFT;
	store->pages = kvcalloc(store->nr_pages, sizeof(*store->pages), GFP_KERNEL);
	return store->pages ? 0 : -ENOMEM;
}

void testblk_store_exit(struct testblk_store *store)
{
	unsigned long i;

	for (i = 0; i < store->nr_pages; i++)
		if (store->pages[i])
			__free_page(store->pages[i]);
	kvfree(store->pages);
	store->pages = NULL;
	store->nr_pages = 0;
}

/* Called while a request is issued, where nothing may sleep. */
static struct page *testblk_store_get(struct testblk_store *store, unsigned long index)
{
	struct page *page = READ_ONCE(store->pages[index]);
	struct page *other;

	if (page)
		return page;

	page = alloc_page(GFP_NOWAIT | __GFP_NOWARN | __GFP_ZERO | __GFP_HIGHMEM);
	if (!page)
		return NULL;

	other = cmpxchg(&store->pages[index], NULL, page);
	if (other) {
		__free_page(page);
		return other;
	}
	return page;
}

void testblk_store_read(const struct testblk_store *store, u64 pos, struct bio_vec *bvec)
{
	void *dst = bvec_kmap_local(bvec);
	unsigned int done = 0;

	while (done < bvec->bv_len) {
		unsigned int offset = offset_in_page(pos + done);
		unsigned int len = min_t(unsigned int, bvec->bv_len - done, PAGE_SIZE - offset);
		struct page *page = READ_ONCE(store->pages[(pos + done) >> PAGE_SHIFT]);

		if (page)
			memcpy_from_page(dst + done, page, offset, len);
		else
			memset(dst + done, 0, len);
		done += len;
	}
	flush_dcache_page(bvec->bv_page);
	kunmap_local(dst);
}

int testblk_store_write(struct testblk_store *store, u64 pos, struct bio_vec *bvec)
{
	void *src = bvec_kmap_local(bvec);
	unsigned int done = 0;
	int ret = 0;

	while (done < bvec->bv_len) {
		unsigned int offset = offset_in_page(pos + done);
		unsigned int len = min_t(unsigned int, bvec->bv_len - done, PAGE_SIZE - offset);
		struct page *page = testblk_store_get(store, (pos + done) >> PAGE_SHIFT);

		if (!page) {
			ret = -ENOMEM;
			break;
		}
		memcpy_to_page(page, offset, src + done, len);
		done += len;
	}
	kunmap_local(src);
	return ret;
}
