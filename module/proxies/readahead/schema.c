// SPDX-License-Identifier: GPL-2.0-only
/*
 * The context and the actions of the readahead proxy, as user space sees them.
 *
 * All features describe the epoch before the decision. Shares are of its calls:
 * cache misses and pages reached that were marked "read on".
 */
#include "action.h"
#include "common/schema.h"
#include "schema.h"

const struct mlproxy_feature ra_features[RA_NR_FEATURES] = {
	/* page faults, as against read() */
	[RA_F_MMAP_SHARE] = PROXY_SHARE("mmap_share", "of calls"),
	/* misses where the last window ended */
	[RA_F_SEQ_SHARE] = PROXY_SHARE("seq_share", "of calls"),
	/* marked pages reached: windows that were worth it */
	[RA_F_ASYNC_SHARE] = PROXY_SHARE("async_share", "of calls"),
	/* the distance from the call before repeated */
	[RA_F_STRIDE_SHARE] = PROXY_SHARE("stride_share", "of calls"),
	/* directly before the call before */
	[RA_F_BACK_SHARE] = PROXY_SHARE("back_share", "of calls"),
	/* within 32 pages of one of the last four */
	[RA_F_NEAR_SHARE] = PROXY_SHARE("near_share", "of calls"),
	/* mean of log2(1 + distance from the call before) */
	[RA_F_DISTANCE] = PROXY_LOG2("distance", "log2 pages", 32),
	/* log2(1 + mean pages asked for) */
	[RA_F_REQUEST] = PROXY_LOG2("request", "log2 pages", 16),
	/* log2(1 + mean pages read) */
	[RA_F_READ] = PROXY_LOG2("read", "log2 pages", 24),
	/* log2(1 + window that was in force) */
	[RA_F_WINDOW] = PROXY_LOG2("window", "log2 pages", 16),
	/* time waited for the disk, per call */
	[RA_F_STALL] = PROXY_LOG2("stall", "log2 ns", 40),
	/* CPU time between calls, per call */
	[RA_F_THINK] = PROXY_LOG2("think", "log2 ns", 40),
	/* CPU time over all time, between the misses of this file and the next */
	[RA_F_PROGRESS] = { .name = "progress", .unit = "log2", .min = RA_REWARD_MIN, .max = 0,
			    .type = MLPROXY_TYPE_Q8 },
	/* mean duration of a read on the device, lately */
	[RA_F_DEV_LATENCY] = PROXY_LOG2("dev_latency", "log2 ns", 40),
	/* log2(1 + mean reads in flight) */
	[RA_F_DEV_DEPTH] = PROXY_LOG2("dev_depth", "log2 reads", 16),
	/* what the device delivers */
	[RA_F_DEV_RATE] = PROXY_LOG2("dev_rate", "log2 bytes/ms", 40),
	/* files with misses in the last 0.1 to 0.2 s */
	[RA_F_ACTIVE_FILES] = PROXY_LOG2("active_files", "log2 files", 16),
	[RA_F_FILE_SIZE] = PROXY_LOG2("file_size", "log2 pages", 52),
	/* free, of the memory that the reader may fill */
	[RA_F_FREE_MEMORY] = PROXY_SHARE("free_memory", "of memory"),
	/* of the pages read from the device lately, those that had been evicted */
	[RA_F_REFAULT_SHARE] = PROXY_SHARE("refault_share", "of pages read"),
	/* of the pages evicted lately, those that were missed again soon */
	[RA_F_RENT] = PROXY_SHARE("rent", "of evictions"),
	/* log2(1 + the window of "bdp") */
	[RA_F_DEV_WINDOW] = PROXY_LOG2("dev_window", "log2 pages", 16),
};

#define FILES(_name) PROXY_COUNT(_name, "files", U32_MAX)

/* As ra_target_snapshot() fills them in, of the first four targets. */
const struct mlproxy_feature ra_states[MLPROXY_MAX_STATES] = {
	PROXY_LOG2("dev_latency0", "log2 ns", 40), PROXY_LOG2("dev_depth0", "log2 reads", 16),
	PROXY_LOG2("dev_rate0", "log2 bytes/ms", 40), FILES("active_files0"),
	PROXY_LOG2("dev_latency1", "log2 ns", 40), PROXY_LOG2("dev_depth1", "log2 reads", 16),
	PROXY_LOG2("dev_rate1", "log2 bytes/ms", 40), FILES("active_files1"),
	PROXY_LOG2("dev_latency2", "log2 ns", 40), PROXY_LOG2("dev_depth2", "log2 reads", 16),
	PROXY_LOG2("dev_rate2", "log2 bytes/ms", 40), FILES("active_files2"),
	PROXY_LOG2("dev_latency3", "log2 ns", 40), PROXY_LOG2("dev_depth3", "log2 reads", 16),
	PROXY_LOG2("dev_rate3", "log2 bytes/ms", 40), FILES("active_files3"),
};

const struct mlproxy_action ra_actions[RA_NR_ACTIONS] = {
	/* the window that the kernel has for the device */
	[RA_KERNEL] = { .name = "kernel", .value = -1 },
	/* what is asked for and no more */
	[RA_NONE] = { .name = "none", .value = 0 },
	[RA_16K] = { .name = "16K", .value = 16 << 10 },
	[RA_32K] = { .name = "32K", .value = 32 << 10 },
	[RA_64K] = { .name = "64K", .value = 64 << 10 },
	[RA_256K] = { .name = "256K", .value = 256 << 10 },
	[RA_1M] = { .name = "1M", .value = 1 << 20 },
	[RA_4M] = { .name = "4M", .value = 4 << 20 },
	/* follow backward and strided reads so far ahead, else as the kernel */
	[RA_PATTERN_128K] = { .name = "pattern128K", .value = 128 << 10 },
	[RA_PATTERN_1M] = { .name = "pattern1M", .value = 1 << 20 },
	/* twice the device's bandwidth times its latency, from 128K to 4M */
	[RA_BDP] = { .name = "bdp", .value = -2 },
};
