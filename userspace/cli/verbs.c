// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy tool: all verbs, in the order of the work: look, run, record, train, load. */
#include "cli.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_list,
	&verb_show,
	&verb_schema,
	&verb_stats,
	&verb_top,
	&verb_export,
	&verb_snapshot,
	&verb_start,
	&verb_stop,
	&verb_reinit,
	&verb_mode,
	&verb_efficiency,
	&verb_param,
	&verb_record,
	&verb_convert,
	&verb_report,
	&verb_train,
	&verb_test,
	&verb_quantize,
	&verb_import,
	&verb_load,
	&verb_activate,
	&verb_rollback,
	&verb_unload,
	&verb_recommend,
	&verb_bpf,
	&verb_doctor,
	NULL
};
