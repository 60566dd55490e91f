// SPDX-License-Identifier: GPL-2.0-only
/*
 * ra_key: the keys by which the readahead proxy knows files, for recommendations.
 *
 *	ra_key FILE...
 *
 * Prints one a line. The arithmetic is that of ra_key() in
 * module/proxies/readahead/file.c.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define GOLDEN_RATIO_64	0x61C8864680B583EBULL
#define KERNEL_MINOR_BITS	20

static uint64_t ra_key(uint32_t dev, uint64_t ino, uint32_t generation)
{
	uint64_t key = ino * GOLDEN_RATIO_64;

	key ^= key >> 29;
	key = (key + (((uint64_t)generation << 32) | dev)) * GOLDEN_RATIO_64;
	return key ^ (key >> 32);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		errx(2, "usage: ra_key FILE...");
	for (i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		/* The ioctl's number says long, filesystems write an int. */
		long generation = 0;
		struct stat st;

		if (fd < 0 || fstat(fd, &st))
			err(1, "%s", argv[i]);
		if (ioctl(fd, FS_IOC_GETVERSION, &generation))
			err(1, "%s: no generation", argv[i]);
		printf("%" PRIu64 "\n",
		       ra_key(major(st.st_dev) << KERNEL_MINOR_BITS | minor(st.st_dev), st.st_ino,
			      (uint32_t)generation));
		close(fd);
	}
	return 0;
}
