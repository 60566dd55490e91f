// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy record: names for the instances that records carry the numbers of. They may
 * come while it records; then the first record tells.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "mlproxy_dataset.h"
#include "record_instances.h"

static bool is_known(const struct record_instances *in, uint32_t number)
{
	size_t i;

	/* The newest are the likeliest. */
	for (i = in->nr; i > 0; i--)
		if (in->number[i - 1] == number)
			return true;
	return false;
}

static int add(struct record_instances *in, uint32_t number)
{
	uint32_t *grown;

	if (in->nr == in->room) {
		in->room = in->room ? 2 * in->room : 16;
		grown = realloc(in->number, in->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		in->number = grown;
	}
	in->number[in->nr++] = number;
	return 0;
}

/* Those of the bound proxy that are not known yet; or the bound instance. */
static int write_new(struct record_instances *in, struct mlproxy_session *s,
		     struct mlds_writer *writer)
{
	const char *bound = mlproxy_bound_name(s);
	size_t len = strcspn(bound, ":");
	struct mlproxy_list_entry *entries;
	unsigned int nr, i;
	int ret;

	ret = mlproxy_get_list(s, &entries, &nr);
	for (i = 0; !ret && i < nr; i++) {
		const struct mlproxy_list_entry *e = &entries[i];

		if (!e->instance || strncmp(e->name, bound, len) || e->name[len] != ':' ||
		    is_known(in, e->instance) || (bound[len] && strcmp(e->name, bound)))
			continue;
		ret = mlds_write_instance(writer, e->instance, e->name + len + 1);
		if (!ret)
			ret = add(in, e->instance);
	}
	free(entries);
	return ret;
}

static uint32_t instance_of(const struct mlproxy_rec_hdr *hdr)
{
	const void *rec = hdr;

	switch (hdr->type) {
	case MLPROXY_REC_DECISION:
		return ((const struct mlproxy_rec_decision *)rec)->instance;
	case MLPROXY_REC_FEEDBACK:
		return ((const struct mlproxy_rec_feedback *)rec)->instance;
	case MLPROXY_REC_EVENT:
		return ((const struct mlproxy_rec_event *)rec)->instance;
	case MLPROXY_REC_MODE:
	case MLPROXY_REC_STATE:
	case MLPROXY_REC_MODEL:
		return ((const struct mlproxy_rec_change *)rec)->instance;
	default:
		return 0;
	}
}

int record_instances_begin(struct record_instances *in, struct mlproxy_session *s,
			   struct mlds_writer *writer)
{
	return write_new(in, s, writer);
}

int record_instances_see(struct record_instances *in, struct mlproxy_session *s,
			 struct mlds_writer *writer, const struct mlproxy_rec_hdr *rec)
{
	uint32_t number = instance_of(rec);
	int ret;

	if (!number || is_known(in, number))
		return 0;
	ret = write_new(in, s, writer);
	if (!ret && !is_known(in, number))
		ret = add(in, number);
	return ret;
}

void record_instances_free(struct record_instances *in)
{
	free(in->number);
}
