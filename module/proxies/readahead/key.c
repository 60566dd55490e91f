// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys of files in records and recommendations, which nobody can compute; and for
 * root, who may want to recommend something for one file, the parameter "key_of": written
 * "MAJOR:MINOR INODE GENERATION" it reads the same with the key behind it. The tool
 * bench/programs/ra_key.c asks it for a path.
 */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/types.h>
#include <linux/kdev_t.h>

#include <mlproxy/mlproxy.h>

#include "key.h"

/**
 * struct ra_identity - what tells a file from others, without padding
 * @ino: inode number
 * @dev: device number
 * @generation: inode generation
 */
struct ra_identity {
	u64 ino;
	u32 dev;
	u32 generation;
};

static struct ra_identity asked;	/* the lock of the module's parameters */

/**
 * ra_key() - key of a file, for recommendations and records
 * @dev: device number as the kernel holds it
 * @ino: inode number
 * @generation: inode generation
 *
 * Context: any.
 */
u64 ra_key(u32 dev, u64 ino, u32 generation)
{
	const struct ra_identity identity = {
		.ino = ino, .dev = dev, .generation = generation,
	};

	return mlproxy_key(&identity, sizeof(identity));
}

static int key_of_set(const char *val, const struct kernel_param *kp)
{
	unsigned int major, minor;
	struct ra_identity id;

	if (sscanf(val, "%u:%u %llu %u", &major, &minor, &id.ino, &id.generation) != 4 ||
	    major > MAJOR(~0U) || minor > MINORMASK)
		return -EINVAL;
	id.dev = MKDEV(major, minor);
	asked = id;
	return 0;
}

static int key_of_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%u:%u %llu %u %llu\n", MAJOR(asked.dev),
			 MINOR(asked.dev), asked.ino, asked.generation,
			 ra_key(asked.dev, asked.ino, asked.generation));
}

static const struct kernel_param_ops key_of_ops = { .set = key_of_set, .get = key_of_get };
module_param_cb(key_of, &key_of_ops, NULL, 0600);
MODULE_PARM_DESC(key_of, "written \"MAJOR:MINOR INODE GENERATION\" of a file, reads that and the file's key");
