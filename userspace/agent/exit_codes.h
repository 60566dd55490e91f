/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exit codes, documented in mlproxyd(8); the first ones are as of the mlproxy tool.
 * The unit file names those that another attempt does not mend.
 */
#ifndef MLPROXYD_EXIT_CODES_H
#define MLPROXYD_EXIT_CODES_H

enum {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NO_DEVICE,
	EXIT_REFUSED,
	EXIT_CONFIG,
	EXIT_BUSY,
};

#endif /* MLPROXYD_EXIT_CODES_H */
