/* SPDX-License-Identifier: GPL-2.0-only */
/* The data set that a test writes and reads, in a directory of its own. */
#ifndef MLPROXY_TEST_DATASET_FILE_H
#define MLPROXY_TEST_DATASET_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "../unit.h"
#include "mlproxy_dataset.h"

static char dir[] = "/tmp/mlproxy-test-dataset-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/data.h5", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static inline void load(struct mlds_data *d)
{
	const char *paths[] = { path };

	if (mlds_load(d, paths, 1))
		fail_msg("%s", mlds_error());
}

#endif /* MLPROXY_TEST_DATASET_FILE_H */
