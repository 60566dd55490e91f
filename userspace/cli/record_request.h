/* SPDX-License-Identifier: GPL-2.0-only */
/* What mlproxy record asks the kernel for, instead of all records. */
#ifndef _MLPROXY_CLI_RECORD_REQUEST_H
#define _MLPROXY_CLI_RECORD_REQUEST_H

#include "cli.h"

/**
 * struct record_request - options of a request; all zero for none
 * @decisions: so many, 0 for no limit
 * @sample: of MLPROXY_SHARE_ONE, 0 for all
 * @filters: "FEATURE=MIN..MAX", as given
 * @nr_filters: how many
 * @trigger: "event:NAME" or "mode", NULL for at once
 */
struct record_request {
	uint64_t decisions;
	uint64_t sample;
	const char *filters[MLPROXY_MAX_FILTERS];
	unsigned int nr_filters;
	const char *trigger;
};

bool request_wanted(const struct record_request *r);

/* Each returns CLI_OK, or says what is wrong. */
int request_add_filter(const struct cli *cli, struct record_request *r, const char *text);
int request_set_sample(const struct cli *cli, struct record_request *r, const char *text);
int request_set_trigger(const struct cli *cli, struct record_request *r, const char *text);

/* Ask for it; @max_ns is its duration, 0 for no limit. */
int request_send(struct mlproxy_session *s, const struct record_request *r,
		 const struct mlproxy_schema_desc *schema, uint64_t max_ns);

/*
 * "FEATURE=MIN..MAX", either of which may be absent, or "FEATURE=VALUE". Return: 0;
 * -ENOENT if the schema has no such feature; -EINVAL. The numbers are in the feature's unit.
 */
int request_parse_filter(const char *text, const struct mlproxy_schema_desc *schema,
			 struct mlproxy_filter *filter);

#endif /* _MLPROXY_CLI_RECORD_REQUEST_H */
