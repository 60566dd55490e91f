/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking up paths. */
#ifndef _MLPROXY_COMPAT_NAMEI_H
#define _MLPROXY_COMPAT_NAMEI_H

#include <linux/namei.h>

/* Kernels before 6.4 export it, but declare it in fs/internal.h alone. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name,
		    unsigned int flags, struct path *path);

#endif /* _MLPROXY_COMPAT_NAMEI_H */
