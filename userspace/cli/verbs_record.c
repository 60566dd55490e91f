// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy-record: the verbs that need HDF5, but not libtorch. */
#include "cli.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_record,
	&verb_convert,
	NULL
};
