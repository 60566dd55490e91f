/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: the terminal. */
#ifndef MLPROXY_TOP_SCREEN_H
#define MLPROXY_TOP_SCREEN_H

#include "top.h"

/** top_screen() - show it on the terminal until told to end; an exit code */
int top_screen(struct top *top);

#endif /* MLPROXY_TOP_SCREEN_H */
