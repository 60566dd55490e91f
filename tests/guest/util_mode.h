/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of modes share: the mode and its evidence, the world of mlproxy_synth,
 * and running it until the mode is another one. Time is counted in decisions.
 */
#ifndef _TESTS_GUEST_UTIL_MODE_H
#define _TESTS_GUEST_UTIL_MODE_H

#include "util.h"

#define EMERGENCY	MLPROXY_MODE_EMERGENCY
#define LEARNING	MLPROXY_MODE_LEARNING
#define COLLABORATION	MLPROXY_MODE_COLLABORATION
#define RECOMMENDATION	MLPROXY_MODE_RECOMMENDATION

struct mlproxy_mode mode_get(int fd);
int mode_auto(int fd);
uint64_t param_get(int fd, uint32_t param);
int heartbeat(int fd, uint32_t flags, uint32_t timeout_ms, struct mlproxy_heartbeat *out);

/* The running experiment, and the last transitions, newest first. */
extern struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
struct mlproxy_efficiency efficiency(int fd);
uint32_t evidence_version(int fd);	/* of the logic under test, as of now */

/* Parameters of mlproxy_synth. */
void synth_set(const char *param, unsigned int value);
uint64_t synth_get(const char *param);
void synth_calm(void);			/* all as at load */
/* The module anew, with the unit of randomisation; no session may be open. */
void synth_reload(const char *unit);
void synth_reload_with(const char *params);
int synth_order(const char *param, const char *value);	/* 0 or -errno */

/*
 * A stopped, re-initialised and started synth whose best constant action is 1, and in
 * which the model of @action is active; MLPROXY_MAX_ACTIONS for none. Returns the session.
 */
int synth_begin(unsigned int action);
uint32_t synth_model(int fd, unsigned int action);	/* load and activate: version */

/*
 * Decisions until the mode is @mode, at most @max of them.
 * Return: decisions made; fails the test if it takes more.
 */
unsigned int run_until(int fd, uint32_t mode, unsigned int max);
/* The cause is gone: let the emergency end, as it does through learning. */
void leave_emergency(int fd);
/* The last transition was this one; its evidence is in the mode. */
#define expect_transition(fd, from, to, reason) \
	__expect_transition(fd, from, to, MLPROXY_REASON_##reason, #reason, __LINE__)
void __expect_transition(int fd, uint32_t from, uint32_t to, uint32_t reason,
			 const char *name, int line);

#endif /* _TESTS_GUEST_UTIL_MODE_H */
