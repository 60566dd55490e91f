// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy report: the result in a sentence or two; see verdict.h. */
#include <math.h>
#include <stdio.h>

#include "verdict.h"

/* A feature whose values are in the unit already, as all figures of a report are. */
static struct mlproxy_feature in_unit(const struct report *r)
{
	struct mlproxy_feature what = r->reward;

	what.type = MLPROXY_TYPE_INT;
	return what;
}

/* "learning and collaboration mode", by the modes in which both arms have outcomes. */
static void name_modes(const struct report *r, char *text, size_t bytes)
{
	unsigned int i, nr = 0;
	size_t len = 0;

	*text = '\0';
	for (i = 1; i < REPORT_NR_STRATA && len < bytes; i++) {
		if (!isfinite(r->stratum[i].gain.low))
			continue;
		len += snprintf(text + len, bytes - len, "%s%s", nr++ ? " and " : "",
				r->stratum[i].name);
	}
}

static int no_model(const struct report *r, char *text, size_t bytes)
{
	uint64_t n = r->stratum[0].arm[MLPROXY_ARM_MODEL].n;

	if (!r->data.n)
		snprintf(text, bytes, "There is no decision with an outcome in these records.");
	else if (!n)
		snprintf(text, bytes, "No model decided in these records, so there is nothing to "
			 "compare the kernel's own choice with. Load a model, and record again.");
	else
		snprintf(text, bytes, "Nothing can be said of the model yet: %llu of its decisions "
			 "and %llu of the kernel's own have an outcome, in one mode at a time. "
			 "Record for longer.", (unsigned long long)n,
			 (unsigned long long)r->stratum[0].arm[MLPROXY_ARM_BASELINE].n);
	return 0;
}

int report_verdict(const struct report *r, char *text, size_t bytes)
{
	const struct report_stratum *all = &r->stratum[0];
	const struct report_stat *gain = &all->gain;
	struct mlproxy_feature reward = in_unit(r);
	char by[4 * VALUE_BYTES], modes[128], lost[128] = "";
	int better = gain->low > 0 ? 1 : gain->high < 0 ? -1 : 0;

	if (!isfinite(gain->mean) || !isfinite(gain->low) || !isfinite(gain->high))
		return no_model(r, text, bytes);
	value_interval(by, sizeof(by), &reward, gain->mean, gain->low, gain->high);
	name_modes(r, modes, sizeof(modes));
	if (r->data.counts.lost)
		snprintf(lost, sizeof(lost), " %llu records were lost and are not among them.",
			 (unsigned long long)r->data.counts.lost);
	snprintf(text, bytes, "%s: its gain in %s is %s, with 95 %% confidence%s. That is by %llu "
		 "decisions of the model and %llu of the kernel's own, drawn at random beside each "
		 "other in %s mode, over %.3g s.%s", better > 0 ?
		 "The model is better than the kernel's own choice" : better < 0 ?
		 "The model is worse than the kernel's own choice" :
		 "The model can't be told from the kernel's own choice", r->reward.name, by,
		 better ? "" : ", an interval with 0 in it",
		 (unsigned long long)all->arm[MLPROXY_ARM_MODEL].n,
		 (unsigned long long)all->arm[MLPROXY_ARM_BASELINE].n, modes, r->length_s, lost);
	return better;
}
