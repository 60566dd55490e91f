// SPDX-License-Identifier: GPL-2.0-only
/*
 * ra_key: the keys by which the readahead proxy knows files, for recommendations.
 *
 *	ra_key FILE...
 *
 * Prints one a line.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "key.h"

/* include/linux/kdev_t.h */
#define KERNEL_MINOR_BITS	20

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
