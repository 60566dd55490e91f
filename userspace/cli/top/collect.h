/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: one sample of each proxy. */
#ifndef MLPROXY_TOP_COLLECT_H
#define MLPROXY_TOP_COLLECT_H

#include "top.h"

/**
 * top_collect() - ask for all, and put it into order
 * @top: @view, @nr, @problem and @exit_code are new afterwards
 *
 * A proxy that disappears meanwhile is left out. Opens the device anew each time
 * and holds nothing, so that modules can be unloaded and loaded under a running top.
 */
void top_collect(struct top *top);

/** top_sort() - put the views into @order */
void top_sort(struct top *top);

#endif /* MLPROXY_TOP_COLLECT_H */
