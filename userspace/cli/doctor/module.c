// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy doctor: the modules, whether they may be loaded, and who else hooks in. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

#define SIGNED		"~Module signature appended~\n"
#define EFIVARS		"/sys/firmware/efi/efivars/"
#define SECURE_BOOT	EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ENROLLED	EFIVARS "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define CERTIFICATE	"/var/lib/dkms/mok.pub"
#define ENROL		"mokutil --import " CERTIFICATE "\nreboot"

static bool loaded(const struct doctor *d)
{
	return doctor_has(d, "/sys/module/mlproxy");
}

bool doctor_find_module(const struct doctor *d, char path[PATH_MAX])
{
	static const char *const folders[] = { "dkms", "mlproxy" };
	static const char *const ends[] = { "", ".xz", ".zst", ".gz" };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		snprintf(path, PATH_MAX, "/lib/modules/%s/updates/%s/mlproxy.ko%s", d->release,
			 folders[i / 4], ends[i % 4]);
		if (doctor_has(d, path))
			return true;
	}
	return false;
}

/* The version of the source that DKMS builds; "" for none. */
static void dkms_version(const struct doctor *d, char *version, size_t bytes)
{
	static const char prefix[] = "mlproxy-";
	const struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir;

	*version = '\0';
	dir = doctor_path(d, path, "/usr/src") ? opendir(path) : NULL;
	while (dir && !*version && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			snprintf(version, bytes, "%s", entry->d_name + strlen(prefix));
	}
	if (dir)
		closedir(dir);
}

static bool has_dkms_source(const struct doctor *d)
{
	char version[32];

	dkms_version(d, version, sizeof(version));
	return *version;
}

static void say_not_installed(struct doctor *d)
{
	char remedy[DOCTOR_REMEDY], path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/build", d->release);
	if (!doctor_has(d, path)) {
		snprintf(remedy, sizeof(remedy), "apt install linux-headers-%s%s%s", d->release,
			 has_dkms_source(d) ? "\ndkms autoinstall -k " : "",
			 has_dkms_source(d) ? d->release : "");
		doctor_say(d, FINDING_MISSING, "headers", remedy,
			   "no headers of the kernel, which the modules are built with");
	}
	if (has_dkms_source(d))
		snprintf(remedy, sizeof(remedy), "dkms autoinstall -k %s", d->release);
	else
		snprintf(remedy, sizeof(remedy), "apt install ./mlproxy-dkms_*.deb");
	doctor_say(d, FINDING_MISSING, "module", remedy,
		   "mlproxy.ko is not installed for %s", d->release);
}

void doctor_module(struct doctor *d)
{
	char path[PATH_MAX], word[16];

	if (loaded(d)) {
		doctor_say(d, FINDING_OK, "module", NULL, "loaded");
		return;
	}
	if (!doctor_find_module(d, path)) {
		say_not_installed(d);
		return;
	}
	doctor_word(d, "/proc/sys/kernel/modules_disabled", word, sizeof(word));
	if (!strcmp(word, "1"))
		doctor_say(d, FINDING_MISSING, "module", "reboot",
			   "kernel.modules_disabled=1: no module can be loaded until a reboot; "
			   "something in /etc/sysctl.d sets it");
	else
		doctor_say(d, FINDING_MISSING, "module",
			   "modprobe mlproxy_readahead target=local",
			   "%s is installed, and not loaded", path);
}

/* Why the kernel wants signatures, NULL if it takes any module. */
static const char *enforced_by(const struct doctor *d)
{
	char *lockdown = doctor_read(d, "/sys/kernel/security/lockdown", NULL);
	char word[16];
	bool locked = lockdown && !strstr(lockdown, "[none]");

	free(lockdown);
	if (locked)
		return "lockdown is on";
	doctor_word(d, "/sys/module/module/parameters/sig_enforce", word, sizeof(word));
	return *word == 'Y' || *word == '1' ? "module.sig_enforce is set" : NULL;
}

static bool secure_boot(const struct doctor *d)
{
	size_t bytes;
	char *value = doctor_read(d, SECURE_BOOT, &bytes);
	/* four bytes of attributes come first */
	bool on = value && bytes >= 5 && value[4] == 1;

	free(value);
	return on;
}

/* Whether a module has a signature; compressed ones are told by the kernel alone. */
static bool unsigned_module(const struct doctor *d, const char *path)
{
	size_t bytes, end = strlen(SIGNED);
	bool compressed = strcmp(path + strlen(path) - 3, ".ko");
	char *module = doctor_read(d, path, &bytes);
	bool lacks = module && !compressed &&
		     (bytes < end || memcmp(module + bytes - end, SIGNED, end));

	free(module);
	return lacks;
}

/* Whether the firmware knows the certificate of DKMS; true where that can't be told. */
static bool enrolled(const struct doctor *d)
{
	size_t bytes, cert_bytes;
	char *list = doctor_read(d, ENROLLED, &bytes);
	char *cert = doctor_read(d, CERTIFICATE, &cert_bytes);
	bool found = !cert || (list && memmem(list, bytes, cert, cert_bytes));

	free(list);
	free(cert);
	return found;
}

void doctor_signing(struct doctor *d)
{
	const char *why = enforced_by(d);
	char path[PATH_MAX], remedy[DOCTOR_REMEDY], version[32];

	if (!why) {
		doctor_say(d, FINDING_OK, "signing", NULL, "modules need no signature%s",
			   secure_boot(d) ? ", though Secure Boot is on" : "");
		return;
	}
	if (!doctor_find_module(d, path) || loaded(d)) {
		doctor_say(d, loaded(d) ? FINDING_OK : FINDING_NOTE, "signing", NULL,
			   "modules must be signed, since %s", why);
		return;
	}
	if (unsigned_module(d, path)) {
		dkms_version(d, version, sizeof(version));
		if (strstr(path, "/dkms/") && *version)
			snprintf(remedy, sizeof(remedy), "dkms build mlproxy/%s -k %s --force\n"
				 "dkms install mlproxy/%s -k %s --force\n%s", version, d->release,
				 version, d->release, enrolled(d) ? "" : ENROL);
		else
			snprintf(remedy, sizeof(remedy), "make sign && make install\n%s",
				 enrolled(d) ? "" : ENROL);
		doctor_say(d, FINDING_MISSING, "signing", remedy,
			   "%s has no signature, and %s", path, why);
	} else if (!enrolled(d)) {
		doctor_say(d, FINDING_MISSING, "signing", ENROL,
			   "the firmware does not know the key " CERTIFICATE
			   " that DKMS signs with, and %s", why);
	} else {
		doctor_say(d, FINDING_OK, "signing", NULL,
			   "modules must be signed, since %s; mlproxy.ko seems to be", why);
	}
}

/* What mlproxy_readahead replaces while it runs. */
static const char *const hooked[] = {
	"page_cache_sync_ra", "page_cache_async_ra", "filemap_fault", "generic_fadvise",
};

#define NR_HOOKED	(sizeof(hooked) / sizeof(hooked[0]))

/* A live patch has a folder for each function, FUNCTION,POSITION. */
static const char *patched_function(const struct doctor *d, const char *patch)
{
	const char *found = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	unsigned int i;
	DIR *dir;

	if (!doctor_path(d, path, "/sys/kernel/livepatch/%s/vmlinux", patch))
		return NULL;
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		for (i = 0; i < NR_HOOKED; i++) {
			size_t len = strlen(hooked[i]);

			if (!strncmp(entry->d_name, hooked[i], len) && entry->d_name[len] == ',')
				found = hooked[i];
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool look_at_live_patches(struct doctor *d)
{
	const struct dirent *entry;
	char path[PATH_MAX], remedy[DOCTOR_REMEDY];
	bool good = true;
	const char *function;
	DIR *dir;

	dir = doctor_path(d, path, "/sys/kernel/livepatch") ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir))) {
		function = *entry->d_name == '.' ? NULL : patched_function(d, entry->d_name);
		if (!function)
			continue;
		good = false;
		snprintf(remedy, sizeof(remedy), "echo 0 > /sys/kernel/livepatch/%s/enabled",
			 entry->d_name);
		doctor_say(d, FINDING_MISSING, "hooks", remedy,
			   "the live patch %s replaces %s(), which mlproxy_readahead has to",
			   entry->d_name, function);
	}
	if (dir)
		closedir(dir);
	return good;
}

/* Lines of enabled_functions: a name, how many users in brackets, I where one replaces it. */
static bool replaced(const char *functions, const char *name)
{
	size_t len = strlen(name);
	const char *at = functions, *end, *flag;

	while ((at = strstr(at, name))) {
		if ((at == functions || at[-1] == '\n') && at[len] == ' ') {
			end = strchr(at, '\n');
			flag = strstr(at, " I ");
			return flag && (!end || flag < end);
		}
		at += len;
	}
	return false;
}

void doctor_hooks(struct doctor *d)
{
	char *functions = doctor_read(d, "/sys/kernel/tracing/enabled_functions", NULL);
	bool good = look_at_live_patches(d);
	unsigned int i;

	if (!functions)
		functions = doctor_read(d, "/sys/kernel/debug/tracing/enabled_functions", NULL);
	for (i = 0; i < NR_HOOKED && good && functions; i++) {
		if (!replaced(functions, hooked[i]) ||
		    doctor_has(d, "/sys/module/mlproxy_readahead"))
			continue;
		good = false;
		doctor_say(d, FINDING_MISSING, "hooks",
			   "grep ' I ' /sys/kernel/tracing/enabled_functions",
			   "something else has replaced %s(), which mlproxy_readahead has to; "
			   "unload it first", hooked[i]);
	}
	if (good && !functions)
		doctor_say(d, FINDING_NOTE, "hooks", "sudo mlproxy doctor",
			   "who else replaces functions of the kernel can't be seen by this user");
	else if (good)
		doctor_say(d, FINDING_OK, "hooks", NULL,
			   "nobody else has replaced what mlproxy does");
	free(functions);
}
