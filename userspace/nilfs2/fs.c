// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mounted NILFS2 file system: opening it, its segments and checkpoints.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"

#define CHUNK	512

/* Where several were mounted over each other, the last one is what one sees. */
static int find_mount(struct fs *fs, const char *dir)
{
	char real[PATH_MAX];
	bool readonly = false;
	struct mntent *m;
	FILE *f;

	if (!realpath(dir, real)) {
		fprintf(stderr, "%s: %m\n", dir);
		return -errno;
	}
	f = setmntent("/proc/self/mounts", "r");
	if (!f) {
		fprintf(stderr, "/proc/self/mounts: %m\n");
		return -errno;
	}
	while ((m = getmntent(f))) {
		if (strcmp(m->mnt_dir, real))
			continue;
		free(fs->device);
		fs->device = strcmp(m->mnt_type, NILFS_FSTYPE) ? NULL :
			     realpath(m->mnt_fsname, NULL);
		readonly = hasmntopt(m, "ro");
	}
	endmntent(f);
	if (!fs->device) {
		fprintf(stderr, "%s: no NILFS2 file system is mounted there\n", real);
		return -ENODEV;
	}
	if (readonly) {
		fprintf(stderr, "%s: mounted read-only\n", real);
		return -EROFS;
	}
	fs->dir = strdup(real);
	return fs->dir ? 0 : -ENOMEM;
}

int fs_open(struct fs *fs, const char *dir)
{
	struct stat st;
	int ret;

	*fs = (struct fs) { .dirfd = -1 };
	ret = find_mount(fs, dir);
	if (ret)
		goto fail;
	if (stat(fs->device, &st)) {
		ret = -errno;
		fprintf(stderr, "%s: %m\n", fs->device);
		goto fail;
	}
	fs->devno = st.st_rdev;
	fs->dirfd = open(fs->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs->dirfd < 0) {
		ret = -errno;
		fprintf(stderr, "%s: %m\n", fs->dir);
		goto fail;
	}
	fs->nilfs = nilfs_open(fs->device, fs->dir,
			       NILFS_OPEN_RAW | NILFS_OPEN_RDWR | NILFS_OPEN_GCLK);
	if (!fs->nilfs) {
		ret = errno ? -errno : -EIO;
		fprintf(stderr, "%s: cannot open the file system on %s: %m\n", fs->dir,
			fs->device);
		goto fail;
	}
	/* maps segments: only their summaries are read then */
	nilfs_opt_set_mmap(fs->nilfs);
	fs->blocks_per_segment = nilfs_get_blocks_per_segment(fs->nilfs);
	return fs_update(fs);
fail:
	fs_close(fs);
	return ret;
}

void fs_close(struct fs *fs)
{
	if (fs->nilfs)
		nilfs_close(fs->nilfs);
	if (fs->dirfd >= 0)
		close(fs->dirfd);
	free(fs->segments);
	free(fs->device);
	free(fs->dir);
	*fs = (struct fs) { .dirfd = -1 };
}

static int said(const struct fs *fs, const char *what)
{
	int err = errno;

	fprintf(stderr, "%s: cannot read %s: %s\n", fs->dir, what, strerror(err));
	return err ? -err : -EIO;
}

/* As the kernel has it. */
static uint64_t reserved(const struct fs *fs, uint64_t nr)
{
	uint64_t percent = le32_to_cpu(nilfs_get_sb(fs->nilfs)->s_r_segments_percentage);
	uint64_t share = (nr / 100) * percent + ((nr % 100) * percent + 99) / 100;

	return share > NILFS_MIN_NRSVSEGS ? share : NILFS_MIN_NRSVSEGS;
}

/* It may have been resized: numbers stay what they are, at the end some come or go. */
static int resize(struct fs *fs, uint64_t nr)
{
	struct segment *s = fs->segments;
	uint64_t i;

	if (nr == fs->nr_segments)
		return 0;
	if (nr > SIZE_MAX / sizeof(*s) || !nr)
		return -EINVAL;
	s = reallocarray(s, nr, sizeof(*s));
	if (!s)
		return -ENOMEM;
	for (i = fs->nr_segments; i < nr; i++)
		s[i] = (struct segment) { .num = i };
	fs->segments = s;
	fs->nr_segments = nr;
	fs->reserved = reserved(fs, nr);
	return 0;
}

int fs_update(struct fs *fs)
{
	struct nilfs_suinfo si[CHUNK];
	uint64_t snapshots = fs->checkpoints.cs_nsss, num;
	ssize_t i, n;
	int ret;

	if (nilfs_get_sustat(fs->nilfs, &fs->stat))
		return said(fs, "the state of segments");
	if (nilfs_get_cpstat(fs->nilfs, &fs->checkpoints))
		return said(fs, "the state of checkpoints");
	ret = resize(fs, fs->stat.ss_nsegs);
	if (ret)
		return ret;
	for (num = 0; num < fs->nr_segments; num += n) {
		uint64_t left = fs->nr_segments - num;

		n = nilfs_get_suinfo(fs->nilfs, num, si, left < CHUNK ? left : CHUNK);
		if (n <= 0)
			return said(fs, "the usage of segments");
		for (i = 0; i < n; i++)
			segment_update(&fs->segments[num + i], si[i].sui_lastmod,
				       si[i].sui_nblocks, fs_reclaimable(&si[i]));
	}
	/* what was dead may be alive again in a new snapshot of an old checkpoint */
	if (fs->checkpoints.cs_nsss != snapshots)
		for (num = 0; num < fs->nr_segments; num++)
			fs->segments[num].counted = 0;
	return 0;
}

/*
 * The first checkpoint, by number, that was made at @since or later; if there is none, the one
 * that is being made. Where the clock was put back it errs on the side of keeping.
 */
static int first_protected(struct fs *fs, uint64_t since, uint64_t *cno)
{
	struct nilfs_cpinfo ci[CHUNK];
	uint64_t at = fs->protect_time <= since && fs->protect_cno ? fs->protect_cno : 1;
	ssize_t i, n;

	fs->protect_time = since;
	while (at < fs->checkpoints.cs_cno) {
		n = nilfs_get_cpinfo(fs->nilfs, at, NILFS_CHECKPOINT, ci, CHUNK);
		if (n < 0)
			return said(fs, "checkpoints");
		if (!n)
			break;
		for (i = 0; i < n; i++) {
			if (ci[i].ci_create >= since) {
				*cno = fs->protect_cno = ci[i].ci_cno;
				return 0;
			}
		}
		at = ci[n - 1].ci_cno + 1;
	}
	*cno = fs->protect_cno = fs->checkpoints.cs_cno;
	return 0;
}

static int read_snapshots(struct fs *fs, struct live_view *view)
{
	struct nilfs_cpinfo ci[CHUNK];
	VEC(uint64_t) found = {};
	uint64_t at = 0, *one;
	ssize_t i, n;
	int ret;

	do {
		n = nilfs_get_cpinfo(fs->nilfs, at, NILFS_SNAPSHOT, ci, CHUNK);
		if (n < 0) {
			ret = said(fs, "snapshots");
			goto fail;
		}
		for (i = 0; i < n; i++) {
			if (found.nr && ci[i].ci_cno <= found.at[found.nr - 1]) {
				fprintf(stderr, "%s: the list of snapshots is broken\n", fs->dir);
				ret = -EIO;
				goto fail;
			}
			one = vec_add(&found);
			if (!one) {
				ret = -ENOMEM;
				goto fail;
			}
			*one = ci[i].ci_cno;
		}
		at = n ? ci[n - 1].ci_next : 0;
	} while (at);
	view->snapshots = found.at;
	view->nr_snapshots = found.nr;
	return 0;
fail:
	vec_free(&found);
	return ret;
}

int fs_view(struct fs *fs, uint64_t since, struct live_view *view)
{
	int ret;

	*view = (struct live_view) {};
	if (nilfs_get_cpstat(fs->nilfs, &fs->checkpoints))
		return said(fs, "the state of checkpoints");
	view->now = fs->checkpoints.cs_cno;
	ret = first_protected(fs, since, &view->protect);
	if (ret)
		return ret;
	ret = read_snapshots(fs, view);
	if (ret)
		return ret;
	/* the list must be whole: a snapshot that is left out is lost */
	if (view->nr_snapshots != fs->checkpoints.cs_nsss) {
		fs_view_free(view);
		return -EAGAIN;
	}
	return 0;
}

void fs_view_free(struct live_view *view)
{
	free((void *)view->snapshots);
	*view = (struct live_view) {};
}

int fs_push_cursor(struct fs *fs)
{
	return syncfs(fs->dirfd) ? said(fs, "what was to be written") : 0;
}
