// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's files; see persist.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist.h"

#define STATE_FORMAT	1
#define HALF_DONE	".tmp"

static __thread char last_error[600];

const char *persist_error(void)
{
	return last_error;
}

static int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	return err;
}

static int fail_errno(const char *what, const char *path)
{
	int e = errno;

	return fail(-e, "can't %s %s: %s%s", what, path, strerror(e),
		    e == ENOSPC ? "; make room, learning goes on meanwhile" : "");
}

static int path_of(char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int path_of(char *path, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(path, PATH_MAX, fmt, args);
	va_end(args);
	return len < PATH_MAX ? 0 : fail(-ENAMETOOLONG, "a path is too long: %s", path);
}

/* Files and directories alike. */
static int sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return fail_errno("sync", path);
	if (fsync(fd))
		err = fail_errno("sync", path);
	close(fd);
	return err;
}

static int sync_parent(const char *path)
{
	char dir[PATH_MAX], *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return sync_path(".");
	*slash = '\0';
	return sync_path(*dir ? dir : "/");
}

/* A file that was written under another name takes its place. */
static int put_in_place(const char *tmp, const char *path)
{
	int err = sync_path(tmp);

	if (!err && rename(tmp, path))
		err = fail_errno("rename to", path);
	return err ? err : sync_parent(path);
}

/* What a killed agent was writing. */
static void remove_half_done(const char *dir)
{
	DIR *d = opendir(dir);
	char path[PATH_MAX];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strstr(e->d_name, HALF_DONE) && !strstr(e->d_name, ".new-"))
			continue;
		if (!path_of(path, "%s/%s", dir, e->d_name))
			unlink(path);
	}
	if (d)
		closedir(d);
}

int persist_open(const char *dir)
{
	char path[PATH_MAX];
	int err;

	err = path_of(path, "%s/versions", dir);
	if (err)
		return err;
	if (mkdir(dir, 0750) && errno != EEXIST)
		return fail_errno("make", dir);
	if (mkdir(path, 0750) && errno != EEXIST)
		return fail_errno("make", path);
	if (access(path, W_OK))
		return fail_errno("write to", path);
	remove_half_done(dir);
	remove_half_done(path);
	return 0;
}

int persist_lock(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return fail_errno("open", dir);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ?
	      fail(-EBUSY, "another mlproxyd keeps its state in %s: stop that one, or take another state_dir",
		   dir) : fail_errno("lock", dir);
	close(fd);
	return err;
}

int persist_set_aside(const char *dir)
{
	char old[PATH_MAX], aside[PATH_MAX];
	unsigned int i;
	int err;

	err = path_of(old, "%s.old", dir);
	for (i = 1; !err && i < 100 && !access(old, F_OK); i++)
		err = path_of(old, "%s.old.%u", dir, i);
	if (err)
		return err;
	snprintf(aside, sizeof(aside), "%s", dir);
	if (rename(aside, old))
		return fail_errno("rename", dir);
	return persist_open(dir);
}

/* ------------------------------------------------------------------ */
/* Rows                                                                */

struct row_records {
	struct mlproxy_rec_feedback feedback;
	struct mlproxy_rec_decision decision;
	int64_t features[MLPROXY_MAX_FEATURES];
};

static int write_row(struct mlds_writer *w, const struct mlds_data *d, size_t i)
{
	size_t features = d->nr_features * sizeof(int64_t);
	struct row_records r = {
		.feedback = {
			.hdr = { sizeof(r.feedback), MLPROXY_REC_FEEDBACK, 0, 0, d->time_ns[i] },
			.id = d->id[i],
			.reward = d->reward[i],
			.model_version = d->model_version[i],
			.action = d->action[i],
			.source = d->source[i],
		},
		.decision = {
			.hdr = { sizeof(r.decision) + features, MLPROXY_REC_DECISION, 0, 0,
				 d->time_ns[i] },
			.id = d->id[i],
			.key = d->key[i],
			.prob_q31 = d->prob[i] * MLPROXY_PROB_ONE + 0.5,
			.model_version = d->model_version[i],
			.allowed = d->allowed[i],
			.baseline = d->baseline[i],
			.action = d->action[i],
			.source = d->source[i],
			.mode = d->mode[i],
			.candidate = d->candidate[i],
			.candidate_source = MLPROXY_SRC_MODEL,
			.features_offset = sizeof(r.decision),
			.nr_features = d->nr_features,
			.predicted = d->predicted[i],
		},
	};
	int err;

	memcpy(r.features, d->features + i * d->nr_features, features);
	err = mlds_write(w, 0, &r.decision.hdr);
	return err ? err : mlds_write(w, 0, &r.feedback.hdr);
}

/* One regime, which becomes a run. */
static int write_regime(const char *path, const struct mlds_data *d, uint32_t regime)
{
	const struct mlds_options options = { .append = regime > 0 };
	struct mlds_writer *w;
	size_t i;
	int err, closed;

	err = mlds_open_writer(&w, path, &d->schema, &options);
	if (err)
		return err;
	for (i = 0; !err && i < d->n; i++)
		if (d->run[i] == regime)
			err = write_row(w, d, i);
	closed = mlds_close_writer(w);
	return err ? err : closed;
}

int persist_save_rows(const char *dir, const struct mlds_data *data, uint32_t nr_regimes)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	uint32_t i;
	int err;

	err = path_of(path, "%s/replay.h5", dir);
	err = err ? err : path_of(tmp, "%s/replay.h5" HALF_DONE, dir);
	if (err)
		return err;
	unlink(tmp);
	for (i = 0; !err && i < nr_regimes; i++)
		err = write_regime(tmp, data, i);
	if (err) {
		fail(err, "can't write %s: %s", tmp, mlds_error());
		unlink(tmp);
		return err;
	}
	return put_in_place(tmp, path);
}

int persist_load_rows(const char *dir, struct mlds_data *data)
{
	char path[PATH_MAX];
	const char *paths[] = { path };
	int err;

	memset(data, 0, sizeof(*data));
	err = path_of(path, "%s/replay.h5", dir);
	if (err)
		return err;
	if (access(path, F_OK))
		return fail(-ENOENT, "%s is not there", path);
	err = mlds_load(data, paths, 1);
	return err ? fail(err, "%s", mlds_error()) : 0;
}

/* ------------------------------------------------------------------ */
/* JSON                                                                */

static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

json_t *persist_estimate(const struct mltrain_estimate *e)
{
	return json_pack("{s:o, s:o, s:o}", "gain", number(e->value), "low", number(e->low), "high",
			 number(e->high));
}

int persist_write_json(const char *path, json_t *value, bool sync)
{
	char tmp[PATH_MAX];
	FILE *f;
	int err;

	if (!value)
		return fail(-ENOMEM, "no memory for %s", path);
	err = path_of(tmp, "%s" HALF_DONE, path);
	f = err ? NULL : fopen(tmp, "we");
	if (!err && !f)
		err = fail_errno("create", tmp);
	if (f) {
		if (json_dumpf(value, f, JSON_INDENT(2)) || fputc('\n', f) == EOF || fflush(f))
			err = fail_errno("write", tmp);
		if (!err && sync && fsync(fileno(f)))
			err = fail_errno("sync", tmp);
		if (fclose(f) && !err)
			err = fail_errno("write", tmp);
		if (!err && rename(tmp, path))
			err = fail_errno("rename to", path);
		if (err)
			unlink(tmp);
		else if (sync)
			err = sync_parent(path);
	}
	json_decref(value);
	return err;
}

static json_t *regimes_json(const struct persist_state *s)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < s->nr_regimes; i++)
		json_array_append_new(list, json_pack("{s:I, s:I}", "number",
						      (json_int_t)s->regime[i].number, "offered",
						      (json_int_t)s->regime[i].offered));
	return list;
}

int persist_save_state(const char *dir, const struct persist_state *s)
{
	char path[PATH_MAX], hash[20];
	int err = path_of(path, "%s/state.json", dir);

	if (err)
		return err;
	snprintf(hash, sizeof(hash), "%016" PRIx64, s->schema_hash);
	return persist_write_json(path, json_pack(
		"{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}",
		"format", STATE_FORMAT, "schema_hash", hash,
		"serial", (json_int_t)s->serial, "current", (json_int_t)s->current,
		"previous", (json_int_t)s->previous, "rejected", (json_int_t)s->rejected,
		"next_row", (json_int_t)s->next_row, "rows", (json_int_t)s->rows,
		"refits", (json_int_t)s->refits, "swaps", (json_int_t)s->swaps,
		"rollbacks", (json_int_t)s->rollbacks,
		"last_refit_time", (json_int_t)s->last_refit_s, "alarm", s->alarm,
		"last_test", persist_estimate(&s->gain), "regimes", regimes_json(s)), true);
}

static double real_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void load_regimes(const json_t *list, struct persist_state *s)
{
	size_t i;

	for (i = 0; i < json_array_size(list) && i < REPLAY_MAX_REGIMES; i++) {
		const json_t *r = json_array_get(list, i);
		json_int_t number = json_integer_value(json_object_get(r, "number"));
		json_int_t offered = json_integer_value(json_object_get(r, "offered"));

		/* Ascending, or they say nothing. */
		if (number < 0 || number > UINT32_MAX || offered < 0 ||
		    (i && number <= s->regime[i - 1].number))
			return;
		s->regime[i].number = number;
		s->regime[i].offered = offered;
		s->nr_regimes = i + 1;
	}
}

static int take_state(const json_t *root, const char *path, struct persist_state *s)
{
	static const struct {
		const char *key;
		size_t at;
		bool wide;
	} keys[] = {
#define KEY(name, field, wide) { name, offsetof(struct persist_state, field), wide }
		KEY("serial", serial, false), KEY("current", current, false),
		KEY("previous", previous, false), KEY("rejected", rejected, false),
		KEY("next_row", next_row, true), KEY("rows", rows, true),
		KEY("refits", refits, true), KEY("swaps", swaps, true),
		KEY("rollbacks", rollbacks, true), KEY("last_refit_time", last_refit_s, true),
#undef KEY
	};
	const json_t *test = json_object_get(root, "last_test");
	const char *hash = json_string_value(json_object_get(root, "schema_hash"));
	size_t i;

	if (json_integer_value(json_object_get(root, "format")) != STATE_FORMAT || !hash)
		return fail(-EBADMSG, "%s is of another version of the agent", path);
	s->schema_hash = strtoull(hash, NULL, 16);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *v = json_object_get(root, keys[i].key);
		json_int_t n = json_integer_value(v);

		if (!json_is_integer(v) || n < 0 || (!keys[i].wide && n > UINT32_MAX))
			return fail(-EBADMSG, "%s: \"%s\" is missing or makes no sense", path,
				    keys[i].key);
		if (keys[i].wide)
			*(uint64_t *)((char *)s + keys[i].at) = n;
		else
			*(uint32_t *)((char *)s + keys[i].at) = n;
	}
	s->alarm = json_is_true(json_object_get(root, "alarm"));
	s->gain = (struct mltrain_estimate){ real_of(test, "gain"), real_of(test, "low"),
					     real_of(test, "high") };
	load_regimes(json_object_get(root, "regimes"), s);
	return 0;
}

int persist_load_state(const char *dir, struct persist_state *s)
{
	char path[PATH_MAX];
	json_error_t error;
	json_t *root;
	int err;

	memset(s, 0, sizeof(*s));
	err = path_of(path, "%s/state.json", dir);
	if (err)
		return err;
	if (access(path, F_OK))
		return fail(-ENOENT, "%s is not there", path);
	root = json_load_file(path, 0, &error);
	if (!root)
		return fail(-EBADMSG, "%s, line %d: %s", path, error.line, error.text);
	err = take_state(root, path, s);
	json_decref(root);
	return err;
}

/* ------------------------------------------------------------------ */
/* Versions                                                            */

static int write_file(const char *path, const void *data, size_t len)
{
	char tmp[PATH_MAX];
	FILE *f;
	int err = path_of(tmp, "%s" HALF_DONE, path);

	if (err)
		return err;
	f = fopen(tmp, "we");
	if (!f)
		return fail_errno("create", tmp);
	if (fwrite(data, 1, len, f) != len)
		err = fail_errno("write", tmp);
	if (fclose(f) && !err)
		err = fail_errno("write", tmp);
	if (!err)
		err = put_in_place(tmp, path);
	if (err)
		unlink(tmp);
	return err;
}

int persist_save_version(const char *dir, uint32_t serial, const struct mltrain_model *model,
			 const void *mlp, size_t mlp_len, json_t *report)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	int err;

	err = path_of(path, "%s/versions/%u.json", dir, serial);
	if (err) {
		json_decref(report);
		return err;
	}
	err = persist_write_json(path, report, true);
	err = err ? err : path_of(path, "%s/versions/%u.mlp", dir, serial);
	err = err ? err : write_file(path, mlp, mlp_len);
	err = err ? err : path_of(path, "%s/versions/%u.float", dir, serial);
	err = err ? err : path_of(tmp, "%s" HALF_DONE, path);
	if (err)
		return err;
	err = mltrain_save(model, tmp);
	if (err)
		return fail(err, "%s", mltrain_error());
	return put_in_place(tmp, path);
}

static int read_mlp(const char *path, const struct mlds_schema *schema, void **file, size_t *len)
{
	struct stat st;
	struct model mlp;
	int err;

	err = mltrain_open_fixed(path, schema, file, &mlp);
	if (err)
		return fail(err, "%s", mltrain_error());
	if (stat(path, &st)) {
		free(*file);
		*file = NULL;
		return fail_errno("look at", path);
	}
	*len = st.st_size;
	return 0;
}

int persist_load_version(const char *dir, uint32_t serial, const struct mlds_schema *schema,
			 struct mltrain_model **model, void **mlp, size_t *mlp_len)
{
	char path[PATH_MAX];
	int err;

	*model = NULL;
	err = path_of(path, "%s/versions/%u.mlp", dir, serial);
	err = err ? err : read_mlp(path, schema, mlp, mlp_len);
	if (err)
		return err;
	err = path_of(path, "%s/versions/%u.float", dir, serial);
	if (!err && mltrain_load(model, path))
		err = fail(-EBADMSG, "%s", mltrain_error());
	if (!err && (*model)->schema.schema.schema_hash != schema->schema.schema_hash)
		err = fail(-EBADMSG, "%s is of another schema", path);
	if (err) {
		mltrain_free(*model);
		free(*mlp);
		*model = NULL;
		*mlp = NULL;
	}
	return err;
}

double persist_version_error(const char *dir, uint32_t serial)
{
	char path[PATH_MAX];
	double error = -1;
	json_t *root;

	if (path_of(path, "%s/versions/%u.json", dir, serial))
		return -1;
	root = json_load_file(path, 0, NULL);
	if (json_is_number(json_object_get(root, "abs_error")))
		error = json_number_value(json_object_get(root, "abs_error"));
	json_decref(root);
	return error;
}

void persist_prune(const char *dir, uint32_t newest, uint32_t keep, uint32_t a, uint32_t b)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (path_of(path, "%s/versions", dir))
		return;
	d = opendir(path);
	while (d && (e = readdir(d))) {
		unsigned int serial;

		if (sscanf(e->d_name, "%u.", &serial) != 1 || serial == a || serial == b ||
		    (uint64_t)serial + keep > newest)
			continue;
		if (!path_of(path, "%s/versions/%s", dir, e->d_name))
			unlink(path);
	}
	if (d)
		closedir(d);
}
