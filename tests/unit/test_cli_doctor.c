// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy doctor on machines that the test makes up, in a directory: a whole one has
 * nothing missing, and of each that is broken it names the cause, and what mends it.
 */
#define _XOPEN_SOURCE 700
#include "unit.h"

#include <ftw.h>
#include <regex.h>
#include <limits.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define RELEASE		"6.1.0-40-amd64"
#define MODULE		"/lib/modules/" RELEASE "/updates/dkms/mlproxy.ko"
#define MOK_LIST	"/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define SIGNED		"code~Module signature appended~\n"

static char root[] = "/tmp/mlproxy-doctor-XXXXXX";
static json_t *said;

static void path_of(char path[PATH_MAX], const char *name)
{
	assert_in_range(snprintf(path, PATH_MAX, "%s%s", root, name), 1, PATH_MAX - 1);
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX], *at;
	FILE *f;

	path_of(path, name);
	for (at = strchr(path + sizeof(root), '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void drop(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	assert_int_equal(unlink(path), 0);
}

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

static const char config[] =
	"CONFIG_MODULES=y\nCONFIG_64BIT=y\nCONFIG_BLOCK=y\nCONFIG_TRACEPOINTS=y\n"
	"CONFIG_DYNAMIC_FTRACE=y\nCONFIG_DYNAMIC_FTRACE_WITH_ARGS=y\nCONFIG_KPROBES=y\n";

/* Loaded, with the device as udev's rule leaves it. */
static int whole_machine(void **state)
{
	char path[PATH_MAX], line[64];

	(void)state;
	assert_int_equal(nftw(root, drop_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	put("/proc/sys/kernel/osrelease", RELEASE "\n");
	put("/proc/sys/kernel/ftrace_enabled", "1\n");
	put("/proc/sys/kernel/modules_disabled", "0\n");
	put("/proc/77/comm", "mlproxyd\n");
	put("/boot/config-" RELEASE, config);
	put("/sys/kernel/btf/vmlinux", "btf");
	put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put("/sys/module/module/parameters/sig_enforce", "N\n");
	put("/sys/kernel/tracing/enabled_functions", "filemap_get_pages (1) R\n");
	put("/sys/module/mlproxy/version", "");
	put(MODULE, SIGNED);
	put("/var/lib/dkms/mok.pub", "certificate");
	put(MOK_LIST, "some certificate more");
	put("/usr/src/mlproxy-0.1.0/dkms.conf", "");
	put("/lib/modules/" RELEASE "/build/Makefile", "");
	put("/usr/lib/udev/rules.d/60-mlproxy.rules", "");
	put("/usr/sbin/mlproxyd", "");
	put("/usr/share/mlproxy/models/readahead.mlp", "");
	put("/dev/mlproxy", "");
	path_of(path, "/dev/mlproxy");
	assert_int_equal(chmod(path, 0640), 0);
	snprintf(line, sizeof(line), "root:x:0:\nmlproxy:x:%u:\n", getegid());
	put("/etc/group", line);
	put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nmlproxy:x:998:998::/:/usr/sbin/nologin\n");
	return 0;
}

/* As before the module is loaded. */
static void unload(void)
{
	char path[PATH_MAX];

	drop("/sys/module/mlproxy/version");
	path_of(path, "/sys/module/mlproxy");
	assert_int_equal(rmdir(path), 0);
	drop("/dev/mlproxy");
}

static int examine(void)
{
	char *argv[] = { "doctor", "--root", root, NULL };
	struct cli cli = { .verb = &verb_doctor, .json = true };
	char path[PATH_MAX];
	int fd, ret;

	path_of(path, "/said");
	fflush(stdout);
	fd = dup(1);
	assert_non_null(freopen(path, "w", stdout));
	optind = 0;
	ret = verb_doctor.fn(&cli, 3, argv);
	fflush(stdout);
	dup2(fd, 1);
	close(fd);
	json_decref(said);
	said = json_load_file(path, 0, NULL);
	assert_non_null(said);
	return ret;
}

/* The finding of a check, as a state that has such a text. */
static const json_t *finding(const char *check, const char *state, const char *text)
{
	const json_t *list = json_object_get(said, "findings"), *f;
	size_t i;

	for (i = 0; (f = json_array_get(list, i)); i++) {
		if (!strcmp(json_string_value(json_object_get(f, "check")), check) &&
		    !strcmp(json_string_value(json_object_get(f, "state")), state) &&
		    strstr(json_string_value(json_object_get(f, "text")), text))
			return f;
	}
	return NULL;
}

/* One thing alone is missing, and this mends it. */
static void expect_missing(const char *check, const char *text, const char *remedy)
{
	const json_t *f, *lines;
	char *all;

	assert_int_equal(examine(), CLI_FAILURE);
	f = finding(check, "missing", text);
	if (!f || json_integer_value(json_object_get(said, "missing")) != 1) {
		all = json_dumps(said, JSON_INDENT(1));
		fail_msg("expected one missing, %s: %s\n%s", check, text, all);
	}
	lines = json_object_get(f, "remedy");
	assert_true(json_array_size(lines) > 0);
	all = json_dumps(lines, 0);
	if (!strstr(all, remedy))
		fail_msg("%s: no \"%s\" in %s", check, remedy, all);
	free(all);
}

static void nothing_is_missing(void **state)
{
	(void)state;
	assert_int_equal(examine(), CLI_OK);
	assert_int_equal(json_integer_value(json_object_get(said, "missing")), 0);
	assert_non_null(finding("agent", "ok", "runs"));
	assert_non_null(finding("device", "ok", "group may read"));
}

static void names_the_release(void **state)
{
	(void)state;
	put("/proc/sys/kernel/osrelease", "5.10.0-9-amd64\n");
	put("/boot/config-5.10.0-9-amd64", config);
	expect_missing("kernel", "5.10.0-9-amd64", "linux-image-amd64");
}

/* The releases are those that DKMS builds for. */
static void knows_what_dkms_builds_for(void **state)
{
	static const char *const releases[] = {
		"5.19.0", "6.0.1", "6.1.0-40-amd64", "6.1", "6.12.9", "6.19.3", "6.20.0", "6.100.1",
		"7.0", "7.3.1-x", "7.4.0", "7.30.1", "8.0.0", "60.1",
	};
	char line[256], pattern[128] = "";
	regex_t built;
	unsigned int i;
	FILE *f = fopen(DKMS_CONF, "r");

	(void)state;
	assert_non_null(f);
	while (!*pattern && fgets(line, sizeof(line), f))
		sscanf(line, "BUILD_EXCLUSIVE_KERNEL=\"%127[^\"]", pattern);
	fclose(f);
	assert_int_equal(regcomp(&built, pattern, REG_EXTENDED | REG_NOSUB), 0);
	for (i = 0; i < ARRAY_SIZE(releases); i++) {
		put("/proc/sys/kernel/osrelease", releases[i]);
		examine();
		if (!finding("kernel", "ok", "") != !!regexec(&built, releases[i], 0, NULL, 0))
			fail_msg("%s: doctor and dkms.conf differ", releases[i]);
	}
	regfree(&built);
}

static void names_an_option(void **state)
{
	(void)state;
	put("/boot/config-" RELEASE,
	    "CONFIG_MODULES=y\nCONFIG_64BIT=y\nCONFIG_BLOCK=y\nCONFIG_TRACEPOINTS=y\n"
	    "# CONFIG_DYNAMIC_FTRACE is not set\nCONFIG_DYNAMIC_FTRACE_WITH_ARGS=y\n"
	    "CONFIG_KPROBES=y\nCONFIG_KPROBES_ON_FTRACE=y\n");
	expect_missing("options", "CONFIG_DYNAMIC_FTRACE:", "linux-image-amd64");
}

static void names_ftrace(void **state)
{
	(void)state;
	put("/proc/sys/kernel/ftrace_enabled", "0\n");
	expect_missing("ftrace", "switched off", "sysctl -w kernel.ftrace_enabled=1");
}

static void names_the_module(void **state)
{
	(void)state;
	unload();
	expect_missing("module", "not loaded", "modprobe mlproxy_readahead");
	drop(MODULE);
	expect_missing("module", "not installed for " RELEASE, "dkms autoinstall -k " RELEASE);
	put("/proc/sys/kernel/modules_disabled", "1\n");
	put(MODULE, SIGNED);
	expect_missing("module", "modules_disabled", "reboot");
}

static void names_the_signature(void **state)
{
	const json_t *f;

	(void)state;
	unload();
	put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	examine();
	assert_non_null(finding("signing", "ok", "lockdown"));
	put(MODULE, "no signature here, nor at the end");
	examine();
	f = finding("signing", "missing", "has no signature");
	assert_non_null(f);
	assert_string_equal(json_string_value(json_array_get(json_object_get(f, "remedy"), 0)),
			    "dkms build mlproxy/0.1.0 -k " RELEASE " --force");
	put(MODULE, SIGNED);
	put(MOK_LIST, "another");
	examine();
	f = finding("signing", "missing", "does not know the key");
	assert_non_null(f);
	assert_string_equal(json_string_value(json_array_get(json_object_get(f, "remedy"), 0)),
			    "mokutil --import /var/lib/dkms/mok.pub");
}

static void names_a_live_patch(void **state)
{
	(void)state;
	put("/sys/kernel/livepatch/fix_cve/vmlinux/filemap_fault,1/stack_order", "1\n");
	put("/sys/kernel/livepatch/other/vmlinux/do_exit,1/stack_order", "1\n");
	expect_missing("hooks", "fix_cve replaces filemap_fault()",
		       "echo 0 > /sys/kernel/livepatch/fix_cve/enabled");
}

static void names_another_user_of_a_hook(void **state)
{
	(void)state;
	put("/sys/kernel/tracing/enabled_functions",
	    "generic_fadvise_more (1) R I\ngeneric_fadvise (1) R\nfilemap_fault (1) R I  tramp\n");
	expect_missing("hooks", "replaced filemap_fault()", "enabled_functions");
	/* its own */
	put("/sys/module/mlproxy_readahead/version", "");
	assert_int_equal(examine(), CLI_OK);
}

static void names_the_group(void **state)
{
	(void)state;
	put("/etc/group", "root:x:0:\nmlproxy-not:x:7:\n");
	expect_missing("group", "no user and group", "systemd-sysusers");
}

static void names_the_rights(void **state)
{
	char path[PATH_MAX];

	(void)state;
	path_of(path, "/dev/mlproxy");
	assert_int_equal(chmod(path, 0600), 0);
	expect_missing("device", "only root", "udevadm trigger");
	assert_int_equal(chmod(path, 0666), 0);
	expect_missing("device", "mode 0666", "chmod 0640");
	drop("/dev/mlproxy");
	expect_missing("device", "no /dev/mlproxy", "udevadm trigger");
}

static void notes_what_is_no_need(void **state)
{
	(void)state;
	drop("/proc/77/comm");
	drop("/usr/share/mlproxy/models/readahead.mlp");
	drop("/sys/kernel/btf/vmlinux");
	assert_int_equal(examine(), CLI_OK);
	assert_non_null(finding("agent", "note", "does not run"));
	assert_non_null(finding("models", "note", "not installed"));
	assert_non_null(finding("BTF", "note", "mlproxy_f2fs"));
	/* what can't be seen is not said to be good */
	assert_non_null(finding("hooks", "ok", ""));
	drop("/sys/kernel/tracing/enabled_functions");
	assert_int_equal(examine(), CLI_OK);
	assert_non_null(finding("hooks", "note", "can't be seen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_missing, whole_machine),
		cmocka_unit_test_setup(names_the_release, whole_machine),
		cmocka_unit_test_setup(knows_what_dkms_builds_for, whole_machine),
		cmocka_unit_test_setup(names_an_option, whole_machine),
		cmocka_unit_test_setup(names_ftrace, whole_machine),
		cmocka_unit_test_setup(names_the_module, whole_machine),
		cmocka_unit_test_setup(names_the_signature, whole_machine),
		cmocka_unit_test_setup(names_a_live_patch, whole_machine),
		cmocka_unit_test_setup(names_another_user_of_a_hook, whole_machine),
		cmocka_unit_test_setup(names_the_group, whole_machine),
		cmocka_unit_test_setup(names_the_rights, whole_machine),
		cmocka_unit_test_setup(notes_what_is_no_need, whole_machine),
	};
	int failed;

	if (!mkdtemp(root))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(root, drop_one, 16, FTW_DEPTH | FTW_PHYS);
	rmdir(root);
	json_decref(said);
	return failed;
}
