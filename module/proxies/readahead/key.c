// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys of files in records and recommendations, which nobody can compute; and for
 * root, who may want to recommend something for one file, the parameter "key_of": written
 * a path, or "MAJOR:MINOR INODE GENERATION", it reads these three with the key behind them.
 * The tool bench/programs/ra_key.c asks it.
 */
#include <linux/exportfs.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/moduleparam.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/kdev_t.h>

#include <mlproxy/mlproxy.h>

#include "key.h"

/**
 * struct ra_identity - what tells a file from others, without padding
 * @ino: inode number
 * @dev: from ra_file_dev()
 * @generation: inode generation
 */
struct ra_identity {
	u64 ino;
	u32 dev;
	u32 generation;
};

static struct ra_identity asked;	/* the lock of the module's parameters */

/*
 * Subvolumes and snapshots of btrfs have one device number, and the same inode numbers. The
 * number of the subvolume is in what the filesystem tells NFS of a file: two words of the
 * inode's number, two of the subvolume's, and the generation.
 */
static u64 subvolume(const struct inode *inode)
{
	const struct export_operations *ops = inode->i_sb->s_export_op;
	int words = 5;
	u32 fid[5];
	u64 root;

	if (!ops || !ops->encode_fh ||
	    ops->encode_fh((struct inode *)inode, fid, &words, NULL) != FILEID_BTRFS_WITHOUT_PARENT)
		return 0;
	memcpy(&root, &fid[2], sizeof(root));
	return root;
}

/**
 * ra_file_dev() - the number that tells a file's filesystem, or subvolume, from others
 * @inode: the file's
 *
 * That of the device, where there are no subvolumes. Context: any.
 * Return: the number, not 0.
 */
u32 ra_file_dev(const struct inode *inode)
{
	u32 dev = inode->i_sb->s_dev;

	if (inode->i_sb->s_magic == BTRFS_SUPER_MAGIC)
		dev ^= hash_64(subvolume(inode), 32);
	return dev ?: 1;
}

/**
 * ra_key() - key of a file, for recommendations and records
 * @dev: from ra_file_dev()
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

static int ask_path(const char *val)
{
	char *name = kstrndup(val, strcspn(val, "\n"), GFP_KERNEL);
	struct inode *inode;
	struct path path;
	int err;

	if (!name)
		return -ENOMEM;
	err = kern_path(name, LOOKUP_FOLLOW, &path);
	kfree(name);
	if (err)
		return err;
	inode = d_backing_inode(path.dentry);
	asked.dev = ra_file_dev(inode);
	asked.ino = inode->i_ino;
	asked.generation = inode->i_generation;
	path_put(&path);
	return 0;
}

static int key_of_set(const char *val, const struct kernel_param *kp)
{
	unsigned int major, minor;
	struct ra_identity id;

	if (*val == '/')
		return ask_path(val);
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
MODULE_PARM_DESC(key_of, "written a file's path, or its \"MAJOR:MINOR INODE GENERATION\", reads the latter and the file's key");
