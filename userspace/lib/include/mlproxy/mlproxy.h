/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: the user-space library of /dev/mlproxy.
 *
 * Thin over the ABI in <linux/mlproxy.h>: its structures are used as they are.
 *
 * Return values: functions that return int return 0 (or a count where that is
 * said) on success and a negative errno on failure, as the ABI's errno contract
 * lists them; mlproxy_errmsg() then has the cause and the remedy in words. The
 * library never prints, never exits, and keeps no state outside of sessions,
 * but for the message of a failed mlproxy_open(), which is per thread.
 *
 * Sizes: every structure carries its size, or the functions that take it are told
 * (their names end in _sized; the inline ones of mlproxy/sizes.h pass what the program
 * was compiled with). So a program works with a library of another day, whichever of
 * the two knows more: what only one of them knows of is 0, or left out. See docs/abi.md.
 *
 * Threads: a session may be used by one thread at a time. Different sessions
 * are independent.
 */
#ifndef _LIBMLPROXY_MLPROXY_H
#define _LIBMLPROXY_MLPROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/mlproxy.h>
#include <linux/mlproxy_model.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MLPROXY_API __attribute__((visibility("default")))
#else
#define MLPROXY_API
#endif

/** Device that mlproxy_open() takes if neither it nor MLPROXY_DEVICE names one. */
#define MLPROXY_DEFAULT_DEVICE	"/dev/mlproxy"

/** Open for reading: data sets and questions; see docs/security.md. */
#define MLPROXY_OPEN_RDONLY	(1U << 0)
/** poll() and read() on mlproxy_fd() do not block. */
#define MLPROXY_OPEN_NONBLOCK	(1U << 1)

struct mlproxy_session;

/* ------------------------------------------------------------------ */
/* Session                                                             */

/**
 * mlproxy_open() - open a session
 * @sp: out: the session, NULL on failure
 * @path: device, or NULL for $MLPROXY_DEVICE, or else MLPROXY_DEFAULT_DEVICE
 * @flags: MLPROXY_OPEN_*
 *
 * Return: 0; what open(2) returned; -ENOTTY if @path is not an mlproxy device;
 * -EPROTO if the kernel's ABI version is not the library's; -EINVAL for unknown
 * @flags; -ENOMEM. mlproxy_errmsg(NULL) has the words.
 */
MLPROXY_API int mlproxy_open(struct mlproxy_session **sp, const char *path, unsigned int flags);

/**
 * mlproxy_close() - unmap the rings and close
 * @s: session, or NULL
 *
 * Recommendations that were queued and not submitted are forgotten.
 */
MLPROXY_API void mlproxy_close(struct mlproxy_session *s);

/**
 * mlproxy_fd() - file descriptor, for poll(2) and epoll(7)
 * @s: session
 *
 * Readable when a dataset ring reached its watermark or its timeout. Don't
 * close it.
 */
MLPROXY_API int mlproxy_fd(const struct mlproxy_session *s);

/**
 * mlproxy_errmsg() - what the last failure of this session was
 * @s: session; NULL for this thread's last failed mlproxy_open()
 *
 * Return: a sentence that names cause and remedy, "" if nothing failed yet;
 * valid until the next call that fails.
 */
MLPROXY_API const char *mlproxy_errmsg(const struct mlproxy_session *s);

/**
 * mlproxy_get_info_sized() - version, features, number of CPUs and proxies
 * @s: session
 * @info: out
 */
MLPROXY_API int mlproxy_get_info_sized(struct mlproxy_session *s, struct mlproxy_info *info,
				       size_t bytes);

/**
 * mlproxy_get_list_sized() - the registered proxies, each followed by its instances
 * @s: session
 * @entries: out: array to be freed with free(); NULL if there are none
 * @nr: out: entries in it
 */
MLPROXY_API int mlproxy_get_list_sized(struct mlproxy_session *s,
				       struct mlproxy_list_entry **entries, unsigned int *nr,
				       size_t bytes);

/**
 * mlproxy_bind() - tie the session to one proxy, until it is closed
 * @s: session
 * @name: name of the proxy, or PROXY:INSTANCE
 *
 * With a proxy that has instances a session is about all of them, with PROXY:INSTANCE about
 * that one alone; models and recommendations are the proxy's in either case.
 * Everything below needs a bound session and returns -ENXIO without.
 * Return: 0; -ENOENT if there is no such proxy; -EBUSY if bound already;
 * -ENAMETOOLONG.
 */
MLPROXY_API int mlproxy_bind(struct mlproxy_session *s, const char *name);

/**
 * mlproxy_bound_name() - name of the bound proxy
 * @s: session
 *
 * Return: the name, or "" if the session is not bound.
 */
MLPROXY_API const char *mlproxy_bound_name(const struct mlproxy_session *s);

/* ------------------------------------------------------------------ */
/* Schema                                                              */

/**
 * struct mlproxy_schema_desc - a schema with its arrays
 * @size: bytes of it that are filled in
 * @proxy: name of the proxy
 * @features: @s.nr_features entries
 * @actions: @s.nr_actions entries
 * @states: @s.nr_states entries: what the values of a snapshot are
 * @events: @s.nr_events entries: raw events by their number
 * @s: as the kernel filled it in; its pointers are to the arrays
 *
 * Every string is NUL terminated. mlproxy_schema_stratum() has the names of the strata.
 */
struct mlproxy_schema_desc {
	size_t size;
	char proxy[MLPROXY_NAME_LEN];
	struct mlproxy_feature *features;
	struct mlproxy_action *actions;
	struct mlproxy_feature *states;
	struct mlproxy_event_desc *events;
	struct mlproxy_schema s;
};

/**
 * struct mlproxy_schema_sizes - what a program was compiled with
 * @size: sizeof(struct mlproxy_schema_sizes)
 * @desc: sizeof(struct mlproxy_schema_desc)
 * @schema: sizeof(struct mlproxy_schema)
 * @feature: sizeof(struct mlproxy_feature)
 * @action: sizeof(struct mlproxy_action)
 * @state: sizeof(struct mlproxy_feature)
 * @event: sizeof(struct mlproxy_event_desc)
 * @stratum: sizeof(struct mlproxy_stratum)
 */
struct mlproxy_schema_sizes {
	size_t size;
	size_t desc;
	size_t schema;
	size_t feature;
	size_t action;
	size_t state;
	size_t event;
	size_t stratum;
};

/**
 * mlproxy_schema_get_sized() - ask for the schema of the bound proxy
 * @s: session
 * @schema: out: to be freed with mlproxy_schema_free()
 * @sizes: of the structures in the program
 */
MLPROXY_API int mlproxy_schema_get_sized(struct mlproxy_session *s,
					 struct mlproxy_schema_desc **schema,
					 const struct mlproxy_schema_sizes *sizes);

/**
 * mlproxy_schema_free() - free a schema
 * @schema: schema, or NULL
 */
MLPROXY_API void mlproxy_schema_free(struct mlproxy_schema_desc *schema);

/**
 * mlproxy_schema_feature() - index of a feature by its name
 * @schema: schema
 * @name: name
 *
 * Return: index, or -ENOENT.
 */
MLPROXY_API int mlproxy_schema_feature(const struct mlproxy_schema_desc *schema, const char *name);

/**
 * mlproxy_schema_action() - index of an action by its name
 * @schema: schema
 * @name: name
 *
 * Return: index, or -ENOENT.
 */
MLPROXY_API int mlproxy_schema_action(const struct mlproxy_schema_desc *schema, const char *name);

/**
 * mlproxy_schema_event() - number of a described event by its name
 * @schema: schema
 * @name: name
 *
 * Return: the number, as in event records, or -ENOENT.
 */
MLPROXY_API int mlproxy_schema_event(const struct mlproxy_schema_desc *schema, const char *name);

/**
 * mlproxy_schema_stratum() - name of a context that outcomes are compared in
 * @schema: schema
 * @stratum: its number, as in decision records
 *
 * Return: the name, "?" beyond @schema->s.nr_strata.
 */
MLPROXY_API const char *mlproxy_schema_stratum(const struct mlproxy_schema_desc *schema,
					       uint32_t stratum);

/* ------------------------------------------------------------------ */
/* Control                                                             */

/**
 * mlproxy_control() - start, stop or re-initialise the proxy
 * @s: session
 * @op: MLPROXY_CTL_*
 * @state: out: MLPROXY_STATE_* after it; may be NULL
 *
 * Return: 0; -EINVAL if the present state does not allow @op; -EPERM in a
 * session opened read-only; or what the proxy's own start callback returned.
 */
MLPROXY_API int mlproxy_control(struct mlproxy_session *s, uint32_t op, uint32_t *state);

/**
 * mlproxy_mode_get_sized() - ask for the mode
 * @s: session
 * @mode: out
 */
MLPROXY_API int mlproxy_mode_get_sized(struct mlproxy_session *s, struct mlproxy_mode *mode,
				       size_t bytes);

/**
 * mlproxy_mode_set() - fix the mode
 * @s: session
 * @mode: MLPROXY_MODE_*
 *
 * It stays until it is set again, or handed back with mlproxy_mode_auto().
 */
MLPROXY_API int mlproxy_mode_set(struct mlproxy_session *s, uint32_t mode);

/**
 * mlproxy_mode_auto() - hand the mode back to the mode machine
 * @s: session
 *
 * A new proxy's mode is the machine's. An emergency ends in learning, any other mode
 * goes on from there.
 */
MLPROXY_API int mlproxy_mode_auto(struct mlproxy_session *s);

/**
 * mlproxy_efficiency_get_sized() - the running experiment, and the last changes of mode
 * @s: session
 * @efficiency: out; its pointer is of no use
 * @transitions: out: newest first; may be NULL with no @room
 * @room: entries that fit; MLPROXY_MAX_TRANSITIONS are kept by the kernel
 *
 * Return: entries filled in, or a negative errno.
 */
MLPROXY_API int mlproxy_efficiency_get_sized(struct mlproxy_session *s,
					     struct mlproxy_efficiency *efficiency,
					     struct mlproxy_transition *transitions, uint32_t room,
					     size_t bytes, size_t transition_bytes);

/**
 * mlproxy_efficiency_verdicts_sized() - the same, with all verdicts
 * @s: session
 * @efficiency: out; its pointers are of no use
 * @transitions: out: newest first; may be NULL with no @room
 * @room: entries that fit
 * @verdicts: out: by MLPROXY_VERDICT_*
 * @nr_verdicts: entries that fit; MLPROXY_ROOM_VERDICTS are enough for every kernel
 *
 * @efficiency->nr_verdicts is how many are filled in, the rest is 0. A kernel that has one
 * verdict only gives that, as MLPROXY_VERDICT_REWARD.
 * Return: entries filled in of @transitions, or a negative errno.
 */
MLPROXY_API int mlproxy_efficiency_verdicts_sized(struct mlproxy_session *s,
						  struct mlproxy_efficiency *efficiency,
						  struct mlproxy_transition *transitions, uint32_t room,
						  struct mlproxy_evidence *verdicts, uint32_t nr_verdicts,
						  size_t bytes, size_t transition_bytes);

/**
 * mlproxy_heartbeat_sized() - tell the kernel that the proxy's agent is there
 * @s: session
 * @timeout_ms: the next heartbeat comes within it, up to MLPROXY_HEARTBEAT_MAX_MS; 0:
 *	no more will come, and none is missed
 * @answer: out: mode, and age of the heartbeat before; may be NULL
 *
 * An agent that is late is cause for emergency, until it is heard again.
 * Return: 0; -EINVAL for a @timeout_ms out of range; -ENOTTY for a kernel without.
 */
MLPROXY_API int mlproxy_heartbeat_sized(struct mlproxy_session *s, uint32_t timeout_ms,
					struct mlproxy_heartbeat *answer, size_t bytes);

/**
 * mlproxy_param_get() - ask for a parameter
 * @s: session
 * @param: MLPROXY_PARAM_*
 * @index: mode for the per-mode parameters, else 0
 * @value: out
 */
MLPROXY_API int mlproxy_param_get(struct mlproxy_session *s, uint32_t param, uint32_t index,
				  uint64_t *value);

/**
 * mlproxy_param_set() - change a parameter
 * @s: session
 * @param: MLPROXY_PARAM_*
 * @index: mode for the per-mode parameters, else 0
 * @value: new value; shares are of MLPROXY_SHARE_ONE
 */
MLPROXY_API int mlproxy_param_set(struct mlproxy_session *s, uint32_t param, uint32_t index,
				  uint64_t value);

/**
 * mlproxy_get_stats_sized() - counters of the proxy
 * @s: session
 * @stats: out
 */
MLPROXY_API int mlproxy_get_stats_sized(struct mlproxy_session *s, struct mlproxy_stats *stats,
					size_t bytes);

/**
 * mlproxy_snapshot_sized() - ask for the state of the subsystem
 * @s: session
 * @snapshot: out: values as the schema's states say, and the health of the
 *	subsystem; no values if the proxy has no state to show
 *
 * The kernel publishes the same as an event record, MLPROXY_EVENT_SNAPSHOT.
 */
MLPROXY_API int mlproxy_snapshot_sized(struct mlproxy_session *s,
				       struct mlproxy_snapshot *snapshot, size_t bytes);

#include <mlproxy/rings.h>

/* ------------------------------------------------------------------ */
/* Recommendations                                                     */

/**
 * mlproxy_recommend_setup() - make the recommendation ring and map it
 * @s: bound session, not read-only
 * @entries: entries of the ring, rounded up to a power of two; 0 for 1024
 *
 * Once per session.
 */
MLPROXY_API int mlproxy_recommend_setup(struct mlproxy_session *s, uint32_t entries);

/**
 * mlproxy_recommend() - put one recommendation into the ring
 * @s: session with a recommendation ring
 * @key: entity that it is for
 * @action: index of a legal action
 * @confidence: 0 to 65535
 * @ttl_ms: applies so long after it was submitted, 1 to MLPROXY_REC_MAX_TTL_MS
 * @version: batch or model version, as decision records will show it
 *
 * No system call. The kernel judges the values in mlproxy_submit().
 * Return: 0; -EAGAIN if the ring is full: submit first; -ENXIO without ring.
 */
MLPROXY_API int mlproxy_recommend(struct mlproxy_session *s, uint64_t key, uint16_t action,
				  uint16_t confidence, uint32_t ttl_ms, uint32_t version);

/**
 * mlproxy_submit_sized() - have the kernel take what is in the recommendation ring
 * @s: session with a recommendation ring
 * @drain: out: how many were taken, accepted and refused; may be NULL
 * @results: out: one result for each entry taken, oldest first: 0 or a negative
 *	errno; may be NULL
 * @nr_results: room in @results
 *
 * Return: the number of entries taken, or a negative errno.
 */
MLPROXY_API int mlproxy_submit_sized(struct mlproxy_session *s,
				     struct mlproxy_recommend_drain *drain, int32_t *results, unsigned int nr_results,
				     size_t bytes);

/* ------------------------------------------------------------------ */
/* Models                                                              */

/**
 * mlproxy_model_load_sized() - load a model into the standby slot
 * @s: bound session, not read-only
 * @data: model file in memory
 * @len: its bytes
 * @result: out: version and cost, or reason and text of a refusal; may be NULL
 *
 * Return: 0; -EBADMSG if the kernel refused the model: its reason is in @result
 * and in mlproxy_errmsg(); -EFBIG if @len is over MLPROXY_MODEL_MAX_BYTES.
 */
MLPROXY_API int mlproxy_model_load_sized(struct mlproxy_session *s, const void *data,
					 size_t len, struct mlproxy_model_load *result, size_t bytes);

/**
 * mlproxy_model_load_file_sized() - load a model file into the standby slot
 * @s: bound session, not read-only
 * @path: file
 * @result: as for mlproxy_model_load()
 *
 * Return: as mlproxy_model_load(), or why the file can't be read.
 */
MLPROXY_API int mlproxy_model_load_file_sized(struct mlproxy_session *s, const char *path,
					      struct mlproxy_model_load *result, size_t bytes);

/**
 * mlproxy_model_ctl() - activate, roll back or unload models
 * @s: bound session, not read-only
 * @op: MLPROXY_MODEL_OP_*
 * @version: the version that is to become active, 0 for any
 * @active: out: version that is active after it, 0 for none; may be NULL
 *
 * Return: 0; -ENOENT if there is no such model.
 */
MLPROXY_API int mlproxy_model_ctl(struct mlproxy_session *s, uint32_t op, uint32_t version,
				  uint32_t *active);

/**
 * mlproxy_model_get_info_sized() - what is in the model slots
 * @s: bound session
 * @info: out
 */
MLPROXY_API int mlproxy_model_get_info_sized(struct mlproxy_session *s,
					     struct mlproxy_model_info *info, size_t bytes);

/**
 * mlproxy_model_eval_sized() - have the kernel run a model outside of a decision
 * @s: bound session
 * @flags: MLPROXY_EVAL_F_STANDBY for the standby model
 * @features: one value a feature, in schema order
 * @nr_features: the schema's number of features
 * @baseline: index of a legal action
 * @allowed: bit mask of legal actions, with @baseline
 * @result: out
 *
 * Return: 0; -ENOENT if there is no such model.
 */
MLPROXY_API int mlproxy_model_eval_sized(struct mlproxy_session *s, uint32_t flags,
					 const int64_t *features, uint32_t nr_features, uint32_t baseline, uint32_t allowed,
					 struct mlproxy_model_eval *result, size_t bytes);

/* ------------------------------------------------------------------ */
/* Data sets                                                           */

/**
 * mlproxy_dataset_request_sized() - ask for a data set, instead of everything
 * @s: session with rings
 * @request: in: @trigger, @event, @max_decisions, @duration_ns, @sample, @nr_filters
 *	and @filters, the rest 0; out: @state and the counters
 *
 * From then on the rings get only decisions that the request takes, and their
 * feedback, until it is complete; mlproxy_dataset_get() tells, and poll(2) on
 * mlproxy_fd() by POLLPRI. The last feedback may still come then.
 * Return: 0; -ENOENT without rings; -EBUSY while a request is waiting or active, or
 * if 32 other sessions of the proxy have rings; -EINVAL; -EPERM; -ENOMEM.
 */
MLPROXY_API int mlproxy_dataset_request_sized(struct mlproxy_session *s,
					      struct mlproxy_dataset *request, size_t bytes);

/**
 * mlproxy_dataset_cancel_sized() - end what was asked for; no error if nothing was
 * @s: session with rings
 * @dataset: out: @state and the counters; may be NULL
 */
MLPROXY_API int mlproxy_dataset_cancel_sized(struct mlproxy_session *s,
					     struct mlproxy_dataset *dataset, size_t bytes);

/**
 * mlproxy_dataset_get_sized() - how far the data set is
 * @s: session with rings
 * @dataset: out: @state and the counters
 */
MLPROXY_API int mlproxy_dataset_get_sized(struct mlproxy_session *s,
					  struct mlproxy_dataset *dataset, size_t bytes);

/* ------------------------------------------------------------------ */
/* Names of numbers, as the tools print and take them                  */

/* Each returns "?" for a number that is not known. */
MLPROXY_API const char *mlproxy_state_name(uint32_t state);
MLPROXY_API const char *mlproxy_mode_name(uint32_t mode);
MLPROXY_API const char *mlproxy_mode_reason_name(uint32_t reason);
MLPROXY_API const char *mlproxy_arm_name(uint32_t arm);
MLPROXY_API const char *mlproxy_source_name(uint32_t source);
MLPROXY_API const char *mlproxy_unit_name(uint32_t unit);
MLPROXY_API const char *mlproxy_type_name(uint32_t type);
MLPROXY_API const char *mlproxy_direction_name(uint32_t direction);
MLPROXY_API const char *mlproxy_record_name(uint32_t type);
MLPROXY_API const char *mlproxy_refusal_name(uint32_t reason);
MLPROXY_API const char *mlproxy_health_name(uint32_t health);
MLPROXY_API const char *mlproxy_preprocess_name(uint32_t preprocess);
MLPROXY_API const char *mlproxy_trigger_name(uint32_t trigger);
MLPROXY_API const char *mlproxy_dataset_state_name(uint32_t state);
MLPROXY_API const char *mlproxy_verdict_name(uint32_t verdict);
MLPROXY_API const char *mlproxy_stance_name(uint32_t stance);
MLPROXY_API const char *mlproxy_stage_name(uint32_t stage);
MLPROXY_API const char *mlproxy_outer_unit_name(uint32_t unit);
/* Of one MLPROXY_NEEDS_*. */
MLPROXY_API const char *mlproxy_need_name(uint32_t need);

/**
 * mlproxy_mode_by_name() - MLPROXY_MODE_* of a name
 * @name: as mlproxy_mode_name() gives it
 *
 * Return: the mode, or -ENOENT.
 */
MLPROXY_API int mlproxy_mode_by_name(const char *name);

/** mlproxy_version() - version of the library, "MAJOR.MINOR.PATCH". */
MLPROXY_API const char *mlproxy_version(void);

#ifdef __cplusplus
}
#endif

#include <mlproxy/join.h>
#include <mlproxy/sizes.h>

#endif /* _LIBMLPROXY_MLPROXY_H */
