// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operator's part; see setup.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exit_codes.h"
#include "log.h"
#include "setup.h"

#define BIND_TRIES	20
#define BIND_PAUSE_MS	50
#define REMEDY	"`systemctl reload mlproxyd`, or `mlproxyd --setup` as root, sets it"

static int set_one(struct mlproxy_session *s, const char *name, uint32_t param, uint32_t mode,
		   uint64_t value)
{
	int err;

	if (value == CONFIG_UNSET)
		return 0;
	err = mlproxy_param_set(s, param, mode, value);
	if (err)
		log_say(LOG_ERR, name, "%s.%s is not set: %s%s",
			param == MLPROXY_PARAM_SHARE ? "share" : "explore",
			mlproxy_mode_name(mode), mlproxy_errmsg(s),
			err == -EPERM ? "; it is for root (CAP_SYS_ADMIN)" : "");
	return err;
}

/* The kernel wants a control group at any time: so what gets smaller comes first. */
static int set_shares(struct mlproxy_session *s, const struct proxy_config *p, const char *name,
		      uint32_t mode)
{
	uint64_t share = 0;
	int err, err2;

	if (mlproxy_param_get(s, MLPROXY_PARAM_SHARE, mode, &share))
		share = 0;
	if (p->share[mode] <= share) {
		err = set_one(s, name, MLPROXY_PARAM_SHARE, mode, p->share[mode]);
		err2 = set_one(s, name, MLPROXY_PARAM_EXPLORE, mode, p->explore[mode]);
	} else {
		err = set_one(s, name, MLPROXY_PARAM_EXPLORE, mode, p->explore[mode]);
		err2 = set_one(s, name, MLPROXY_PARAM_SHARE, mode, p->share[mode]);
	}
	return err ? err : err2;
}

static int start(struct mlproxy_session *s, const char *name)
{
	int err = mlproxy_control(s, MLPROXY_CTL_START, NULL);

	if (err)
		log_say(LOG_ERR, name, "it is not started: %s%s", mlproxy_errmsg(s),
			err == -EPERM ? "; it is for root (CAP_SYS_ADMIN)" : "");
	else
		log_say(LOG_INFO, name, "started");
	return err;
}

/* A proxy is listed while its module still comes up, and can be bound a moment later. */
static int bind_soon(struct mlproxy_session *s, const char *name)
{
	const struct timespec pause = { .tv_nsec = BIND_PAUSE_MS * 1000000L };
	int i, err = -ENODEV;

	for (i = 0; i < BIND_TRIES; i++) {
		err = mlproxy_bind(s, name);
		if (err != -ENODEV && err != -ENOENT && err != -EAGAIN)
			break;
		nanosleep(&pause, NULL);
	}
	return err;
}

/* All that can be set is, even where something else is refused. */
static int setup_proxy(const struct agent_config *config, const struct proxy_config *p,
		       const struct mlproxy_list_entry *entry)
{
	const char *device = *config->device ? config->device : NULL;
	struct mlproxy_session *s;
	uint32_t mode;
	int err, ret = 0;

	err = mlproxy_open(&s, device, 0);
	if (err) {
		log_say(LOG_ERR, entry->name, "%s", mlproxy_errmsg(NULL));
		return err;
	}
	err = bind_soon(s, entry->name);
	if (err) {
		log_say(LOG_ERR, entry->name, "%s", mlproxy_errmsg(s));
		ret = err;
		goto out;
	}
	for (mode = MLPROXY_MODE_LEARNING; mode < MLPROXY_NR_MODES; mode++) {
		err = set_shares(s, p, entry->name, mode);
		ret = ret ? ret : err;
	}
	if (p->start && entry->state != MLPROXY_STATE_RUNNING) {
		err = start(s, entry->name);
		ret = ret ? ret : err;
	}
	log_say(LOG_DEBUG, entry->name, "set up");
out:
	mlproxy_close(s);
	return ret;
}

static bool wanted(const char *name, char *const *names, int nr_names)
{
	int i;

	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i], name))
			return true;
	return !nr_names;
}

/* Return: the proxies that there are, or a negative errno; for free() */
static int list_proxies(const char *device, struct mlproxy_list_entry **entries,
			unsigned int *nr)
{
	struct mlproxy_session *s;
	int err = mlproxy_open(&s, device, MLPROXY_OPEN_RDONLY);

	if (err) {
		log_say(err == -ENOENT || err == -ENXIO || err == -ENODEV ? LOG_NOTICE : LOG_ERR,
			NULL, "nothing is set up: %s", mlproxy_errmsg(NULL));
		return err;
	}
	err = mlproxy_get_list(s, entries, nr);
	if (err)
		log_say(LOG_ERR, NULL, "%s", mlproxy_errmsg(s));
	mlproxy_close(s);
	return err;
}

static void say_missing(const struct agent_config *config, char *const *names, int nr_names,
			const struct mlproxy_list_entry *entries, unsigned int nr)
{
	unsigned int i, k;

	for (i = 0; i < config->nr_proxies; i++) {
		const char *name = config->proxy[i].name;

		for (k = 0; k < nr && strcmp(entries[k].name, name); k++)
			;
		if (k == nr && wanted(name, names, nr_names))
			log_say(LOG_NOTICE, name, "it is not there yet: nothing is set up");
	}
}

int setup_apply(const struct agent_config *config, char *const *names, int nr_names)
{
	const char *device = *config->device ? config->device : NULL;
	struct mlproxy_list_entry *entries = NULL;
	const struct proxy_config *p;
	unsigned int nr = 0, i;
	int err, code = EXIT_OK;

	err = list_proxies(device, &entries, &nr);
	switch (err) {
	case 0:
		break;
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return EXIT_OK;
	case -EPROTO:
		return EXIT_REFUSED;
	default:
		return EXIT_NO_DEVICE;
	}
	for (i = 0; i < nr; i++) {
		p = config_find(config, entries[i].name);
		if (!p || !wanted(entries[i].name, names, nr_names))
			continue;
		/* What is going away meanwhile wants no settings. */
		err = setup_proxy(config, p, &entries[i]);
		if (err && err != -ENODEV && err != -ENOENT)
			code = EXIT_FAILED;
	}
	say_missing(config, names, nr_names, entries, nr);
	free(entries);
	return code;
}

static bool one_in_force(struct mlproxy_session *s, const char *name, uint32_t param,
			 uint32_t mode, uint64_t wish)
{
	uint64_t value;

	if (wish == CONFIG_UNSET || mlproxy_param_get(s, param, mode, &value) || value == wish)
		return true;
	log_say(LOG_WARNING, name, "%s.%s is %g, not %g as the configuration says: " REMEDY,
		param == MLPROXY_PARAM_SHARE ? "share" : "explore", mlproxy_mode_name(mode),
		(double)value / MLPROXY_SHARE_ONE, (double)wish / MLPROXY_SHARE_ONE);
	return false;
}

static bool runs(struct mlproxy_session *s, const char *name)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr, i;
	bool ret = true;

	if (mlproxy_get_list(s, &entries, &nr))
		return true;
	for (i = 0; i < nr; i++)
		if (!strcmp(entries[i].name, name))
			ret = entries[i].state == MLPROXY_STATE_RUNNING;
	free(entries);
	return ret;
}

bool setup_in_force(struct mlproxy_session *s, const struct proxy_config *p, const char *name)
{
	bool all = true;
	uint32_t mode;

	for (mode = MLPROXY_MODE_LEARNING; mode < MLPROXY_NR_MODES; mode++) {
		all &= one_in_force(s, name, MLPROXY_PARAM_SHARE, mode, p->share[mode]);
		all &= one_in_force(s, name, MLPROXY_PARAM_EXPLORE, mode, p->explore[mode]);
	}
	if (runs(s, name))
		return all;
	if (p->start)
		log_say(LOG_WARNING, name, "it does not run, though the configuration says so: "
			REMEDY);
	else
		log_say(LOG_NOTICE, name,
			"it does not run, so there is nothing to learn from: `mlproxy start %s` starts it",
			name);
	return false;
}
