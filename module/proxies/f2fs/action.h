/* SPDX-License-Identifier: GPL-2.0-only */
/* What a decision may say, and the logs of F2FS for data, by its own numbers. */
#ifndef _MLPROXY_F2FS_ACTION_H
#define _MLPROXY_F2FS_ACTION_H

/* enum temp_type, and the first three of the current segments: layout.c checks both. */
enum f2fs_log {
	F2FS_LOG_HOT,
	F2FS_LOG_WARM,
	F2FS_LOG_COLD,
	F2FS_NR_LOGS,
};

enum f2fs_action {
	F2FS_KERNEL,		/* the log that F2FS chooses */
	F2FS_HOT,
	F2FS_WARM,
	F2FS_COLD,
	F2FS_SURVIVAL,		/* the log whose blocks live as long as such blocks did */
	F2FS_NR_ACTIONS,
};

/* The parameter "pin": for tests, any log, for each block another. */
#define F2FS_PIN_RANDOM	F2FS_NR_ACTIONS

/* Log of an action that names one. */
static inline unsigned int f2fs_action_log(unsigned int action)
{
	return action - F2FS_HOT;
}

#endif /* _MLPROXY_F2FS_ACTION_H */
