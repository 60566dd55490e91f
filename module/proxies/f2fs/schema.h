/* SPDX-License-Identifier: GPL-2.0-only */
/* The context, the actions and the states of the F2FS proxy; see schema.c. */
#ifndef _MLPROXY_F2FS_SCHEMA_H
#define _MLPROXY_F2FS_SCHEMA_H

#include <mlproxy/mlproxy.h>

#include "action.h"

enum f2fs_feature {
	F2FS_F_KERNEL_LOG,
	F2FS_F_MIGRATES,
	F2FS_F_SYNC,
	F2FS_F_SIZE,
	F2FS_F_POSITION,
	F2FS_F_USED,
	F2FS_F_FREE,
	F2FS_NR_FEATURES,
};

enum f2fs_state {
	F2FS_S_USED,
	F2FS_S_FREE,
	F2FS_NR_STATES,
};

extern const struct mlproxy_feature f2fs_features[F2FS_NR_FEATURES];
extern const struct mlproxy_feature f2fs_states[F2FS_NR_STATES];
extern const struct mlproxy_action f2fs_actions[F2FS_NR_ACTIONS];

#endif /* _MLPROXY_F2FS_SCHEMA_H */
