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
	F2FS_F_INDEX,
	F2FS_F_POSITION,
	F2FS_F_OLD,
	F2FS_F_AGE_KNOWN,
	F2FS_F_AGE,
	F2FS_F_CHUNK_AGE,
	F2FS_F_CHUNK_OLD,
	F2FS_F_SEEN,
	F2FS_F_LIFE,
	F2FS_F_SOON,
	F2FS_F_EARLY,
	F2FS_F_DIR_SEEN,
	F2FS_F_DIR_LIFE,
	F2FS_F_DIR_SOON,
	F2FS_F_HOT_LIFE,
	F2FS_F_WARM_LIFE,
	F2FS_F_COLD_LIFE,
	F2FS_F_USED,
	F2FS_F_FREE,
	F2FS_NR_FEATURES,
};

enum f2fs_state {
	F2FS_S_USED,
	F2FS_S_FREE,
	F2FS_NR_STATES,
};

/* An event that says how long a sampled block lived. */
#define F2FS_EVENT_LIFE	0

enum f2fs_life_value {
	F2FS_LIFE_LIVED,
	F2FS_LIFE_SURVIVED,
	F2FS_LIFE_LOG,
	F2FS_LIFE_MOVES,
	F2FS_NR_LIFE_VALUES,
};

#define F2FS_NR_EVENTS	1

extern const struct mlproxy_event_desc f2fs_events[F2FS_NR_EVENTS];
extern const struct mlproxy_feature f2fs_features[F2FS_NR_FEATURES];
extern const struct mlproxy_feature f2fs_states[F2FS_NR_STATES];
extern const struct mlproxy_action f2fs_actions[F2FS_NR_ACTIONS];

#endif /* _MLPROXY_F2FS_SCHEMA_H */
