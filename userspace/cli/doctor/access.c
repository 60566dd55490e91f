// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy doctor: user and group, the device and who may open it, the agent, the models. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "doctor/doctor.h"

#define RELOAD	"udevadm control --reload\nudevadm trigger --subsystem-match=misc"

static bool has_one_of(const struct doctor *d, const char *const *paths)
{
	for (; *paths; paths++) {
		if (doctor_has(d, *paths))
			return true;
	}
	return false;
}

static const char *const rules[] = {
	"/etc/udev/rules.d/60-mlproxy.rules", "/lib/udev/rules.d/60-mlproxy.rules",
	"/usr/lib/udev/rules.d/60-mlproxy.rules", NULL,
};

/* Who runs this is in the group, or needs it not. */
static bool is_reader(const struct doctor *d, gid_t group)
{
	gid_t groups[256];
	int nr, i;

	if (geteuid() == 0 || *d->root || getegid() == group)
		return true;
	nr = getgroups(sizeof(groups) / sizeof(groups[0]), groups);
	for (i = 0; i < nr; i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static void look_at_device(struct doctor *d, gid_t group)
{
	char path[PATH_MAX];
	struct stat st;

	if (!doctor_has(d, "/sys/module/mlproxy"))
		return;
	if (!doctor_path(d, path, "%s", MLPROXY_DEFAULT_DEVICE) || stat(path, &st)) {
		doctor_say(d, FINDING_MISSING, "device", "udevadm trigger --subsystem-match=misc",
			   "the module is loaded, and there is no " MLPROXY_DEFAULT_DEVICE
			   "; in a container it has to be passed in");
		return;
	}
	if (st.st_mode & 0026)
		doctor_say(d, FINDING_MISSING, "device",
			   "chmod 0640 " MLPROXY_DEFAULT_DEVICE "\n" RELOAD,
			   MLPROXY_DEFAULT_DEVICE " has mode %04o: others could look on or advise",
			   st.st_mode & 07777);
	else if (st.st_gid != group || !(st.st_mode & 0040))
		doctor_say(d, FINDING_MISSING, "device", RELOAD,
			   MLPROXY_DEFAULT_DEVICE " is not the group's: only root can read it");
	else if (!is_reader(d, group))
		doctor_say(d, FINDING_MISSING, "device", "sudo usermod -aG mlproxy \"$USER\"\n"
			   "newgrp mlproxy", "you are not in the group mlproxy, so you can't read "
			   MLPROXY_DEFAULT_DEVICE);
	else
		doctor_say(d, FINDING_OK, "device", NULL,
			   MLPROXY_DEFAULT_DEVICE " is there, and the group may read it");
}

void doctor_access(struct doctor *d)
{
	unsigned int user, group;

	if (!doctor_id(d, "/etc/group", "mlproxy", &group) ||
	    !doctor_id(d, "/etc/passwd", "mlproxy", &user)) {
		doctor_say(d, FINDING_MISSING, "group", "systemd-sysusers\n" RELOAD,
			   "there is no user and group mlproxy, whom the device is for");
		return;
	}
	doctor_say(d, FINDING_OK, "group", NULL, "user and group mlproxy are there");
	if (!has_one_of(d, rules))
		doctor_say(d, FINDING_MISSING, "udev", "apt install --reinstall mlproxy",
			   "no 60-mlproxy.rules: nothing gives the device to the group");
	look_at_device(d, group);
}

static bool agent_runs(const struct doctor *d)
{
	const struct dirent *entry;
	char path[PATH_MAX], comm[32];
	bool found = false;
	DIR *dir;

	dir = doctor_path(d, path, "/proc") ? opendir(path) : NULL;
	while (dir && !found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		doctor_word(d, path, comm, sizeof(comm));
		found = !strcmp(comm, "mlproxyd");
	}
	if (dir)
		closedir(dir);
	return found;
}

static const char *const agents[] = {
	"/usr/sbin/mlproxyd", "/usr/local/sbin/mlproxyd", NULL,
};

static const char *const models[] = {
	"/usr/share/mlproxy/models/readahead.mlp", "/usr/local/share/mlproxy/models/readahead.mlp",
	NULL,
};

void doctor_agent(struct doctor *d)
{
	if (agent_runs(d))
		doctor_say(d, FINDING_OK, "agent", NULL, "mlproxyd runs");
	else if (has_one_of(d, agents))
		doctor_say(d, FINDING_NOTE, "agent", "systemctl enable --now mlproxyd",
			   "mlproxyd does not run: nothing goes on learning");
	else
		doctor_say(d, FINDING_NOTE, "agent", "apt install ./mlproxyd_*.deb",
			   "mlproxyd is not installed: nothing goes on learning");
	if (has_one_of(d, models))
		doctor_say(d, FINDING_OK, "models", NULL,
			   "the models that come with mlproxy are there");
	else
		doctor_say(d, FINDING_NOTE, "models", "apt install ./mlproxy-models_*.deb",
			   "the models that come with mlproxy are not installed");
}
