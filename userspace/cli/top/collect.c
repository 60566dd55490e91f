// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top: one sample of each proxy.
 *
 * A bound session keeps the proxy's module from being unloaded; so each sample
 * opens, binds, asks and closes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "agent.h"
#include "collect.h"

#define SYSFS_DIR	"/sys/class/misc/mlproxy"
#define STATUS_BYTES	65536
#define PATH_BYTES	512

/* Reads a small file; false if there is none, or it is no text, or too long. */
static bool read_text(const char *path, char *text, size_t bytes)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return false;
	len = fread(text, 1, bytes - 1, f);
	text[len] = '\0';
	fclose(f);
	return len > 0 && len < bytes - 1;
}

static void read_lost(struct top_sample *s)
{
	char path[PATH_BYTES], text[32];
	unsigned long long lost;

	snprintf(path, sizeof(path), SYSFS_DIR "/%s/records_lost", s->entry.name);
	s->lost_known = read_text(path, text, sizeof(text)) && sscanf(text, "%llu", &lost) == 1;
	if (s->lost_known)
		s->lost = lost;
}

static void read_agent(const struct top *top, struct top_sample *s)
{
	char path[PATH_BYTES], *text = malloc(STATUS_BYTES);

	memset(&s->agent, 0, sizeof(s->agent));
	if (!text)
		return;
	snprintf(path, sizeof(path), "%s/%s.status.json", top->status_dir, s->entry.name);
	if (read_text(path, text, STATUS_BYTES))
		top_agent_parse(text, &s->agent);
	free(text);
}

static int ask_schema(struct mlproxy_session *session, struct top_sample *s)
{
	struct mlproxy_schema_desc *schema;
	int ret = mlproxy_schema_get(session, &schema);

	if (ret)
		return ret;
	s->m = measures_of(&schema->s);
	mlproxy_schema_free(schema);
	return 0;
}

static void ask_efficiency(struct mlproxy_session *session, struct top_sample *s)
{
	int nr = mlproxy_efficiency_verdicts(session, &s->eff, s->transitions,
					     MLPROXY_MAX_TRANSITIONS, s->verdicts,
					     MLPROXY_ROOM_VERDICTS);

	/* a kernel module of before the mode machine knows no such call */
	s->judged = nr >= 0;
	s->nr_transitions = nr > 0 ? nr : 0;
}

static int ask(struct mlproxy_session *session, struct top_sample *s)
{
	int ret;

	ret = mlproxy_bind(session, s->entry.name);
	if (!ret)
		ret = ask_schema(session, s);
	if (!ret)
		ret = mlproxy_mode_get(session, &s->mode);
	if (!ret)
		ret = mlproxy_model_get_info(session, &s->models);
	if (!ret)
		ret = mlproxy_get_stats(session, &s->stats);
	if (ret)
		return ret;
	s->time_ns = clock_ns_now();
	s->realtime_s = time(NULL);
	ask_efficiency(session, s);
	return 0;
}

static void problem(struct top *top, int exit_code, const char *text)
{
	snprintf(top->problem, sizeof(top->problem), "%s", text);
	top->exit_code = exit_code;
}

static int sample(const struct top *top, const struct mlproxy_list_entry *entry,
		  struct top_sample *s)
{
	struct mlproxy_session *session;
	int ret;

	memset(s, 0, sizeof(*s));
	s->entry = *entry;
	ret = mlproxy_open(&session, top->cli->device, MLPROXY_OPEN_RDONLY);
	if (ret)
		return ret;
	ret = ask(session, s);
	mlproxy_close(session);
	if (ret)
		return ret;
	read_lost(s);
	read_agent(top, s);
	return 0;
}

static const struct top_sample *find(const struct top_view *view, unsigned int nr, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (view[i].sample.entry.id == id)
			return &view[i].sample;
	}
	return NULL;
}

static int list(struct top *top, struct mlproxy_list_entry **entries, unsigned int *nr)
{
	struct mlproxy_session *session;
	int ret;

	ret = mlproxy_open(&session, top->cli->device, MLPROXY_OPEN_RDONLY);
	if (ret) {
		problem(top, cli_exit_code(ret), mlproxy_errmsg(NULL));
		return ret;
	}
	ret = mlproxy_get_list(session, entries, nr);
	if (ret)
		problem(top, CLI_FAILURE, mlproxy_errmsg(session));
	mlproxy_close(session);
	return ret;
}

static enum top_order sort_order;

static int compare(const void *pa, const void *pb)
{
	const struct top_view *a = pa, *b = pb;

	return top_compare(sort_order, &a->sample, &a->rates, &b->sample, &b->rates);
}

void top_sort(struct top *top)
{
	sort_order = top->order;
	if (top->nr)
		qsort(top->view, top->nr, sizeof(*top->view), compare);
}

void top_collect(struct top *top)
{
	struct mlproxy_list_entry *entries = NULL;
	struct top_view *before = top->view;
	unsigned int nr_before = top->nr, nr = 0, i;

	top->view = NULL;
	top->nr = 0;
	problem(top, CLI_OK, "");
	if (list(top, &entries, &nr))
		goto out;
	top->view = calloc(nr ? nr : 1, sizeof(*top->view));
	if (!top->view) {
		problem(top, CLI_FAILURE, "out of memory");
		goto out;
	}
	for (i = 0; i < nr; i++) {
		struct top_view *v = &top->view[top->nr];

		if (sample(top, &entries[i], &v->sample))
			continue;
		top_rates(find(before, nr_before, entries[i].id), &v->sample, &v->rates);
		top->nr++;
	}
	top_sort(top);
	if (!nr)
		problem(top, CLI_OK,
			"no proxy is registered; load a module that has one, as mlproxy_readahead");
out:
	free(entries);
	free(before);
}
