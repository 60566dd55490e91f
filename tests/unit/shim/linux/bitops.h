/* SPDX-License-Identifier: GPL-2.0-only */
/* See mutex.h beside it. */
#include <linux/mutex.h>
