// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors in words: one text a thread.
 */
#include <stdarg.h>
#include <stdio.h>

#include "train_priv.h"

static __thread char error_text[512];

const char *mltrain_error(void)
{
	return error_text;
}

int mltrain_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	return err;
}
