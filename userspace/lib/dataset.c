// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmlproxy: asking for a data set: how much, which decisions, from when.
 */
#include <errno.h>
#include <string.h>

#include "session.h"

#define DATASET_MIN	MLPX_UP_TO(struct mlproxy_dataset, filters)

static int dataset_call(struct mlproxy_session *s, uint32_t flags, struct mlproxy_dataset *cmd,
			size_t bytes)
{
	int ret;

	if (bytes < DATASET_MIN || bytes > UINT16_MAX)
		return mlpx_fail(s, EINVAL, "the program passes a data set of %zu bytes where at "
				 "least %zu are needed", bytes, DATASET_MIN);
	cmd->size = bytes;
	cmd->flags = flags;
	cmd->reserved = 0;
	ret = mlpx_ioctl(s, MLPROXY_IOC_DATASET, cmd, "ask for a data set");
	if (ret == -ENOENT)
		return mlpx_fail(s, ENOENT, "this session has no dataset rings; set them up "
				 "before a data set is asked for");
	return ret;
}

int mlproxy_dataset_request_sized(struct mlproxy_session *s, struct mlproxy_dataset *request,
				  size_t bytes)
{
	int ret = dataset_call(s, MLPROXY_DATASET_F_REQUEST, request, bytes);

	if (ret == -EBUSY)
		return mlpx_fail(s, EBUSY, "the data set that this session asked for is not "
				 "complete; cancel it first");
	if (ret == -EINVAL)
		return mlpx_fail(s, EINVAL, "the kernel does not take this request: at most %u "
				 "ranges, of features that the schema has and with minimum up "
				 "to maximum; a share up to %u; an event only where it is the "
				 "trigger", MLPROXY_MAX_FILTERS, MLPROXY_SHARE_ONE);
	return ret;
}

int mlproxy_dataset_cancel_sized(struct mlproxy_session *s, struct mlproxy_dataset *dataset,
				 size_t bytes)
{
	struct mlproxy_dataset unused;

	if (!dataset) {
		dataset = &unused;
		bytes = sizeof(unused);
	}
	memset(dataset, 0, bytes);
	return dataset_call(s, MLPROXY_DATASET_F_CANCEL, dataset, bytes);
}

int mlproxy_dataset_get_sized(struct mlproxy_session *s, struct mlproxy_dataset *dataset,
			      size_t bytes)
{
	memset(dataset, 0, bytes);
	return dataset_call(s, 0, dataset, bytes);
}
