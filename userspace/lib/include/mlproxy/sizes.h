/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmlproxy: what takes a structure, of the size that this program was compiled with.
 *
 * mlproxy_NAME() is documented as mlproxy_NAME_sized(), in mlproxy/mlproxy.h and
 * mlproxy/join.h. Who calls the library from another language calls that one.
 */
#ifndef _LIBMLPROXY_SIZES_H
#define _LIBMLPROXY_SIZES_H

#include <mlproxy/mlproxy.h>
#include <mlproxy/join.h>

static inline int mlproxy_get_info(struct mlproxy_session *s, struct mlproxy_info *info)
{
	return mlproxy_get_info_sized(s, info, sizeof(*info));
}

static inline int mlproxy_get_list(struct mlproxy_session *s,
				   struct mlproxy_list_entry **entries, unsigned int *nr)
{
	return mlproxy_get_list_sized(s, entries, nr, sizeof(**entries));
}

static inline int mlproxy_schema_get(struct mlproxy_session *s,
				     struct mlproxy_schema_desc **schema)
{
	const struct mlproxy_schema_sizes sizes = {
		sizeof(sizes), sizeof(struct mlproxy_schema_desc), sizeof(struct mlproxy_schema),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_action),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_event_desc),
		sizeof(struct mlproxy_stratum),
	};

	return mlproxy_schema_get_sized(s, schema, &sizes);
}

static inline int mlproxy_mode_get(struct mlproxy_session *s, struct mlproxy_mode *mode)
{
	return mlproxy_mode_get_sized(s, mode, sizeof(*mode));
}

static inline int mlproxy_efficiency_get(struct mlproxy_session *s,
					 struct mlproxy_efficiency *efficiency,
					 struct mlproxy_transition *transitions, uint32_t room)
{
	return mlproxy_efficiency_get_sized(s, efficiency, transitions, room,
					    sizeof(*efficiency), sizeof(*transitions));
}

static inline int mlproxy_efficiency_verdicts(struct mlproxy_session *s,
					      struct mlproxy_efficiency *efficiency,
					      struct mlproxy_transition *transitions, uint32_t room,
					      struct mlproxy_evidence *verdicts, uint32_t nr_verdicts)
{
	return mlproxy_efficiency_verdicts_sized(s, efficiency, transitions, room, verdicts,
						 nr_verdicts, sizeof(*efficiency),
						 sizeof(*transitions));
}

static inline int mlproxy_heartbeat(struct mlproxy_session *s, uint32_t timeout_ms,
				    struct mlproxy_heartbeat *answer)
{
	return mlproxy_heartbeat_sized(s, timeout_ms, answer, sizeof(*answer));
}

static inline int mlproxy_get_stats(struct mlproxy_session *s, struct mlproxy_stats *stats)
{
	return mlproxy_get_stats_sized(s, stats, sizeof(*stats));
}

static inline int mlproxy_snapshot(struct mlproxy_session *s, struct mlproxy_snapshot *snapshot)
{
	return mlproxy_snapshot_sized(s, snapshot, sizeof(*snapshot));
}

static inline void mlproxy_ring_get_counts(const struct mlproxy_session *s,
					   struct mlproxy_ring_counts *counts)
{
	mlproxy_ring_get_counts_sized(s, counts, sizeof(*counts));
}

static inline int mlproxy_ring_get_stats(struct mlproxy_session *s, uint32_t cpu,
					 struct mlproxy_ring_stats *stats)
{
	return mlproxy_ring_get_stats_sized(s, cpu, stats, sizeof(*stats));
}

static inline int mlproxy_submit(struct mlproxy_session *s,
				 struct mlproxy_recommend_drain *drain, int32_t *results,
				 unsigned int nr_results)
{
	return mlproxy_submit_sized(s, drain, results, nr_results, sizeof(*drain));
}

static inline int mlproxy_model_load(struct mlproxy_session *s, const void *data, size_t len,
				     struct mlproxy_model_load *result)
{
	return mlproxy_model_load_sized(s, data, len, result, sizeof(*result));
}

static inline int mlproxy_model_load_file(struct mlproxy_session *s, const char *path,
					  struct mlproxy_model_load *result)
{
	return mlproxy_model_load_file_sized(s, path, result, sizeof(*result));
}

static inline int mlproxy_model_get_info(struct mlproxy_session *s,
					 struct mlproxy_model_info *info)
{
	return mlproxy_model_get_info_sized(s, info, sizeof(*info));
}

static inline int mlproxy_model_eval(struct mlproxy_session *s, uint32_t flags,
				     const int64_t *features, uint32_t nr_features, uint32_t baseline, uint32_t allowed,
				     struct mlproxy_model_eval *result)
{
	return mlproxy_model_eval_sized(s, flags, features, nr_features, baseline, allowed,
					result, sizeof(*result));
}

static inline int mlproxy_dataset_request(struct mlproxy_session *s,
					  struct mlproxy_dataset *request)
{
	return mlproxy_dataset_request_sized(s, request, sizeof(*request));
}

static inline int mlproxy_dataset_cancel(struct mlproxy_session *s,
					 struct mlproxy_dataset *dataset)
{
	return mlproxy_dataset_cancel_sized(s, dataset, sizeof(*dataset));
}

static inline int mlproxy_dataset_get(struct mlproxy_session *s,
				      struct mlproxy_dataset *dataset)
{
	return mlproxy_dataset_get_sized(s, dataset, sizeof(*dataset));
}

static inline int mlproxy_join_add(struct mlproxy_join *j, const struct mlproxy_rec_hdr *rec,
				   struct mlproxy_joined *out)
{
	return mlproxy_join_add_sized(j, rec, out, sizeof(*out));
}

static inline void mlproxy_join_get_counts(const struct mlproxy_join *j,
					   struct mlproxy_join_counts *counts)
{
	mlproxy_join_get_counts_sized(j, counts, sizeof(*counts));
}

#endif /* _LIBMLPROXY_SIZES_H */
