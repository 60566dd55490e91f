// SPDX-License-Identifier: GPL-2.0-only
/*
 * An HDF5 file driver that keeps the file openable at every moment.
 *
 * SWMR writing orders HDF5's writes so that what is on disk is consistent at all
 * times, but two words of the superblock stand in the way of a plain open after
 * a kill: the flags that say "a writer has it", which only a clean close takes
 * away, and the end of the file, which is older than the blocks that the newest
 * metadata points to. This driver writes the superblock with the flags clear and
 * with the true end of the file, and writes it again whenever the file has grown,
 * before the library can write anything that points into the new part. So any
 * reader, h5py without options too, opens a file whose writer is dead or alive.
 *
 * What the flags are for, one writer at a time, is done by a lock on the open
 * file description (F_OFD_SETLK), which dies with its owner. It does not meet
 * the flock() of HDF5's readers.
 *
 * A buffered write that SIGKILL interrupts ends between two pages
 * (generic_perform_write() in the kernel's mm/filemap.c), and half a new block
 * under an old checksum can't be read any more. So the writer's files keep what is
 * smaller than a page within one, and what is larger is replaced by direct I/O: a
 * request that the device has does not come back.
 *
 * The rest is a plain pread()/pwrite() driver. Superblock versions 2 and 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset_priv.h"

#define SB_BYTES	48
#define SB_VERSION	8
#define SB_OFFSET_BYTES	9
#define SB_FLAGS	11
#define SB_EOF		28
#define SB_CHECKSUM	44

static const uint8_t sb_signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };

struct vfd_file {
	H5FD_t pub;		/* must be first */
	int fd;
	int direct_fd;		/* the same file with O_DIRECT, or -1 */
	bool writable;
	bool have_sb;
	haddr_t eoa;
	haddr_t eof;
	uint8_t sb[SB_BYTES];	/* the superblock as the library wrote it */
};

static hid_t vfd_id = H5I_INVALID_HID;
static __thread int vfd_errno;

static uint32_t rot32(uint32_t x, int k)
{
	return (x << k) | (x >> (32 - k));
}

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Jenkins' lookup3, little endian, of a superblock's first 44 bytes: HDF5's
 * metadata checksum. 44 is not a multiple of 12, so the tail holds 8 bytes.
 */
static uint32_t sb_checksum(const uint8_t *p)
{
	uint32_t a, b, c;
	int left = SB_CHECKSUM;

	a = b = c = 0xdeadbeef + SB_CHECKSUM;
	for (; left > 12; left -= 12, p += 12) {
		a += get_le32(p);
		b += get_le32(p + 4);
		c += get_le32(p + 8);
		a -= c; a ^= rot32(c, 4);  c += b;
		b -= a; b ^= rot32(a, 6);  a += c;
		c -= b; c ^= rot32(b, 8);  b += a;
		a -= c; a ^= rot32(c, 16); c += b;
		b -= a; b ^= rot32(a, 19); a += c;
		c -= b; c ^= rot32(b, 4);  b += a;
	}
	a += get_le32(p);
	b += get_le32(p + 4);
	c ^= b; c -= rot32(b, 14);
	a ^= c; a -= rot32(c, 11);
	b ^= a; b -= rot32(a, 25);
	c ^= b; c -= rot32(b, 16);
	a ^= c; a -= rot32(c, 4);
	b ^= a; b -= rot32(a, 14);
	c ^= b; c -= rot32(b, 24);
	return c;
}

/* The layout that this driver knows: no user block, 8-byte addresses. */
static bool sb_known(const uint8_t *sb)
{
	return !memcmp(sb, sb_signature, sizeof(sb_signature)) &&
	       (sb[SB_VERSION] == 2 || sb[SB_VERSION] == 3) && sb[SB_OFFSET_BYTES] == 8 &&
	       get_le32(sb + SB_CHECKSUM) == sb_checksum(sb);
}

static int write_all(int fd, const void *buf, size_t len, off_t at)
{
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			vfd_errno = n ? errno : EIO;
			return -1;
		}
		p += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* Write the superblock with the flags clear and the file's end at @eof. */
static int write_superblock(struct vfd_file *f, haddr_t eof)
{
	uint8_t sb[SB_BYTES];
	uint32_t sum;
	int i;

	memcpy(sb, f->sb, sizeof(sb));
	sb[SB_FLAGS] = 0;
	for (i = 0; i < 8; i++)
		sb[SB_EOF + i] = (uint64_t)eof >> (8 * i);
	sum = sb_checksum(sb);
	for (i = 0; i < 4; i++)
		sb[SB_CHECKSUM + i] = sum >> (8 * i);
	return write_all(f->fd, sb, sizeof(sb), 0);
}

static int lock_writer(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	/* A filesystem without locks (some network ones): go on without. */
	if (errno != EAGAIN && errno != EACCES)
		return 0;
	vfd_errno = EBUSY;
	return -1;
}

/* Another description, which has no lock: closing it must not drop the lock. */
static int open_direct(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static bool crosses_page(haddr_t addr, size_t size)
{
	return addr / MLDS_PAGE_BYTES != (addr + size - 1) / MLDS_PAGE_BYTES;
}

/*
 * Replace whole pages of the file; the rest of the last one stays. Returns 1 where
 * it is done, 0 where this file system, or this block, does not allow it, or -1.
 */
static int replace_direct(struct vfd_file *f, haddr_t addr, size_t size, const void *data)
{
	size_t whole = (size + MLDS_PAGE_BYTES - 1) / MLDS_PAGE_BYTES * MLDS_PAGE_BYTES;
	bool done = false;
	char *pages;

	if (f->direct_fd < 0 || addr % MLDS_PAGE_BYTES)
		return 0;
	pages = aligned_alloc(MLDS_PAGE_BYTES, whole);
	if (!pages)
		return 0;
	memcpy(pages, data, size);
	memset(pages + size, 0, whole - size);
	if (pread(f->fd, pages + size, whole - size, addr + size) >= 0)
		done = pwrite(f->direct_fd, pages, whole, addr) == (ssize_t)whole;
	free(pages);
	if (!done || addr + whole <= f->eof)
		return done;
	f->eof = addr + whole;
	return f->have_sb && write_superblock(f, f->eof) ? -1 : 1;
}

static H5FD_t *vfd_open(const char *name, unsigned int flags, hid_t fapl, haddr_t maxaddr)
{
	struct vfd_file *f;
	struct stat st;
	int oflags = O_CLOEXEC;
	uint8_t sb[SB_BYTES];

	(void)fapl;
	(void)maxaddr;
	vfd_errno = 0;
	oflags |= flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY;
	oflags |= flags & H5F_ACC_CREAT ? O_CREAT : 0;
	oflags |= flags & H5F_ACC_EXCL ? O_EXCL : 0;
	f = calloc(1, sizeof(*f));
	if (!f) {
		vfd_errno = ENOMEM;
		return NULL;
	}
	f->writable = flags & H5F_ACC_RDWR;
	f->direct_fd = -1;
	f->fd = open(name, oflags, 0666);
	if (f->fd < 0) {
		vfd_errno = errno;
		goto err_free;
	}
	if (f->writable && lock_writer(f->fd))
		goto err_close;
	if ((flags & H5F_ACC_TRUNC) && ftruncate(f->fd, 0)) {
		vfd_errno = errno;
		goto err_close;
	}
	if (fstat(f->fd, &st)) {
		vfd_errno = errno;
		goto err_close;
	}
	f->eof = st.st_size;
	if (pread(f->fd, sb, sizeof(sb), 0) == sizeof(sb) && sb_known(sb)) {
		memcpy(f->sb, sb, sizeof(sb));
		f->have_sb = true;
	}
	if (f->writable)
		f->direct_fd = open_direct(f->fd);
	return &f->pub;

err_close:
	close(f->fd);
err_free:
	free(f);
	return NULL;
}

static herr_t vfd_close(H5FD_t *file)
{
	struct vfd_file *f = (struct vfd_file *)file;
	int err = close(f->fd);

	if (f->direct_fd >= 0)
		close(f->direct_fd);
	free(f);
	return err ? -1 : 0;
}

static int vfd_cmp(const H5FD_t *f1, const H5FD_t *f2)
{
	const struct vfd_file *a = (const struct vfd_file *)f1;
	const struct vfd_file *b = (const struct vfd_file *)f2;
	struct stat sa, sb;

	if (fstat(a->fd, &sa) || fstat(b->fd, &sb))
		return a < b ? -1 : a > b;
	if (sa.st_dev != sb.st_dev)
		return sa.st_dev < sb.st_dev ? -1 : 1;
	return sa.st_ino < sb.st_ino ? -1 : sa.st_ino > sb.st_ino;
}

static herr_t vfd_query(const H5FD_t *file, unsigned long *flags)
{
	(void)file;
	/* No metadata accumulator: it would gather writes that SWMR orders. */
	*flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA |
		 H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_SUPPORTS_SWMR_IO |
		 H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
	return 0;
}

static haddr_t vfd_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
	(void)type;
	return ((const struct vfd_file *)file)->eoa;
}

static herr_t vfd_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t addr)
{
	(void)type;
	((struct vfd_file *)file)->eoa = addr;
	return 0;
}

static haddr_t vfd_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
	(void)type;
	return ((const struct vfd_file *)file)->eof;
}

static herr_t vfd_get_handle(H5FD_t *file, hid_t fapl, void **handle)
{
	(void)fapl;
	*handle = &((struct vfd_file *)file)->fd;
	return 0;
}

static herr_t vfd_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size,
		       void *buffer)
{
	struct vfd_file *f = (struct vfd_file *)file;
	uint8_t *p = buffer;

	(void)type;
	(void)dxpl;
	while (size) {
		ssize_t n = pread(f->fd, p, size, addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			vfd_errno = errno;
			return -1;
		}
		if (!n) {	/* allocated, not written yet */
			memset(p, 0, size);
			break;
		}
		p += n;
		addr += n;
		size -= n;
	}
	return 0;
}

static herr_t vfd_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size,
			const void *buffer)
{
	struct vfd_file *f = (struct vfd_file *)file;
	const uint8_t *p = buffer;

	(void)type;
	(void)dxpl;
	if (!addr && size >= SB_BYTES && sb_known(p)) {
		memcpy(f->sb, p, SB_BYTES);
		f->have_sb = true;
		if (f->eof < SB_BYTES) {
			if (write_all(f->fd, p, SB_BYTES, 0))
				return -1;
			f->eof = SB_BYTES;
		}
		if (write_superblock(f, f->eof))
			return -1;
		p += SB_BYTES;
		addr += SB_BYTES;
		size -= SB_BYTES;
	}
	if (size && addr < f->eof && crosses_page(addr, size)) {
		int done = replace_direct(f, addr, size, p);

		if (done)
			return done < 0 ? -1 : 0;
	}
	if (size && write_all(f->fd, p, size, addr))
		return -1;
	if (size && addr + size > f->eof) {
		f->eof = addr + size;
		if (f->have_sb && write_superblock(f, f->eof))
			return -1;
	}
	return 0;
}

static herr_t vfd_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
	struct vfd_file *f = (struct vfd_file *)file;
	bool shrink = f->eoa < f->eof;

	(void)dxpl;
	(void)closing;
	if (f->eoa == f->eof)
		return 0;
	/* The stated end must never be behind the real one. */
	if (shrink && f->have_sb && write_superblock(f, f->eoa))
		return -1;
	if (ftruncate(f->fd, f->eoa)) {
		vfd_errno = errno;
		return -1;
	}
	f->eof = f->eoa;
	return !shrink && f->have_sb ? write_superblock(f, f->eof) : 0;
}

static herr_t vfd_lock(H5FD_t *file, hbool_t rw)
{
	(void)file;
	(void)rw;
	return 0;
}

static herr_t vfd_unlock(H5FD_t *file)
{
	(void)file;
	return 0;
}

static herr_t vfd_terminate(void)
{
	vfd_id = H5I_INVALID_HID;
	return 0;
}

/* Of those that HDF5 leaves to drivers that are not its own, from 1.14 on, which asks for it. */
#define VFD_VALUE 300

static const H5FD_class_t vfd_class = {
#ifdef H5FD_CLASS_VERSION
	.version = H5FD_CLASS_VERSION,
	.value = VFD_VALUE,
#endif
	.name = "mlproxy",
	.maxaddr = INT64_MAX,
	.fc_degree = H5F_CLOSE_WEAK,
	.terminate = vfd_terminate,
	.open = vfd_open,
	.close = vfd_close,
	.cmp = vfd_cmp,
	.query = vfd_query,
	.get_eoa = vfd_get_eoa,
	.set_eoa = vfd_set_eoa,
	.get_eof = vfd_get_eof,
	.get_handle = vfd_get_handle,
	.read = vfd_read,
	.write = vfd_write,
	.truncate = vfd_truncate,
	.lock = vfd_lock,
	.unlock = vfd_unlock,
	.fl_map = H5FD_FLMAP_DICHOTOMY,
};

/**
 * mlds_vfd_fapl() - make a file access list use the driver
 * @fapl: file access property list
 */
int mlds_vfd_fapl(hid_t fapl)
{
	if (vfd_id < 0)
		vfd_id = H5FDregister(&vfd_class);
	return vfd_id < 0 || H5Pset_driver(fapl, vfd_id, NULL) < 0 ? -EIO : 0;
}

/**
 * mlds_vfd_errno() - errno of the driver's last failure in this thread, 0 if none
 */
int mlds_vfd_errno(void)
{
	return vfd_errno;
}

void mlds_vfd_clear_errno(void)
{
	vfd_errno = 0;
}
