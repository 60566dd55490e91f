// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy record: a data set that the kernel is asked for: number of decisions,
 * share, ranges of features, trigger.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record_request.h"
#include "value.h"

bool request_wanted(const struct record_request *r)
{
	return r->decisions || r->sample || r->nr_filters || r->trigger;
}

int request_add_filter(const struct cli *cli, struct record_request *r, const char *text)
{
	if (!strchr(text, '='))
		return cli_usage(cli, "'%s' is no range: FEATURE=MIN..MAX is", text);
	if (r->nr_filters == MLPROXY_MAX_FILTERS)
		return cli_usage(cli, "more than %u ranges", MLPROXY_MAX_FILTERS);
	r->filters[r->nr_filters++] = text;
	return CLI_OK;
}

int request_set_sample(const struct cli *cli, struct record_request *r, const char *text)
{
	if (parse_share(text, &r->sample) || !r->sample)
		return cli_usage(cli, "'%s' is no share: 1/16, 5%% or 0.05 are, down to 1/65536",
				 text);
	return CLI_OK;
}

int request_set_trigger(const struct cli *cli, struct record_request *r, const char *text)
{
	if (strcmp(text, "mode") != 0 && strncmp(text, "event:", 6) != 0)
		return cli_usage(cli, "'%s' is no trigger: mode, event:NAME and event:NUMBER are",
				 text);
	r->trigger = text;
	return CLI_OK;
}

/* In the feature's unit, as the tool prints it. */
static int parse_number(const char *text, const struct mlproxy_feature *what, __s64 *value)
{
	double one = 1 / value_number(what, 1), number;
	char *stop;

	errno = 0;
	if (one == 1) {
		*value = strtoll(text, &stop, 0);
		return errno || *stop || stop == text ? -EINVAL : 0;
	}
	number = strtod(text, &stop) * one;
	if (errno || *stop || stop == text || !(fabs(number) < 9e18))
		return -EINVAL;
	*value = llround(number);
	return 0;
}

/* An end of a range; absent, it stays as it is. */
static int parse_end(const char *text, size_t len, const struct mlproxy_feature *what,
		     __s64 *value)
{
	char number[32];

	if (!len)
		return 0;
	if (len >= sizeof(number) || text[0] == '+' || text[0] == ' ')
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	return parse_number(number, what, value);
}

int request_parse_filter(const char *text, const struct mlproxy_schema_desc *schema,
			 struct mlproxy_filter *filter)
{
	const char *equal = strchr(text, '='), *dots;
	const struct mlproxy_feature *what;
	char name[MLPROXY_NAME_LEN];
	int feature;

	*filter = (struct mlproxy_filter) { .min = INT64_MIN, .max = INT64_MAX };
	if (!equal || (size_t)(equal - text) >= sizeof(name))
		return -ENOENT;
	memcpy(name, text, equal - text);
	name[equal - text] = '\0';
	feature = mlproxy_schema_feature(schema, name);
	if (feature < 0)
		return -ENOENT;
	filter->feature = feature;
	what = &schema->features[feature];
	dots = strstr(++equal, "..");
	if (!dots) {
		if (!*equal || parse_end(equal, strlen(equal), what, &filter->min))
			return -EINVAL;
		filter->max = filter->min;
		return 0;
	}
	if (parse_end(equal, dots - equal, what, &filter->min) ||
	    parse_end(dots + 2, strlen(dots + 2), what, &filter->max) || filter->min > filter->max)
		return -EINVAL;
	return 0;
}

static int fill_trigger(const char *text, const struct mlproxy_schema_desc *schema,
			struct mlproxy_dataset *dataset)
{
	uint64_t number;
	int event;

	if (!text)
		return CLI_OK;
	if (strcmp(text, "mode") == 0) {
		dataset->trigger = MLPROXY_TRIGGER_MODE;
		return CLI_OK;
	}
	text += strlen("event:");
	event = mlproxy_schema_event(schema, text);
	if (event < 0) {
		if (parse_u64(text, MLPROXY_EVENT_SNAPSHOT - 1, &number))
			return cli_error("%s has no event '%s'; 'mlproxy schema %s' shows those "
					 "with names, others go by their number", schema->proxy,
					 text, schema->proxy);
		event = number;
	}
	dataset->trigger = MLPROXY_TRIGGER_EVENT;
	dataset->event = event;
	return CLI_OK;
}

int request_send(struct mlproxy_session *s, const struct record_request *r,
		 const struct mlproxy_schema_desc *schema, uint64_t max_ns)
{
	struct mlproxy_dataset dataset = {
		.max_decisions = r->decisions,
		.duration_ns = max_ns,
		.sample = r->sample,
		.nr_filters = r->nr_filters,
	};
	unsigned int i;
	int ret;

	for (i = 0; i < r->nr_filters; i++) {
		ret = request_parse_filter(r->filters[i], schema, &dataset.filters[i]);
		if (ret == -ENOENT)
			return cli_error("%s has no feature as in '%s'; 'mlproxy schema %s' shows "
					 "them", schema->proxy, r->filters[i], schema->proxy);
		if (ret)
			return cli_error("'%s' is no range: FEATURE=MIN..MAX is, of numbers in its unit",
					 r->filters[i]);
	}
	ret = fill_trigger(r->trigger, schema, &dataset);
	if (ret)
		return ret;
	ret = mlproxy_dataset_request(s, &dataset);
	return ret ? cli_fail(s, ret) : CLI_OK;
}
