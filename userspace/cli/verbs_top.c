// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy-top: the verb that needs ncurses. */
#include "cli.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_top,
	NULL
};
