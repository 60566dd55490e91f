// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy doctor: the kernel, how it was built, and what may be traced on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

#define DEBIANS_KERNEL	"apt install linux-image-amd64 linux-headers-amd64\nreboot"

/* As BUILD_EXCLUSIVE_KERNEL of dkms.conf says. */
static bool known_release(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return (major == 6 && minor >= 1 && minor <= 19) || (major == 7 && minor <= 3);
}

static void look_at_release(struct doctor *d)
{
	if (known_release(d->release))
		doctor_say(d, FINDING_OK, "kernel", NULL, "%s", d->release);
	else
		doctor_say(d, FINDING_MISSING, "kernel", DEBIANS_KERNEL,
			   "%s is not one of 6.1 to 7.3, for which the modules are built",
			   *d->release ? d->release : "an unknown release");
}

static const struct option_needed {
	const char *name;
	const char *other;		/* does as well */
	const char *why;
} options[] = {
	{ "CONFIG_MODULES", NULL, "modules can't be loaded" },
	{ "CONFIG_64BIT", NULL, "the modules are for 64 bits" },
	{ "CONFIG_BLOCK", NULL, "there is no readahead to decide" },
	{ "CONFIG_TRACEPOINTS", NULL, "outcomes are seen by trace points" },
	{ "CONFIG_DYNAMIC_FTRACE", NULL, "decisions are taken over by ftrace" },
	{ "CONFIG_DYNAMIC_FTRACE_WITH_REGS", "CONFIG_DYNAMIC_FTRACE_WITH_ARGS",
	  "a traced function can't be replaced" },
	{ "CONFIG_KPROBES", NULL, "functions can't be found by name" },
};

static bool option_set(const char *config, const char *name)
{
	size_t len = strlen(name);
	const char *at = config;

	while ((at = strstr(at, name))) {
		if ((at == config || at[-1] == '\n') && at[len] == '=' &&
		    (at[len + 1] == 'y' || at[len + 1] == 'm'))
			return true;
		at += len;
	}
	return false;
}

static char *read_config(const struct doctor *d)
{
	static const char *const places[] = {
		"/boot/config-%s", "/lib/modules/%s/build/.config", "/lib/modules/%s/config",
	};
	char path[PATH_MAX];
	char *config = NULL;
	unsigned int i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]) && !config; i++) {
		/* known formats with one word each */
		snprintf(path, sizeof(path), places[i], d->release);
		config = doctor_read(d, path, NULL);
	}
	return config;
}

static void look_at_options(struct doctor *d)
{
	char *config = read_config(d);
	bool good = true;
	unsigned int i;

	if (!config) {
		doctor_say(d, FINDING_NOTE, "options", NULL,
			   "how the kernel was built is not known: no /boot/config-%s",
			   d->release);
		return;
	}
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct option_needed *o = &options[i];

		if (option_set(config, o->name) || (o->other && option_set(config, o->other)))
			continue;
		good = false;
		doctor_say(d, FINDING_MISSING, "options", DEBIANS_KERNEL,
			   "the kernel was built without %s: %s", o->name, o->why);
	}
	if (good)
		doctor_say(d, FINDING_OK, "options", NULL,
			   "the kernel was built with what mlproxy needs");
	free(config);
}

static void look_at_tracing(struct doctor *d)
{
	char word[16];

	doctor_word(d, "/proc/sys/kernel/ftrace_enabled", word, sizeof(word));
	if (!strcmp(word, "0"))
		doctor_say(d, FINDING_MISSING, "ftrace", "sysctl -w kernel.ftrace_enabled=1",
			   "ftrace is switched off, so no decision can be taken over");
	else if (*word)
		doctor_say(d, FINDING_OK, "ftrace", NULL, "switched on");
	else
		doctor_say(d, FINDING_MISSING, "ftrace", DEBIANS_KERNEL,
			   "the kernel has no ftrace");
	doctor_word(d, "/sys/kernel/debug/kprobes/enabled", word, sizeof(word));
	if (!strcmp(word, "0"))
		doctor_say(d, FINDING_NOTE, "kprobes", "echo 1 > /sys/kernel/debug/kprobes/enabled",
			   "probes are switched off");
	if (doctor_has(d, "/sys/kernel/btf/vmlinux"))
		doctor_say(d, FINDING_OK, "BTF", NULL, "the kernel has type information");
	else
		doctor_say(d, FINDING_NOTE, "BTF", DEBIANS_KERNEL,
			   "no type information: neither mlproxy_f2fs nor eBPF programs can run");
}

void doctor_kernel(struct doctor *d)
{
	look_at_release(d);
	look_at_options(d);
	look_at_tracing(d);
}
