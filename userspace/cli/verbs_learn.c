// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy-learn: the verbs that need libtorch or XGBoost. */
#include "cli.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_train,
	&verb_test,
	&verb_quantize,
	&verb_import,
	&verb_report,
	NULL
};
