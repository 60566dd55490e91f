// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors in words: one text a thread, with HDF5's own innermost message where
 * there is one. HDF5's printing to stderr is switched off.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataset_priv.h"

static __thread char error_text[512];
static __thread char kept[160];

const char *mlds_error(void)
{
	return error_text;
}

int mlds_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	return err;
}

/* Walking upward, the first entry is the innermost, which names the cause. */
static herr_t take_first(unsigned int n, const H5E_error2_t *entry, void *text)
{
	if (!n && entry->desc)
		snprintf(text, sizeof(kept), "%s", entry->desc);
	return 0;
}

/* Closing what was open clears HDF5's error; this keeps it for mlds_fail_h5(). */
void mlds_keep_h5_error(void)
{
	kept[0] = 0;
	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, kept);
}

int mlds_fail_h5(int err, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (!kept[0])
		mlds_keep_h5_error();
	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	len = strlen(error_text);
	if (kept[0])
		snprintf(error_text + len, sizeof(error_text) - len, " (HDF5: %s)", kept);
	kept[0] = 0;
	return err;
}

void mlds_h5_quiet(void)
{
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
