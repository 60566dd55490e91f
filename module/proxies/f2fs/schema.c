// SPDX-License-Identifier: GPL-2.0-only
/*
 * The context, the actions and the states of the F2FS proxy, as user space sees them.
 *
 * Ages and lives are counted in blocks that users write, and are logarithms on the scale of
 * lifetime.h: 16 is a life as long as the device is large, 15 half of that.
 */
#include "common/schema.h"
#include "schema.h"
#include "lifetime.h"

#define LIFE(_name)							\
	{ .name = _name, .unit = "log2 dev/65536", .min = 0,		\
	  .max = F2FS_LIFE_CAPACITY, .type = MLPROXY_TYPE_Q8 }
#define FLAG(_name)		PROXY_COUNT(_name, "0 or 1", 1)

const struct mlproxy_feature f2fs_features[F2FS_NR_FEATURES] = {
	/* what F2FS would choose: 0 hot, as few blocks are dirty; 1 warm; 2 cold */
	[F2FS_F_KERNEL_LOG] = PROXY_COUNT("kernel_log", "log", F2FS_NR_LOGS - 1),
	/* garbage collection moves the block */
	[F2FS_F_MIGRATES] = FLAG("migrates"),
	/* somebody waits for it */
	[F2FS_F_SYNC] = FLAG("sync"),
	/* log2(1 + blocks of the file) */
	[F2FS_F_SIZE] = PROXY_LOG2("size", "log2 blocks", 52),
	/* log2(1 + where in it) */
	[F2FS_F_INDEX] = PROXY_LOG2("index", "log2 blocks", 52),
	[F2FS_F_POSITION] = PROXY_SHARE("position", "of the file"),
	/* it takes the place of another block, or is that, moved */
	[F2FS_F_OLD] = FLAG("old"),
	[F2FS_F_AGE_KNOWN] = FLAG("age_known"),
	/* of that block; 0 if it is not known */
	[F2FS_F_AGE] = LIFE("age"),
	/* moving mean of the ages of blocks overwritten in this chunk of the file; 0 for none */
	[F2FS_F_CHUNK_AGE] = LIFE("chunk_age"),
	[F2FS_F_CHUNK_OLD] = PROXY_SHARE("chunk_old", "of its writes"),
	/* blocks like this one whose life is known, log2(1 + n); mean life of those */
	[F2FS_F_SEEN] = PROXY_LOG2("seen", "log2 blocks", 11),
	[F2FS_F_LIFE] = LIFE("life"),
	/* share of them that dies within a fifth, and 1/32, of the device; of a block that is
	 * moved, of those that lived as long as it has
	 */
	[F2FS_F_SOON] = PROXY_SHARE("soon", "of such blocks"),
	[F2FS_F_EARLY] = PROXY_SHARE("early", "of such blocks"),
	/* the same, of all blocks of files of this user in this directory */
	[F2FS_F_DIR_SEEN] = PROXY_LOG2("dir_seen", "log2 blocks", 11),
	[F2FS_F_DIR_LIFE] = LIFE("dir_life"),
	[F2FS_F_DIR_SOON] = PROXY_SHARE("dir_soon", "of such blocks"),
	/* moving means of the lives of each log's blocks */
	[F2FS_F_HOT_LIFE] = LIFE("hot_life"),
	[F2FS_F_WARM_LIFE] = LIFE("warm_life"),
	[F2FS_F_COLD_LIFE] = LIFE("cold_life"),
	[F2FS_F_USED] = PROXY_SHARE("used", "of the blocks"),
	[F2FS_F_FREE] = PROXY_SHARE("free_sections", "of the sections"),
};

const struct mlproxy_event_desc f2fs_events[F2FS_NR_EVENTS] = {
	/* how long a sampled block lived, whether that is all that was waited for, the log that
	 * it was written to, and how often it was moved
	 */
	[F2FS_EVENT_LIFE] = { .name = "life", .nr_values = F2FS_NR_LIFE_VALUES },
};

/* As f2fs_mount_snapshot() fills them in. */
const struct mlproxy_feature f2fs_states[F2FS_NR_STATES] = {
	[F2FS_S_USED] = PROXY_SHARE("used", "of the blocks"),
	[F2FS_S_FREE] = PROXY_SHARE("free_sections", "of the sections"),
};

const struct mlproxy_action f2fs_actions[F2FS_NR_ACTIONS] = {
	[F2FS_KERNEL] = { .name = "kernel", .value = -1 },
	[F2FS_HOT] = { .name = "hot", .value = F2FS_LOG_HOT },
	[F2FS_WARM] = { .name = "warm", .value = F2FS_LOG_WARM },
	[F2FS_COLD] = { .name = "cold", .value = F2FS_LOG_COLD },
	[F2FS_SURVIVAL] = { .name = "survival", .value = -2 },
};
