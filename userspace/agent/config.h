/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's configuration: an ini file with one section [mlproxyd], one [proxy *]
 * for all proxies that there are, and one [proxy NAME] for each that differs;
 * mlproxyd.conf(5) documents the keys.
 *
 * start, share and explore are the operator's part: `mlproxyd --setup` sets them.
 * All else is the agent's.
 */
#ifndef MLPROXYD_CONFIG_H
#define MLPROXYD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "mlproxy_train.h"

#define CONFIG_DEFAULT_PATH	"/etc/mlproxy/mlproxyd.conf"
#define CONFIG_MAX_PROXIES	MLPROXY_MAX_PROXIES
#define CONFIG_UNSET		UINT64_MAX

/**
 * struct proxy_config - what the agent does for one proxy
 * @name: proxy
 * @start: start the proxy where it does not run
 * @heartbeat_ms: what the kernel is told: the next heartbeat comes within it
 * @ring_bytes: data of the ring of one CPU, 0 for the library's default
 * @recent_rows: outcomes that the replay buffer keeps in any case, the newest
 * @archive_rows: outcomes that it keeps of all that came before
 * @min_rows: outcomes before the first fit, and after a change of the world
 * @refit_rows: new outcomes that make a refit due
 * @refit_ms: time that makes a refit due, if there is anything new
 * @holdout: share of the outcomes that no model is ever trained on
 * @validation: share of the rest for early stopping
 * @replay_share: archived rows in a refit, at most, for each recent one
 * @drift_delta: rise of the mean error that is no alarm, in units of the reward's
 *	standard deviation
 * @drift_threshold: sum of the errors beyond it that is an alarm
 * @tolerance: loss against the baseline that counts as none, in the same units
 * @min_gain: gain over the model in use that is worth a swap, in the same units
 * @probation_rows: outcomes of a new version in which it may be rolled back
 * @versions: models kept on disk
 * @warm_epochs: passes over the rows of a refit that goes on from a model
 * @share: the model's, by mode, of MLPROXY_SHARE_ONE; CONFIG_UNSET leaves it alone
 * @explore: share of exploration, likewise
 * @fit: options of the trainer
 */
struct proxy_config {
	char name[MLPROXY_NAME_LEN];
	bool start;
	uint32_t heartbeat_ms;
	uint32_t ring_bytes;
	uint32_t recent_rows;
	uint32_t archive_rows;
	uint32_t min_rows;
	uint32_t refit_rows;
	uint64_t refit_ms;
	double holdout;
	double validation;
	double replay_share;
	double drift_delta;
	double drift_threshold;
	double tolerance;
	double min_gain;
	uint32_t probation_rows;
	uint32_t versions;
	uint32_t warm_epochs;
	uint64_t share[MLPROXY_NR_MODES];
	uint64_t explore[MLPROXY_NR_MODES];
	struct mltrain_options fit;
};

/**
 * struct agent_config - the whole file
 * @device: device, empty for the default
 * @state_dir: where state and status are kept
 * @user: to run as, empty to stay who it is
 * @status_ms: period of the status files
 * @save_ms: period of saving what was learned
 * @nice: of the training thread
 * @threads: of libtorch
 * @any: learn for every proxy that there is, as @any_proxy says
 * @any_proxy: what [proxy *] says; what every other section begins with
 * @nr_proxies: entries in @proxy
 * @proxy: the named proxies, in the order of the file
 */
struct agent_config {
	char device[256];
	char state_dir[256];
	char user[64];
	uint32_t status_ms;
	uint32_t save_ms;
	uint32_t nice;
	uint32_t threads;
	bool any;
	struct proxy_config any_proxy;
	unsigned int nr_proxies;
	struct proxy_config *proxy;
};

/**
 * config_load() - read a configuration
 * @config: out; config_free() it
 * @path: file, or NULL for CONFIG_DEFAULT_PATH, which need not be there: without it
 *	the agent learns for every proxy, and sets nothing
 * @error: out: what is wrong, with line and remedy
 * @error_len: room in @error
 *
 * Return: 0, or a negative errno; -EINVAL for what the file says.
 */
int config_load(struct agent_config *config, const char *path, char *error, size_t error_len);

/**
 * config_parse() - the same from a text
 * @config: out
 * @text: text
 * @name: name of it, for messages
 * @error: as for config_load()
 * @error_len: as for config_load()
 */
int config_parse(struct agent_config *config, const char *text, const char *name, char *error,
		 size_t error_len);

/** config_free() - free what config_load() allocated */
void config_free(struct agent_config *config);

/**
 * config_find() - what the configuration says of a proxy
 * @config: configuration
 * @name: proxy
 *
 * An instance is ours only if a section names it; then its proxy is not, as all models go
 * to the proxy. Return: its section, or that of all proxies, or NULL if it is none of ours.
 */
const struct proxy_config *config_find(const struct agent_config *config, const char *name);

#endif /* MLPROXYD_CONFIG_H */
