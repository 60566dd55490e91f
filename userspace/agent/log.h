/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages: to stderr, a line each, with the journal's "<N>" priority in front
 * where the journal reads them. Safe from any thread.
 */
#ifndef MLPROXYD_LOG_H
#define MLPROXYD_LOG_H

#include <stdbool.h>
#include <syslog.h>

/**
 * log_setup() - before the first message
 * @journal: put priorities in front of the lines
 * @verbose: LOG_DEBUG, too
 */
void log_setup(bool journal, bool verbose);

/**
 * log_say() - one message
 * @level: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG
 * @proxy: proxy that it is about, or NULL
 * @fmt: text, without a newline
 */
void log_say(int level, const char *proxy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* MLPROXYD_LOG_H */
