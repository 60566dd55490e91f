/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The status file of a proxy, STATE_DIR/PROXY.status.json; mlproxyd(8) has its keys.
 */
#ifndef MLPROXYD_STATUS_H
#define MLPROXYD_STATUS_H

#include "learner.h"

/** status_write() - replace it by what is now */
void status_write(const struct learner *ln);

#endif /* MLPROXYD_STATUS_H */
