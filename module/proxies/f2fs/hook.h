/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of F2FS that are redirected to this module; see hook.c. */
#ifndef _MLPROXY_F2FS_HOOK_H
#define _MLPROXY_F2FS_HOOK_H

int f2fs_hooks_init(void);

#endif /* _MLPROXY_F2FS_HOOK_H */
