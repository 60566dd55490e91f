// SPDX-License-Identifier: GPL-2.0-only
/* The context, the actions and the states of the F2FS proxy, as user space sees them. */
#include "common/schema.h"
#include "schema.h"

const struct mlproxy_feature f2fs_features[F2FS_NR_FEATURES] = {
	/* what F2FS would choose: 0 hot, as few blocks are dirty; 1 warm; 2 cold */
	[F2FS_F_KERNEL_LOG] = PROXY_COUNT("kernel_log", "log", F2FS_NR_LOGS - 1),
	/* garbage collection moves the block */
	[F2FS_F_MIGRATES] = PROXY_COUNT("migrates", "0 or 1", 1),
	/* somebody waits for it */
	[F2FS_F_SYNC] = PROXY_COUNT("sync", "0 or 1", 1),
	/* log2(1 + blocks of the file) */
	[F2FS_F_SIZE] = PROXY_LOG2("size", "log2 blocks", 52),
	[F2FS_F_POSITION] = PROXY_SHARE("position", "of the file"),
	[F2FS_F_USED] = PROXY_SHARE("used", "of the blocks"),
	[F2FS_F_FREE] = PROXY_SHARE("free_sections", "of the sections"),
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
};
