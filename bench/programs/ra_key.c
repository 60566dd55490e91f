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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_OF "/sys/module/mlproxy_readahead/parameters/key_of"

/* The answer is "MAJOR:MINOR INODE GENERATION KEY". */
static uint64_t ask(const char *path, uint64_t inode)
{
	int fd = open(KEY_OF, O_RDWR | O_CLOEXEC);
	uint64_t key, answered;
	char answer[128];
	ssize_t n;

	if (fd < 0)
		err(1, KEY_OF);
	if (write(fd, path, strlen(path)) < 0)
		err(1, KEY_OF ": %s", path);
	n = pread(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		err(1, KEY_OF);
	answer[n] = 0;
	if (sscanf(answer, "%*u:%*u %" SCNu64 " %*u %" SCNu64, &answered, &key) != 2 ||
	    answered != inode)
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
		char *path = realpath(argv[i], NULL);
		struct stat st;

		if (!path || stat(path, &st))
			err(1, "%s", argv[i]);
		printf("%" PRIu64 "\n", ask(path, st.st_ino));
		free(path);
	}
	return 0;
}
