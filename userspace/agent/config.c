// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the configuration. Every key is a line of a table; a key or value that
 * is not understood ends the reading, with its line and what would be right.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>
#include <mlproxy/mlproxy.h>

#include "common/parse.h"
#include "config.h"

enum kind {
	KIND_BOOL,	/* bool */
	KIND_U32,	/* uint32_t, within min and max */
	KIND_BYTES,	/* uint32_t, K and M allowed */
	KIND_MS,	/* uint64_t of milliseconds */
	KIND_MS32,	/* uint32_t of milliseconds */
	KIND_DOUBLE,	/* double */
	KIND_SHARE,	/* uint64_t of MLPROXY_SHARE_ONE */
	KIND_TEXT,	/* char[max] */
	KIND_MODEL,	/* enum mltrain_kind */
	KIND_WIDTHS,	/* hidden layers of the trainer's options */
};

struct key {
	const char *name;
	enum kind kind;
	size_t at;
	double min;
	double max;
};

#define GLOBAL(field)	offsetof(struct agent_config, field)
#define PROXY(field)	offsetof(struct proxy_config, field)
#define TEXT_BYTES(field) sizeof(((struct agent_config *)0)->field)

static const struct key global_keys[] = {
	{ "device", KIND_TEXT, GLOBAL(device), 0, TEXT_BYTES(device) },
	{ "state_dir", KIND_TEXT, GLOBAL(state_dir), 0, TEXT_BYTES(state_dir) },
	{ "user", KIND_TEXT, GLOBAL(user), 0, TEXT_BYTES(user) },
	{ "status_period", KIND_MS32, GLOBAL(status_ms), 100, 3600000 },
	{ "save_period", KIND_MS32, GLOBAL(save_ms), 1000, 86400000 },
	{ "nice", KIND_U32, GLOBAL(nice), 0, 19 },
	{ "threads", KIND_U32, GLOBAL(threads), 1, 64 },
	{ 0 }
};

static const struct key proxy_keys[] = {
	{ "start", KIND_BOOL, PROXY(start), 0, 0 },
	{ "heartbeat", KIND_MS32, PROXY(heartbeat_ms), 300, MLPROXY_HEARTBEAT_MAX_MS },
	{ "ring_size", KIND_BYTES, PROXY(ring_bytes), MLPROXY_RING_MIN_BYTES,
	  MLPROXY_RING_MAX_BYTES },
	{ "recent_rows", KIND_U32, PROXY(recent_rows), 200, 10000000 },
	{ "archive_rows", KIND_U32, PROXY(archive_rows), 0, 10000000 },
	{ "min_rows", KIND_U32, PROXY(min_rows), 200, 10000000 },
	{ "refit_rows", KIND_U32, PROXY(refit_rows), 100, 1000000000 },
	{ "refit_period", KIND_MS, PROXY(refit_ms), 1000, 1e12 },
	{ "holdout", KIND_DOUBLE, PROXY(holdout), 0.05, 0.5 },
	{ "validation", KIND_DOUBLE, PROXY(validation), 0.05, 0.5 },
	{ "replay_share", KIND_DOUBLE, PROXY(replay_share), 0, 10 },
	{ "drift_delta", KIND_DOUBLE, PROXY(drift_delta), 0.001, 10 },
	{ "drift_threshold", KIND_DOUBLE, PROXY(drift_threshold), 1, 1e6 },
	{ "tolerance", KIND_DOUBLE, PROXY(tolerance), 0, 1 },
	{ "min_gain", KIND_DOUBLE, PROXY(min_gain), 0, 1 },
	{ "probation_rows", KIND_U32, PROXY(probation_rows), 0, 1000000000 },
	{ "versions", KIND_U32, PROXY(versions), 2, 10000 },
	{ "model", KIND_MODEL, PROXY(fit.kind), 0, 0 },
	{ "trees", KIND_U32, PROXY(fit.trees), 0, MLPROXY_MODEL_MAX_TREES },
	{ "depth", KIND_U32, PROXY(fit.depth), 0, MLPROXY_MODEL_MAX_DEPTH },
	{ "hidden", KIND_WIDTHS, PROXY(fit), 0, 0 },
	{ "epochs", KIND_U32, PROXY(fit.epochs), 1, 100000 },
	{ "warm_epochs", KIND_U32, PROXY(warm_epochs), 1, 100000 },
	{ "patience", KIND_U32, PROXY(fit.patience), 1, 100000 },
	{ "restarts", KIND_U32, PROXY(fit.restarts), 1, 100 },
	{ "batch", KIND_U32, PROXY(fit.batch), 0, 1000000 },
	{ "lr", KIND_DOUBLE, PROXY(fit.lr), 1e-7, 1 },
	{ "min_action_rows", KIND_U32, PROXY(fit.min_rows), 1, 1000000 },
	{ "share.learning", KIND_SHARE, PROXY(share[MLPROXY_MODE_LEARNING]), 0, 0 },
	{ "share.collaboration", KIND_SHARE, PROXY(share[MLPROXY_MODE_COLLABORATION]), 0, 0 },
	{ "share.recommendation", KIND_SHARE, PROXY(share[MLPROXY_MODE_RECOMMENDATION]), 0, 0 },
	{ "explore.learning", KIND_SHARE, PROXY(explore[MLPROXY_MODE_LEARNING]), 0, 0 },
	{ "explore.collaboration", KIND_SHARE, PROXY(explore[MLPROXY_MODE_COLLABORATION]), 0, 0 },
	{ "explore.recommendation", KIND_SHARE, PROXY(explore[MLPROXY_MODE_RECOMMENDATION]), 0,
	  0 },
	{ 0 }
};

/**
 * struct reading - one reading of a file
 * @config: what is read
 * @next: the rest of the text
 * @line: line that the parser has got last
 * @name: name of the file
 * @failed: something is wrong, @error says what
 */
struct reading {
	struct agent_config *config;
	const char *next;
	unsigned int line;
	const char *name;
	bool failed;
	char *error;
	size_t error_len;
};

static int wrong(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The first thing that is wrong counts. Return: 0, which tells inih so. */
static int wrong(struct reading *r, const char *fmt, ...)
{
	char text[1400];
	va_list args;

	if (r->failed)
		return 0;
	r->failed = true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(r->error, r->error_len, "%s, line %u: %s", r->name, r->line, text);
	return 0;
}

static char *next_line(char *buf, int room, void *stream)
{
	struct reading *r = stream;
	size_t len = strcspn(r->next, "\n");

	if (!*r->next)
		return NULL;
	r->line++;
	if (len + 2 > (size_t)room) {
		wrong(r, "it is longer than %d characters: shorten it", room - 2);
		return NULL;
	}
	memcpy(buf, r->next, len);
	buf[len] = '\n';
	buf[len + 1] = '\0';
	r->next += len + (r->next[len] == '\n');
	return buf;
}

static int number_in(struct reading *r, const struct key *k, const char *value, double v)
{
	if (v >= k->min && v <= k->max)
		return 1;
	return wrong(r, "%s = %s: it must be %g to %g", k->name, value, k->min, k->max);
}

static int set_double(struct reading *r, const struct key *k, const char *value, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(value, &end);
	if (end == value || *end || errno)
		return wrong(r, "%s = %s: it must be a number, as in \"%s = %g\"", k->name, value,
			     k->name, k->min);
	return number_in(r, k, value, *out);
}

static int set_bool(struct reading *r, const struct key *k, const char *value, bool *out)
{
	if (!strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "1"))
		*out = true;
	else if (!strcmp(value, "no") || !strcmp(value, "false") || !strcmp(value, "0"))
		*out = false;
	else
		return wrong(r, "%s = %s: it must be yes or no", k->name, value);
	return 1;
}

static int set_time(struct reading *r, const struct key *k, const char *value, uint64_t *ms)
{
	uint64_t ns;

	if (parse_ns(value, "s", &ns))
		return wrong(r, "%s = %s: it must be a time, as 30, 500ms, 5m or 1h", k->name,
			     value);
	*ms = ns / 1000000;
	if (*ms >= k->min && *ms <= k->max)
		return 1;
	return wrong(r, "%s = %s: it must be %gms to %gms", k->name, value, k->min, k->max);
}

static int set_model(struct reading *r, const char *value, enum mltrain_kind *out)
{
	enum mltrain_kind kind;

	for (kind = MLTRAIN_MLP; kind <= MLTRAIN_AUTO; kind++) {
		if (strcmp(value, mltrain_kind_name(kind)))
			continue;
		*out = kind;
		return 1;
	}
	return wrong(r, "model = %s: it must be mlp, tree, forest or auto", value);
}

static int set_widths(struct reading *r, const char *value, struct mltrain_options *o)
{
	const char *p = value;
	char *end;

	o->nr_hidden = 0;
	while (*p) {
		unsigned long width = strtoul(p, &end, 10);

		if (end == p || !width || width > MLPROXY_MODEL_MAX_WIDTH ||
		    o->nr_hidden == MLTRAIN_MAX_HIDDEN || (*end && *end != ','))
			return wrong(r, "hidden = %s: it must be at most %d widths of 1 to %d, as in \"hidden = 24,16\"",
				     value, MLTRAIN_MAX_HIDDEN, MLPROXY_MODEL_MAX_WIDTH);
		o->hidden[o->nr_hidden++] = width;
		p = *end ? end + 1 : end;
		p += strspn(p, " ");
	}
	return 1;
}

static int set_number(struct reading *r, const struct key *k, const char *value, uint32_t *out)
{
	uint64_t v;

	if (parse_u64(value, UINT32_MAX, &v))
		return wrong(r, "%s = %s: it must be a whole number, %g to %g", k->name, value,
			     k->min, k->max);
	*out = v;
	return number_in(r, k, value, v);
}

static int set_value(struct reading *r, const struct key *k, const char *value, void *base)
{
	void *at = (char *)base + k->at;
	uint64_t v;

	switch (k->kind) {
	case KIND_BOOL:
		return set_bool(r, k, value, at);
	case KIND_U32:
		return set_number(r, k, value, at);
	case KIND_BYTES:
		if (parse_bytes(value, UINT32_MAX, &v) || v < k->min || v > k->max)
			return wrong(r, "%s = %s: it must be a size of 4K to 64M", k->name, value);
		*(uint32_t *)at = v;
		return 1;
	case KIND_MS:
		return set_time(r, k, value, at);
	case KIND_MS32:
		if (!set_time(r, k, value, &v))
			return 0;
		*(uint32_t *)at = v;
		return 1;
	case KIND_DOUBLE:
		return set_double(r, k, value, at);
	case KIND_SHARE:
		if (parse_share(value, at))
			return wrong(r, "%s = %s: it must be a share, as 1/16, 5%% or 0.05",
				     k->name, value);
		return 1;
	case KIND_TEXT:
		if (strlen(value) >= k->max)
			return wrong(r, "%s: it is longer than %g characters", k->name,
				     k->max - 1);
		strcpy(at, value);
		return 1;
	case KIND_MODEL:
		return set_model(r, value, at);
	case KIND_WIDTHS:
		return set_widths(r, value, at);
	}
	return 0;
}

static int set_key(struct reading *r, const struct key *keys, const char *section,
		   const char *name, const char *value, void *base)
{
	const struct key *k;
	char known[1200] = "";
	size_t len = 0;

	for (k = keys; k->name; k++) {
		if (!strcmp(k->name, name))
			return set_value(r, k, value, base);
		len += snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", k->name);
	}
	return wrong(r, "[%s] has no key \"%s\"; it has %s", section, name, known);
}

static void proxy_defaults(struct proxy_config *p, const char *name)
{
	unsigned int mode;

	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->heartbeat_ms = 3000;
	p->recent_rows = 20000;
	p->archive_rows = 20000;
	p->min_rows = 2000;
	p->refit_rows = 5000;
	p->refit_ms = 600000;
	p->holdout = 0.25;
	p->validation = 0.15;
	p->replay_share = 0.5;
	p->drift_delta = 0.1;
	p->drift_threshold = 50;
	p->tolerance = 0.05;
	p->min_gain = 0.05;
	p->probation_rows = 20000;
	p->versions = 8;
	p->warm_epochs = 15;
	for (mode = 0; mode < MLPROXY_NR_MODES; mode++) {
		p->share[mode] = CONFIG_UNSET;
		p->explore[mode] = CONFIG_UNSET;
	}
	mltrain_default_options(&p->fit);
}

/* What the others begin with: so it comes before them. */
static struct proxy_config *any_section(struct reading *r)
{
	if (r->config->nr_proxies && !r->config->any) {
		wrong(r, "[proxy *] is what the sections of single proxies begin with: write it above them");
		return NULL;
	}
	r->config->any = true;
	return &r->config->any_proxy;
}

/* The proxy that a section is about, made where it is the first time. */
static struct proxy_config *proxy_section(struct reading *r, const char *name)
{
	struct agent_config *c = r->config;
	struct proxy_config *p;
	unsigned int i;

	if (!strcmp(name, "*"))
		return any_section(r);
	for (i = 0; i < c->nr_proxies; i++)
		if (!strcmp(c->proxy[i].name, name))
			return &c->proxy[i];
	if (!*name || strlen(name) >= MLPROXY_NAME_LEN || strpbrk(name, "/ .")) {
		wrong(r, "[proxy %s] names no proxy; \"mlproxy list\" shows which there are", name);
		return NULL;
	}
	if (c->nr_proxies == CONFIG_MAX_PROXIES) {
		wrong(r, "more than %d proxies: the kernel has no more", CONFIG_MAX_PROXIES);
		return NULL;
	}
	p = realloc(c->proxy, (c->nr_proxies + 1) * sizeof(*p));
	if (!p) {
		wrong(r, "no memory");
		return NULL;
	}
	c->proxy = p;
	p[c->nr_proxies] = c->any_proxy;
	snprintf(p[c->nr_proxies].name, sizeof(p->name), "%s", name);
	return &p[c->nr_proxies++];
}

static int on_value(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	struct proxy_config *p;

	if (r->failed)
		return 0;
	if (!strcmp(section, "mlproxyd"))
		return set_key(r, global_keys, section, name, value, r->config);
	if (strncmp(section, "proxy ", 6))
		return wrong(r, "\"%s\" is not in a section [mlproxyd] or [proxy NAME], but in [%s]",
			     name, section);
	p = proxy_section(r, section + 6 + strspn(section + 6, " "));
	return p ? set_key(r, proxy_keys, section, name, value, p) : 0;
}

/* What the kernel begins with, where the configuration says nothing. */
static const uint32_t usual_share[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 2,
	[MLPROXY_MODE_RECOMMENDATION] = MLPROXY_SHARE_ONE - MLPROXY_SHARE_ONE / 64,
};

static const uint32_t usual_explore[MLPROXY_NR_MODES] = {
	[MLPROXY_MODE_LEARNING] = MLPROXY_SHARE_ONE / 16,
	[MLPROXY_MODE_COLLABORATION] = MLPROXY_SHARE_ONE / 64,
};

/* What is neither the model's nor explored is the control group: some has to be left. */
static void check_shares(struct reading *r, const struct proxy_config *p)
{
	static const char usual[] = " (the kernel's default)";
	uint32_t mode;

	for (mode = MLPROXY_MODE_LEARNING; mode < MLPROXY_NR_MODES; mode++) {
		bool no_share = p->share[mode] == CONFIG_UNSET;
		bool no_explore = p->explore[mode] == CONFIG_UNSET;
		uint64_t share = no_share ? usual_share[mode] : p->share[mode];
		uint64_t explore = no_explore ? usual_explore[mode] : p->explore[mode];
		const char *name = mlproxy_mode_name(mode);

		if (share + explore >= MLPROXY_SHARE_ONE)
			wrong(r, "[proxy %s]: share.%s, %g%s, and explore.%s, %g%s, leave no control group to measure the model against; lower one of them so that their sum is below 1",
			      p->name, name, (double)share / MLPROXY_SHARE_ONE,
			      no_share ? usual : "", name, (double)explore / MLPROXY_SHARE_ONE,
			      no_explore ? usual : "");
	}
}

static void check_proxy(struct reading *r, const struct proxy_config *p)
{
	if (p->min_rows > p->recent_rows)
		wrong(r, "[proxy %s]: min_rows is %u, more than recent_rows, %u: lower it",
		      p->name, p->min_rows, p->recent_rows);
	check_shares(r, p);
}

/* Is it the same proxy, or an instance of the other? All models go to the proxy. */
static bool same_proxy(const char *a, const char *b)
{
	size_t len = strcspn(a, ":");

	return len == strcspn(b, ":") && !strncmp(a, b, len);
}

static void check_instances(struct reading *r)
{
	const struct agent_config *c = r->config;
	unsigned int i, j;

	for (i = 0; i < c->nr_proxies; i++)
		for (j = 0; j < i; j++)
			if (same_proxy(c->proxy[i].name, c->proxy[j].name))
				wrong(r, "[proxy %s] and [proxy %s] are of one proxy, which has one model: keep one of them",
				      c->proxy[j].name, c->proxy[i].name);
}

static int check(struct reading *r)
{
	struct agent_config *c = r->config;
	unsigned int i;

	r->line++;
	/* Without a word about proxies, all of them are meant. */
	if (!c->nr_proxies)
		c->any = true;
	if (c->any)
		check_proxy(r, &c->any_proxy);
	for (i = 0; i < c->nr_proxies; i++)
		check_proxy(r, &c->proxy[i]);
	check_instances(r);
	return r->failed ? -EINVAL : 0;
}

int config_parse(struct agent_config *c, const char *text, const char *name, char *error,
		 size_t error_len)
{
	struct reading r = { .config = c, .next = text, .name = name, .error = error,
			     .error_len = error_len };
	int bad, err;

	memset(c, 0, sizeof(*c));
	strcpy(c->state_dir, "/var/lib/mlproxy");
	c->status_ms = 2000;
	c->save_ms = 60000;
	c->nice = 10;
	c->threads = 1;
	proxy_defaults(&c->any_proxy, "*");
	bad = ini_parse_stream(next_line, &r, on_value, &r);
	if (bad && !r.failed) {
		r.line = bad > 0 ? bad : 0;
		wrong(&r, "it is neither a [section] nor KEY = VALUE");
	}
	err = r.failed ? -EINVAL : check(&r);
	if (err)
		config_free(c);
	return err;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;

	if (!f)
		return NULL;
	len = getdelim(&text, &room, '\0', f);
	if (len < 0 && !ferror(f)) {
		free(text);
		text = strdup("");
	} else if (len < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

int config_load(struct agent_config *config, const char *path, char *error, size_t error_len)
{
	const char *name = path ? path : CONFIG_DEFAULT_PATH;
	char *text = read_all(name);
	int err;

	memset(config, 0, sizeof(*config));
	if (!text && !path && errno == ENOENT)
		text = strdup("");
	if (!text) {
		err = errno ? -errno : -EIO;
		snprintf(error, error_len, "can't read %s: %s; name another file with -c", name,
			 strerror(-err));
		return err;
	}
	err = config_parse(config, text, name, error, error_len);
	free(text);
	return err;
}

void config_free(struct agent_config *config)
{
	free(config->proxy);
	config->proxy = NULL;
	config->nr_proxies = 0;
}

const struct proxy_config *config_find(const struct agent_config *config, const char *name)
{
	unsigned int i;

	for (i = 0; i < config->nr_proxies; i++)
		if (!strcmp(config->proxy[i].name, name))
			return &config->proxy[i];
	/* An instance is learned from with its proxy, unless it alone is named. */
	if (!config->any || strchr(name, ':'))
		return NULL;
	for (i = 0; i < config->nr_proxies; i++)
		if (same_proxy(config->proxy[i].name, name))
			return NULL;
	return &config->any_proxy;
}
