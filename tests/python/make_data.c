// SPDX-License-Identifier: GPL-2.0-only
/*
 * A data set of the bandit whose best policy is known, as a recorder writes it:
 * make_data FILE DECISIONS SEED [lower]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bandit.h"

static int write_rows(const struct mlds_data *data, struct mlds_writer *w)
{
	struct mlproxy_rec_feedback f;
	struct bandit_decision d;
	size_t i;
	int ret = 0;

	for (i = 0; i < data->n && !ret; i++) {
		bandit_records(data, i, &d, &f);
		ret = mlds_write(w, 0, &d.d.hdr);
		/* the outcome of every tenth never came */
		if (!ret && i % 10 != 9)
			ret = mlds_write(w, 0, &f.hdr);
	}
	return ret ? ret : mlds_write_lost(w, 0, 1, 0, 7);
}

int main(int argc, char **argv)
{
	struct bandit b = { .explore = 0.5, .noise = 100 };
	struct mlds_writer *w;
	struct mlds_data data;
	int ret;

	if (argc < 4)
		return 2;
	b.seed = strtoull(argv[3], NULL, 0);
	b.lower = argc > 4 && !strcmp(argv[4], "lower");
	if (bandit_log(&b, strtoul(argv[2], NULL, 0), &data))
		return 1;
	ret = mlds_open_writer(&w, argv[1], &data.schema, NULL);
	if (!ret) {
		ret = write_rows(&data, w);
		if (mlds_close_writer(w))
			ret = -1;
	}
	if (ret)
		fprintf(stderr, "make_data: %s\n", mlds_error());
	mlds_free(&data);
	return ret ? 1 : 0;
}
