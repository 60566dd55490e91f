// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: models: load, activate, roll back, unload, ask, evaluate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"

int mlproxy_model_load_sized(struct mlproxy_session *s, const void *data, size_t len,
			     struct mlproxy_model_load *result, size_t bytes)
{
	struct mlproxy_model_load local;
	int ret;

	if (!result) {
		result = &local;
		bytes = sizeof(local);
	}
	ret = mlpx_begin(s, result, bytes, MLPX_UP_TO(struct mlproxy_model_load, text));
	if (ret)
		return ret;
	if (len > MLPROXY_MODEL_MAX_BYTES)
		return mlpx_fail(s, EFBIG, "the model has %zu bytes, a model has at most %u; "
				 "is it a quantised model?", len, MLPROXY_MODEL_MAX_BYTES);
	result->data = (uintptr_t)data;
	result->data_len = len;
	ret = mlpx_ioctl(s, MLPROXY_IOC_MODEL_LOAD, result, "load a model");
	mlpx_terminate(result->text);
	if (ret == -EBADMSG)
		return mlpx_fail(s, EBADMSG, "the kernel refused the model (%s): %s",
				 mlproxy_refusal_name(result->reason), result->text);
	if (ret == -EINVAL && len == 0)
		return mlpx_fail(s, EINVAL, "the model is empty");
	return ret;
}

static int read_fully(int fd, char *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, buf + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		got += n;
	}
	return 0;
}

int mlproxy_model_load_file_sized(struct mlproxy_session *s, const char *path,
				  struct mlproxy_model_load *result, size_t bytes)
{
	struct stat st;
	void *data = NULL;
	int fd, ret;

	if (result)
		memset(result, 0, bytes);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mlpx_fail(s, errno, "cannot open the model %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0) {
		ret = mlpx_fail(s, errno, "cannot read the model %s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = mlpx_fail(s, EINVAL, "%s is not a regular file", path);
		goto out;
	}
	if (st.st_size > MLPROXY_MODEL_MAX_BYTES) {
		ret = mlpx_fail(s, EFBIG, "%s has %lld bytes, a model has at most %u; is it a "
				"quantised model?", path, (long long)st.st_size,
				MLPROXY_MODEL_MAX_BYTES);
		goto out;
	}
	data = malloc(st.st_size + 1);
	ret = data ? read_fully(fd, data, st.st_size) : -ENOMEM;
	if (ret) {
		mlpx_fail(s, -ret, "cannot read the model %s: %s", path, strerror(-ret));
		goto out;
	}
	ret = mlproxy_model_load_sized(s, data, st.st_size, result, bytes);
out:
	free(data);
	close(fd);
	return ret;
}

int mlproxy_model_ctl(struct mlproxy_session *s, uint32_t op, uint32_t version, uint32_t *active)
{
	struct mlproxy_model_ctl cmd = { .size = sizeof(cmd), .op = op, .version = version };
	int ret;

	ret = mlpx_ioctl(s, MLPROXY_IOC_MODEL_CTL, &cmd, "change the models");
	if (active)
		*active = ret ? 0 : cmd.version;
	if (ret != -ENOENT)
		return ret;
	if (op == MLPROXY_MODEL_OP_ROLLBACK)
		return mlpx_fail(s, ENOENT, "there is nothing to roll back to: nothing was "
				 "activated, or a load took the place of the model before");
	if (version)
		return mlpx_fail(s, ENOENT, "the standby model of %s does not have version %u; "
				 "ask which one is loaded", s->name, version);
	return mlpx_fail(s, ENOENT, "%s has no standby model; load one first", s->name);
}

int mlproxy_model_get_info_sized(struct mlproxy_session *s, struct mlproxy_model_info *info,
				 size_t bytes)
{
	int ret = mlpx_begin(s, info, bytes,
			     MLPX_UP_TO(struct mlproxy_model_info, standby_kind));

	if (ret)
		return ret;
	ret = mlpx_ioctl(s, MLPROXY_IOC_MODEL_INFO, info, "ask for the models");
	mlpx_terminate(info->active_name);
	mlpx_terminate(info->standby_name);
	return ret;
}

int mlproxy_model_eval_sized(struct mlproxy_session *s, uint32_t flags, const int64_t *features,
			     uint32_t nr_features, uint32_t baseline, uint32_t allowed,
			     struct mlproxy_model_eval *result, size_t bytes)
{
	int ret = mlpx_begin(s, result, bytes,
			     MLPX_UP_TO(struct mlproxy_model_eval, outputs));

	if (ret)
		return ret;
	result->flags = flags;
	result->features = (uintptr_t)features;
	result->nr_features = nr_features;
	result->baseline = baseline;
	result->allowed = allowed;
	ret = mlpx_ioctl(s, MLPROXY_IOC_MODEL_EVAL, result, "evaluate a model");
	if (ret == -ENOENT)
		return mlpx_fail(s, ENOENT, "%s has no %s model", s->name,
				 flags & MLPROXY_EVAL_F_STANDBY ? "standby" : "active");
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "%u features, baseline %u and actions 0x%x are no "
				 "decision of %s; see its schema", nr_features, baseline, allowed,
				 s->name);
	return ret;
}
