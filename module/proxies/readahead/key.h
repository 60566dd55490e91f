/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of files in records and recommendations; see key.c. */
#ifndef _MLPROXY_RA_KEY_H
#define _MLPROXY_RA_KEY_H

#include <linux/types.h>

struct inode;

u32 ra_file_dev(const struct inode *inode);
u64 ra_key(u32 dev, u64 ino, u32 generation);

#endif /* _MLPROXY_RA_KEY_H */
