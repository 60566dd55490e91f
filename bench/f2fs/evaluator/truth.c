// SPDX-License-Identifier: GPL-2.0-only
/*
 * The truth for oracles, through /sys/kernel/debug/f2fs_truth: reading it gives what was noted
 * since the mount, writing that back makes it known. Wants the parameter f2fs.truth:
 * 1 note, 2 tell each write's own life, 3 tell what can be expected (the mean of the same block
 * of the file where it was overwritten often, else that of its kind).
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "truth.h"

#define MAX_NOTES	(6u << 20)
#define MAX_KINDS	4096
#define OFTEN		4

enum { TRUTH_NONE, TRUTH_NOTE, TRUTH_EXACT, TRUTH_EXPECTED };

struct note {
	u64 key;
	u32 kind, life;
};

struct mean {
	u32 kind, n;
	u64 sum;
};

static int truth;
module_param(truth, int, 0444);
static struct note *notes;
static u32 nr_notes, nr_lost;
static struct mean kinds[MAX_KINDS];
static bool told;

bool truth_is_exact(void)
{
	return truth == TRUTH_EXACT;
}

static bool room(void)
{
	if (!notes)
		notes = __vmalloc(array_size(MAX_NOTES, sizeof(*notes)), GFP_NOFS);
	return notes;
}

void truth_note(u64 key, u32 kind, u32 life)
{
	if (truth != TRUTH_NOTE)
		return;
	if (!room() || nr_notes == MAX_NOTES) {
		nr_lost++;
		return;
	}
	notes[nr_notes++] = (struct note) { key, kind, life };
}

static struct mean *kind_at(u32 kind, bool make)
{
	u32 i, at;

	for (i = 0; i < MAX_KINDS; i++) {
		at = (kind + i) % MAX_KINDS;
		if (kinds[at].n && kinds[at].kind == kind)
			return &kinds[at];
		if (!kinds[at].n)
			break;
	}
	if (!make || i == MAX_KINDS)
		return NULL;
	kinds[at].kind = kind;
	return &kinds[at];
}

u32 truth_of(u64 key, u32 kind)
{
	u32 low = 0, high = nr_notes;
	struct mean *k;

	if (!told)
		return ~0u;
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (notes[mid].key == key)
			return notes[mid].life;
		if (notes[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	k = truth == TRUTH_EXPECTED ? kind_at(kind, false) : NULL;
	return k ? (u32)div_u64(k->sum, k->n) : ~0u;
}

static int by_key(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* A survivor lived at least as long as the longest of the dead. */
static u64 counted(u32 life, u32 longest)
{
	return life == ~0u ? longest : life;
}

static void expect_of_block(struct note *first, u32 n, u32 longest)
{
	struct mean *k;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < n; i++)
		sum += counted(first[i].life, longest);
	for (i = 0; i < n; i++) {
		k = n < OFTEN ? kind_at(first[i].kind, false) : NULL;
		first[i].life = k ? (u32)div_u64(k->sum, k->n) : (u32)div_u64(sum, n);
	}
}

static void expect(void)
{
	u32 longest = 0, i, n;
	struct mean *k;

	for (i = 0; i < nr_notes; i++)
		if (notes[i].life != ~0u)
			longest = max(longest, notes[i].life);
	for (i = 0; i < nr_notes; i++) {
		k = kind_at(notes[i].kind, true);
		if (!k)
			continue;
		k->n++;
		k->sum += counted(notes[i].life, longest);
	}
	for (i = 0; i < nr_notes; i += n) {
		for (n = 1; i + n < nr_notes; n++)
			if (notes[i + n].key >> 16 != notes[i].key >> 16)
				break;
		expect_of_block(notes + i, n, longest);
	}
}

static ssize_t truth_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	if (!*pos && truth == TRUTH_NOTE)
		eval_living();
	if (!notes)
		return 0;
	return simple_read_from_buffer(to, len, pos, notes, (size_t)nr_notes * sizeof(*notes));
}

static ssize_t truth_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	ssize_t got;

	if (!room())
		return -ENOMEM;
	got = simple_write_to_buffer(notes, (size_t)MAX_NOTES * sizeof(*notes), pos, from, len);
	nr_notes = *pos / sizeof(*notes);
	return got;
}

static int truth_release(struct inode *inode, struct file *file)
{
	if (!(file->f_mode & FMODE_WRITE) || truth < TRUTH_EXACT)
		return 0;
	sort(notes, nr_notes, sizeof(*notes), by_key, NULL);
	if (truth == TRUTH_EXPECTED)
		expect();
	told = true;
	pr_info("f2fs_truth: %u lives\n", nr_notes);
	return 0;
}

static const struct file_operations truth_fops = {
	.owner = THIS_MODULE,
	.read = truth_read,
	.write = truth_write,
	.release = truth_release,
	.llseek = default_llseek,
};

static int __init truth_init(void)
{
	debugfs_create_file("f2fs_truth", 0600, NULL, NULL, &truth_fops);
	debugfs_create_u32("f2fs_truth_lost", 0400, NULL, &nr_lost);
	return 0;
}
late_initcall(truth_init);
