/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions of the kernel that are replaced. */
#ifndef _MLPROXY_RA_HOOK_H
#define _MLPROXY_RA_HOOK_H

int ra_hooks_init(void);

#endif /* _MLPROXY_RA_HOOK_H */
