/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent as a service: what systemd is told, and which privileges are kept.
 */
#ifndef MLPROXYD_SERVICE_H
#define MLPROXYD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** service_under_journal() - does the journal read our stderr */
bool service_under_journal(void);

/** service_ready() - start-up is over */
void service_ready(void);

/** service_status() - a line for "systemctl status" */
void service_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** service_reloading() - the configuration is read again; service_ready() ends it */
void service_reloading(void);

/** service_stopping() - we leave */
void service_stopping(void);

/**
 * service_watchdog_ms() - period at which service_alive() is due
 *
 * Return: half of what the unit's WatchdogSec= says, or 0 for none.
 */
uint32_t service_watchdog_ms(void);

/** service_alive() - tell the watchdog, where there is one */
void service_alive(void);

/**
 * service_own_dir() - make a directory, of the user to run as
 * @path: directory
 * @user: user, or empty
 *
 * Return: 0 or a negative errno; -ENOENT if there is no such user.
 */
int service_own_dir(const char *path, const char *user);

/**
 * service_drop_privileges() - become @user and give all capabilities up
 * @user: user, or empty to stay who it is
 *
 * What is open stays open. No program that is started later has more privileges.
 * Return: 0 or a negative errno.
 */
int service_drop_privileges(const char *user);

#endif /* MLPROXYD_SERVICE_H */
