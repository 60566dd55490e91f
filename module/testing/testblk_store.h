/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory behind the test block device: pages that are allocated when they
 * are first written, and read as zeros before that.
 */
#ifndef _MLPROXY_TESTING_TESTBLK_STORE_H
#define _MLPROXY_TESTING_TESTBLK_STORE_H

#include <linux/bvec.h>
#include <linux/types.h>

/**
 * struct testblk_store - contents of a device
 * @pages: one pointer a page, NULL for a page that was never written
 * @nr_pages: number of pages
 */
struct testblk_store {
	struct page **pages;
	unsigned long nr_pages;
};

/**
 * testblk_store_init() - make an empty store
 * @store: to be filled in
 * @bytes: capacity, a multiple of PAGE_SIZE
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int testblk_store_init(struct testblk_store *store, u64 bytes);

/**
 * testblk_store_exit() - free all pages
 * @store: no request may be under way
 *
 * Context: may sleep.
 */
void testblk_store_exit(struct testblk_store *store);

/**
 * testblk_store_read() - copy a segment out of the store
 * @store: the store
 * @pos: offset in bytes; with the segment inside of the capacity
 * @bvec: segment within one page
 *
 * Context: any.
 */
void testblk_store_read(const struct testblk_store *store, u64 pos, struct bio_vec *bvec);

/**
 * testblk_store_write() - copy a segment into the store
 * @store: the store
 * @pos: offset in bytes; with the segment inside of the capacity
 * @bvec: segment within one page
 *
 * Two writers of one page may race, as on any disk: each 512-byte sector is then
 * of one or the other. Context: any; memory that runs out may be there a little later, and
 * then all of it can be written again.
 *
 * Return: 0 or -ENOMEM.
 */
int testblk_store_write(struct testblk_store *store, u64 pos, struct bio_vec *bvec);

#endif /* _MLPROXY_TESTING_TESTBLK_STORE_H */
