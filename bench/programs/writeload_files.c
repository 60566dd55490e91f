// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs of writeload that make and remove files: mail, logs beside media, a virtual machine's
 * image, source trees.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "writeload.h"

#define VARIANTS	4

/* F2FS keeps so much of a file in its inode. */
#define INLINE_BYTES	3400

/* What a file takes, in whole blocks and with its inode: of small files a large part. */
static uint64_t room(uint64_t bytes)
{
	return BLOCK + (bytes <= INLINE_BYTES ? 0 : (bytes + BLOCK - 1) / BLOCK * BLOCK);
}

/* --- mail: a message a file; most go soon, the rest when its owner tidies up --- */

struct message {
	uint32_t id;
	uint32_t bytes;
};

struct folder {
	uint32_t log_bytes;
};

struct mail {
	const struct mail_set {
		unsigned int folders, junk_percent, junk_lag, mean_blocks;
	} *set;
	uint32_t next;
	/* messages that stay, and junk in the order that it came */
	struct message *kept, *junk;
	uint32_t nr_kept, junk_from, nr_junk;
	struct folder *folders;
};

static const struct mail_set mail_sets[VARIANTS] = {
	{ 12, 60, 400, 4 }, { 5, 75, 150, 8 }, { 20, 50, 900, 3 }, { 8, 68, 600, 6 },
};

#define MAX_MESSAGES	(1u << 20)

static struct mail *mail_of(struct job *job)
{
	struct mail *m = job->state;

	if (m)
		return m;
	m = job->state = zalloc(sizeof(*m));
	m->set = &mail_sets[job->variant % VARIANTS];
	m->kept = zalloc(MAX_MESSAGES * sizeof(*m->kept));
	m->junk = zalloc(MAX_MESSAGES * sizeof(*m->junk));
	m->folders = zalloc(m->set->folders * sizeof(*m->folders));
	return m;
}

static void mail_name(const struct mail *m, char *name, size_t size, uint32_t id, const char *dir)
{
	snprintf(name, size, "%u%s/%u.eml", id % m->set->folders, dir, id);
}

/* A folder's index: appended to, and written anew when it has grown. */
static void mail_index(struct job *job, struct mail *m, uint32_t n)
{
	struct folder *f = &m->folders[n];
	char name[48], tmp[48];
	int fd;

	snprintf(name, sizeof(name), "%u/index.log", n);
	fd = create(name, 0);
	put(job, fd, f->log_bytes, 256);
	sync_file(fd);
	close(fd);
	f->log_bytes += 256;
	if (f->log_bytes < 32768)
		return;
	snprintf(tmp, sizeof(tmp), "%u/index.cache.tmp", n);
	snprintf(name, sizeof(name), "%u/index.cache", n);
	put_file(job, tmp, 24576 + n % 4 * 8192, true);
	rename_file(tmp, name);
	snprintf(name, sizeof(name), "%u/index.log", n);
	unlink_file(name);
	f->log_bytes = 0;
}

static void mail_drop(struct job *job, struct mail *m, struct message *msg)
{
	char name[48];

	mail_name(m, name, sizeof(name), msg->id, "");
	unlink_file(name);
	job->alive -= room(msg->bytes);
}

static void mail_deliver(struct job *job, bool sync)
{
	struct mail *m = mail_of(job);
	struct message msg = { m->next++, 0 };
	char name[48], tmp[48];

	msg.bytes = (uint32_t)(600 + draw_skewed(job, m->set->mean_blocks * 4 * BLOCK, 2));
	mail_name(m, tmp, sizeof(tmp), msg.id, ".tmp");
	mail_name(m, name, sizeof(name), msg.id, "");
	put_file(job, tmp, msg.bytes, sync);
	rename_file(tmp, name);
	job->alive += room(msg.bytes);
	if (sync)
		mail_index(job, m, msg.id % m->set->folders);
	if (sync && chance(job, m->set->junk_percent))
		m->junk[m->nr_junk++ % MAX_MESSAGES] = msg;
	else if (m->nr_kept < MAX_MESSAGES)
		m->kept[m->nr_kept++] = msg;
}

static void mail_tidy(struct job *job)
{
	struct mail *m = job->state;
	uint32_t i;

	while (m->nr_junk - m->junk_from > m->set->junk_lag)
		mail_drop(job, m, &m->junk[m->junk_from++ % MAX_MESSAGES]);
	while (job->alive > job->target && m->nr_kept) {
		/* the old rather than the new */
		i = (uint32_t)draw_skewed(job, m->nr_kept, 2);
		mail_drop(job, m, &m->kept[i]);
		memmove(m->kept + i, m->kept + i + 1, (m->nr_kept - i - 1) * sizeof(*m->kept));
		m->nr_kept--;
	}
}

static void mail_step(struct job *job)
{
	mail_deliver(job, true);
	mail_tidy(job);
}

static void mail_fill(struct job *job)
{
	struct mail *m = mail_of(job);
	char name[32];

	for (unsigned int i = 0; i < m->set->folders; i++) {
		snprintf(name, sizeof(name), "%u", i);
		make_dir(name);
		snprintf(name, sizeof(name), "%u.tmp", i);
		make_dir(name);
	}
	while (job->alive < job->target)
		mail_deliver(job, false);
}

const struct job_kind mail_kind = { "mail", mail_fill, mail_step };

/* --- logs that are rotated and packed, beside media that hardly ever change --- */

struct logs {
	const struct logs_set {
		unsigned int logs, keep, media_percent;
		uint32_t rotate;
	} *set;
	uint64_t *bytes;
	unsigned int *turns;
	uint32_t media, oldest;
	uint32_t *media_bytes;
};

static const struct logs_set logs_sets[VARIANTS] = {
	{ 8, 4, 70, 2 << 20 }, { 4, 6, 60, 4 << 20 }, { 16, 3, 80, 1 << 20 }, { 6, 5, 65, 3 << 20 },
};

#define MAX_MEDIA	65536

static void logs_media(struct job *job, struct logs *l)
{
	char name[48];
	uint32_t bytes = (uint32_t)(256 * 1024 + draw(job, 3 << 20)) / BLOCK * BLOCK;

	snprintf(name, sizeof(name), "media/%u.mp4", l->media);
	put_file(job, name, bytes, false);
	l->media_bytes[l->media++ % MAX_MEDIA] = bytes;
	job->alive += bytes;
}

static void logs_fill(struct job *job)
{
	struct logs *l = job->state = zalloc(sizeof(*l));
	uint64_t media;

	l->set = &logs_sets[job->variant % VARIANTS];
	l->bytes = zalloc(l->set->logs * sizeof(*l->bytes));
	l->turns = zalloc(l->set->logs * sizeof(*l->turns));
	l->media_bytes = zalloc(MAX_MEDIA * sizeof(*l->media_bytes));
	make_dir("media");
	media = job->target * l->set->media_percent / 100;
	while (job->alive < media)
		logs_media(job, l);
	while (job->alive < job->target)
		job->kind->step(job);
}

static void logs_rotate(struct job *job, struct logs *l, unsigned int n)
{
	unsigned int turn = l->turns[n]++, keep;
	char name[32], packed[32];
	uint64_t bytes;

	snprintf(name, sizeof(name), "%u.log", n);
	snprintf(packed, sizeof(packed), "%u.%u.gz", n, turn);
	read_all(name);
	bytes = l->bytes[n] / 4 / BLOCK * BLOCK;
	put_file(job, packed, bytes, false);
	job->alive += bytes;
	unlink_file(name);
	job->alive -= room(l->bytes[n]);
	l->bytes[n] = 0;
	/* more turns where there is room, so that the level is kept */
	keep = l->set->keep + n * 3;
	if (turn >= keep && job->alive > job->target) {
		snprintf(name, sizeof(name), "%u.%u.gz", n, turn - keep);
		unlink_file(name);
		job->alive -= (uint64_t)l->set->rotate / 4 / BLOCK * BLOCK;
	}
}

static void logs_step(struct job *job)
{
	struct logs *l = job->state;
	unsigned int n = (unsigned int)draw_skewed(job, l->set->logs, 2);
	uint64_t bytes = 4096 + draw(job, 16) * 1024, before = room(l->bytes[n]);
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%u.log", n);
	fd = create(name, 0);
	put(job, fd, l->bytes[n], bytes);
	close(fd);
	l->bytes[n] += bytes;
	job->alive += room(l->bytes[n]) - before;
	if (l->bytes[n] >= l->set->rotate)
		logs_rotate(job, l, n);
	if (!draw(job, 2000)) {
		snprintf(name, sizeof(name), "media/%u.mp4", l->oldest);
		if (l->oldest < l->media) {
			unlink_file(name);
			job->alive -= l->media_bytes[l->oldest++ % MAX_MEDIA];
		}
		logs_media(job, l);
	}
}

const struct job_kind logs_kind = { "logs", logs_fill, logs_step };

/* --- vm: an image of which some parts are overwritten often --- */

static const struct vm_set {
	unsigned int skew, most_blocks, sync_every;
} vm_sets[VARIANTS] = {
	{ 3, 16, 32 }, { 4, 4, 8 }, { 2, 32, 64 }, { 3, 8, 16 },
};

#define VM_EXTENT	(64u << 10)

static void vm_fill(struct job *job)
{
	int fd = create("disk.img", 0);

	put(job, fd, 0, job->target / VM_EXTENT * VM_EXTENT);
	sync_file(fd);
	close(fd);
	job->state = zalloc(sizeof(unsigned int));
}

static void vm_step(struct job *job)
{
	const struct vm_set *set = &vm_sets[job->variant % VARIANTS];
	uint64_t extents = job->target / VM_EXTENT, at, blocks;
	unsigned int *steps = job->state;
	int fd = open_file("disk.img", O_WRONLY);

	/* hot extents lie anywhere: a prime that no size here is a multiple of */
	at = draw_skewed(job, extents, set->skew) * 1000003 % extents;
	blocks = 1 + draw(job, set->most_blocks);
	at = at * VM_EXTENT + draw(job, VM_EXTENT / BLOCK) * BLOCK;
	if (at + blocks * BLOCK > extents * VM_EXTENT)
		blocks = (extents * VM_EXTENT - at) / BLOCK;
	put(job, fd, at, blocks * BLOCK);
	if (!(++*steps % set->sync_every))
		sync_file(fd);
	close(fd);
}

const struct job_kind vm_kind = { "vm", vm_fill, vm_step };

/* --- trees: packages unpacked, built in, removed --- */

struct tree {
	uint32_t id;
	uint16_t files, objects;
	uint64_t bytes;
};

struct trees {
	const struct trees_set {
		unsigned int files, mean_blocks, builds_percent, old_percent;
	} *set;
	struct tree *trees;
	uint32_t nr, next;
};

#define MAX_TREES	65536

static const struct trees_set trees_sets[VARIANTS] = {
	{ 60, 4, 50, 30 }, { 150, 2, 30, 60 }, { 25, 10, 70, 20 }, { 90, 5, 40, 45 },
};

static uint64_t tree_file(struct job *job, const struct trees *s, uint32_t id, unsigned int n,
			  const char *ext)
{
	uint64_t bytes = 300 + draw_skewed(job, s->set->mean_blocks * 4 * BLOCK, 2);
	char name[48];

	snprintf(name, sizeof(name), "%u/%u.%s", id, n, ext);
	put_file(job, name, bytes, false);
	return room(bytes);
}

static void tree_unpack(struct job *job, struct trees *s)
{
	struct tree *t = &s->trees[s->nr++];
	char name[48];

	if (s->nr == MAX_TREES)
		fail("trees: too many");
	memset(t, 0, sizeof(*t));
	t->id = s->next++;
	t->files = (uint16_t)(1 + draw(job, 2 * s->set->files));
	snprintf(name, sizeof(name), "%u", t->id);
	make_dir(name);
	for (unsigned int i = 0; i < t->files; i++)
		t->bytes += tree_file(job, s, t->id, i, "c");
	job->alive += t->bytes;
}

/* Objects go before the next build, sources stay. */
static void tree_clean(struct job *job, struct tree *t, uint64_t *bytes)
{
	char name[48];

	for (; t->objects; t->objects--) {
		snprintf(name, sizeof(name), "%u/%u.o", t->id, t->objects - 1);
		unlink_file(name);
	}
	job->alive -= *bytes;
	t->bytes -= *bytes;
	*bytes = 0;
}

static void tree_build(struct job *job, struct trees *s, struct tree *t)
{
	unsigned int builds = 1 + (unsigned int)draw(job, 3);
	uint64_t bytes = 0;

	while (builds--) {
		tree_clean(job, t, &bytes);
		for (; t->objects < t->files / 2; t->objects++)
			bytes += tree_file(job, s, t->id, t->objects, "o");
		job->alive += bytes;
		t->bytes += bytes;
	}
}

static void tree_remove(struct job *job, struct trees *s, uint32_t which)
{
	struct tree t = s->trees[which];
	char name[48];

	for (unsigned int i = 0; i < t.files; i++) {
		snprintf(name, sizeof(name), "%u/%u.c", t.id, i);
		unlink_file(name);
	}
	for (unsigned int i = 0; i < t.objects; i++) {
		snprintf(name, sizeof(name), "%u/%u.o", t.id, i);
		unlink_file(name);
	}
	snprintf(name, sizeof(name), "%u", t.id);
	if (rmdir(name))
		fail("cannot remove tree %s", name);
	job->alive -= t.bytes;
	memmove(s->trees + which, s->trees + which + 1, (s->nr - which - 1) * sizeof(t));
	s->nr--;
}

static void trees_step(struct job *job)
{
	struct trees *s = job->state;

	/* some go right away, as a package manager's or a build server's do; the rest at random */
	while (job->alive > job->target && s->nr) {
		uint32_t which = chance(job, s->set->old_percent) ? (uint32_t)draw(job, s->nr) :
				 s->nr - 1 - (uint32_t)draw_skewed(job, s->nr < 8 ? s->nr : 8, 1);

		tree_remove(job, s, which);
	}
	tree_unpack(job, s);
	if (chance(job, s->set->builds_percent))
		tree_build(job, s, &s->trees[s->nr - 1]);
}

static void trees_fill(struct job *job)
{
	struct trees *s = job->state = zalloc(sizeof(*s));

	s->set = &trees_sets[job->variant % VARIANTS];
	s->trees = zalloc(MAX_TREES * sizeof(*s->trees));
	while (job->alive < job->target)
		tree_unpack(job, s);
}

const struct job_kind trees_kind = { "trees", trees_fill, trees_step };
