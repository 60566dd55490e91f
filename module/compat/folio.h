/* SPDX-License-Identifier: GPL-2.0-only */
/* Flags of a folio: a structure around the word since 6.18. */
#ifndef _MLPROXY_COMPAT_FOLIO_H
#define _MLPROXY_COMPAT_FOLIO_H

#include <linux/mm_types.h>
#include <linux/version.h>

/* Of a folio that nothing need keep: one read, and no question asked of the page. */
static inline unsigned long compat_folio_flags(const struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return READ_ONCE(folio->flags.f);
#else
	return READ_ONCE(folio->flags);
#endif
}

#endif /* _MLPROXY_COMPAT_FOLIO_H */
