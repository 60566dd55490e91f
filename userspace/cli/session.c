// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy tool: opening the device with what a verb needs, and what its failures mean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *const needs[] = {
	[CLI_READ] = "to open the device for reading, as root and the group mlproxy may",
	[CLI_LEARN] = "to open the device for reading, as root and the group mlproxy may",
	[CLI_ADVISE] = "to open the device for writing, as root and the user mlproxy may",
	[CLI_OPERATE] = "the capability CAP_SYS_ADMIN, and to open the device for writing: "
			"run it as root",
};

int cli_exit_code(int err)
{
	switch (-err) {
	case 0:
		return CLI_OK;
	case ENAMETOOLONG:
		return CLI_USAGE;
	case ENODEV:
	case ENOENT:
	case ENOTTY:
	case ENXIO:
		return CLI_NO_DEVICE;
	case EACCES:
	case EPERM:
		return CLI_DENIED;
	case EBADMSG:
	case EBUSY:
	case EINVAL:
	case EPROTO:
		return CLI_REFUSED;
	default:
		return CLI_FAILURE;
	}
}

int cli_fail(const struct mlproxy_session *s, int err)
{
	cli_error("%s", mlproxy_errmsg(s));
	/* of a bound proxy: there is no such model, say */
	return err == -ENOENT ? CLI_REFUSED : cli_exit_code(err);
}

static int open_session(const struct cli *cli, const char *proxy, enum cli_right right,
			struct mlproxy_session **s)
{
	unsigned int flags = right == CLI_READ ? MLPROXY_OPEN_RDONLY : 0;
	int ret = mlproxy_open(s, cli->device, flags);

	if (right == CLI_LEARN && (ret == -EACCES || ret == -EPERM)) {
		ret = mlproxy_open(s, cli->device, flags | MLPROXY_OPEN_RDONLY);
		if (!ret)
			fputs("nothing is explored for who may only read the device\n", stderr);
	}
	if (!ret && proxy)
		ret = mlproxy_bind(*s, proxy);
	if (!ret)
		return CLI_OK;
	cli_error("%s", mlproxy_errmsg(*s));
	mlproxy_close(*s);
	*s = NULL;
	/* no name of a proxy; another version of the module */
	return ret == -EINVAL ? CLI_USAGE : ret == -EPROTO ? CLI_FAILURE : cli_exit_code(ret);
}

int cli_run(const struct cli *cli, const char *proxy, enum cli_right right, cli_session_fn *fn,
	    void *arg)
{
	struct mlproxy_session *s;
	int ret;

	ret = open_session(cli, proxy, right, &s);
	if (ret == CLI_OK) {
		ret = fn(cli, s, arg);
		mlproxy_close(s);
	}
	if (ret == CLI_DENIED)
		cli_error("'mlproxy %s' needs %s", cli->verb->name, needs[right]);
	return ret;
}

int cli_instance_name(struct mlproxy_session *s, uint32_t instance, char *name)
{
	const char *bound = mlproxy_bound_name(s);
	size_t len = strcspn(bound, ":");
	struct mlproxy_list_entry *entries;
	unsigned int nr, i;
	int ret;

	*name = '\0';
	if (!instance)
		return 0;
	ret = mlproxy_get_list(s, &entries, &nr);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		if (entries[i].instance == instance && !strncmp(entries[i].name, bound, len) &&
		    entries[i].name[len] == ':')
			strcpy(name, entries[i].name);
	}
	free(entries);
	return 0;
}

const char *cli_shown_name(struct mlproxy_session *s, uint32_t instance, char *name)
{
	const char *bound = mlproxy_bound_name(s);

	if (strchr(bound, ':') || cli_instance_name(s, instance, name) || !*name)
		return bound;
	return name;
}

int cli_entry(struct mlproxy_session *s, struct mlproxy_list_entry *entry)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr, i;
	int ret;

	memset(entry, 0, sizeof(*entry));
	ret = mlproxy_get_list(s, &entries, &nr);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		if (strcmp(entries[i].name, mlproxy_bound_name(s)) == 0)
			*entry = entries[i];
	}
	free(entries);
	return 0;
}
