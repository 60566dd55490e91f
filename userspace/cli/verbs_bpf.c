// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy-bpf: the verb that needs libbpf. */
#include "cli.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_bpf,
	NULL
};
