/* SPDX-License-Identifier: GPL-2.0-only */
/* The window of an open file, in force only within one call. */
#ifndef _MLPROXY_RA_OVERRIDE_H
#define _MLPROXY_RA_OVERRIDE_H

#include <linux/fs.h>

bool ra_file_advised(struct file *file, struct inode *inode);
bool ra_override_begin(struct file *file, struct inode *inode, unsigned int pages);
void ra_override_none(struct file *file, struct inode *inode);
void ra_override_end(struct file *file);

#endif /* _MLPROXY_RA_OVERRIDE_H */
