// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy report: all figures of a run; see report.h. */
#include <stdlib.h>

#include "data.h"
#include "report.h"
#include "versions.h"

int report_make(struct report *r, char **paths, int nr_paths, size_t nr_bins,
		const struct report_model *models, unsigned int nr_models)
{
	const char *const *files = (const char *const *)paths;
	int ret;

	r->nr_bins = nr_bins;
	if (mlds_load(&r->data, files, nr_paths) || mlds_load_log(&r->log, files, nr_paths))
		return cli_error("%s", mlds_error());
	ret = report_data(r);
	if (ret == CLI_OK)
		ret = report_versions(r, models, nr_models);
	return ret;
}

void report_free(struct report *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_versions; i++) {
		free(r->version[i].error_bin);
		free(r->version[i].abs_error_bin);
	}
	free(r->bin);
	free(r->offset_s);
	free(r->start_ns);
	free(r->change);
	mlds_free(&r->data);
	mlds_log_free(&r->log);
}
