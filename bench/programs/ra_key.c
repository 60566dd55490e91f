// SPDX-License-Identifier: GPL-2.0-only
/*
 * ra_key: the keys by which the readahead proxy knows files, for recommendations.
 *
 *	ra_key FILE...
 *
 * Prints one a line. The keys are secret: root may ask the loaded proxy for them.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define KEY_OF "/sys/module/mlproxy_readahead/parameters/key_of"

/* @identity: "MAJOR:MINOR INODE GENERATION", which comes back before the key */
static uint64_t ask(const char *identity)
{
	int fd = open(KEY_OF, O_RDWR | O_CLOEXEC);
	size_t len = strlen(identity);
	char answer[128];
	uint64_t key;
	ssize_t n;

	if (fd < 0)
		err(1, KEY_OF);
	if (write(fd, identity, len) != (ssize_t)len)
		err(1, KEY_OF ": %s", identity);
	n = pread(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		err(1, KEY_OF);
	answer[n] = 0;
	if (strncmp(answer, identity, len) || sscanf(answer + len, " %" SCNu64, &key) != 1)
		errx(1, KEY_OF ": somebody else asks");
	close(fd);
	return key;
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
		char identity[96];
		struct stat st;

		if (fd < 0 || fstat(fd, &st))
			err(1, "%s", argv[i]);
		if (ioctl(fd, FS_IOC_GETVERSION, &generation))
			err(1, "%s: no generation", argv[i]);
		snprintf(identity, sizeof(identity), "%u:%u %" PRIu64 " %" PRIu32,
			 major(st.st_dev), minor(st.st_dev), (uint64_t)st.st_ino,
			 (uint32_t)generation);
		printf("%" PRIu64 "\n", ask(identity));
		close(fd);
	}
	return 0;
}
