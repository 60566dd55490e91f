# SPDX-License-Identifier: GPL-2.0-only
"""Writes the C of mlproxy._native, the binding to the C libraries: build_native.py FILE.c

cffi in API mode: a structure is declared only as far as Python looks into it, and the
compiler fills in the rest from the headers.
"""

import sys

import cffi

CDEF = """
struct mlproxy_feature {
	char name[...]; char unit[...];
	int64_t min; int64_t max; uint32_t type; uint32_t preprocess; ...;
};
struct mlproxy_action { char name[...]; int64_t value; ...; };
struct mlproxy_stratum { char name[...]; ...; };
struct mlproxy_schema {
	uint32_t nr_features; uint32_t nr_actions; uint32_t nr_strata; uint32_t schema_version;
	uint32_t reward_direction; uint32_t reward_type;
	int64_t reward_min; int64_t reward_max; char reward_name[...]; char reward_unit[...];
	uint32_t unit; uint32_t max_macs; uint64_t schema_hash;
	uint32_t ledger_direction; char ledger_name[...]; char ledger_unit[...]; ...;
};
struct mlproxy_list_entry {
	char name[...]; uint32_t id; uint32_t state; uint32_t mode; uint32_t schema_version;
	uint32_t nr_features; uint32_t nr_actions; uint32_t instance; uint32_t nr_instances; ...;
};
struct mlproxy_mode { uint32_t mode; ...; };
struct mlproxy_model_load { uint32_t version; ...; };
struct mlproxy_session;

int mlproxy_open(struct mlproxy_session **sp, const char *path, unsigned int flags);
void mlproxy_close(struct mlproxy_session *s);
const char *mlproxy_errmsg(const struct mlproxy_session *s);
int mlproxy_get_list(struct mlproxy_session *s, struct mlproxy_list_entry **entries,
		     unsigned int *nr);
int mlproxy_bind(struct mlproxy_session *s, const char *name);
int mlproxy_control(struct mlproxy_session *s, uint32_t op, uint32_t *state);
int mlproxy_mode_get(struct mlproxy_session *s, struct mlproxy_mode *mode);
int mlproxy_mode_set(struct mlproxy_session *s, uint32_t mode);
int mlproxy_mode_auto(struct mlproxy_session *s);
int mlproxy_mode_by_name(const char *name);
int mlproxy_model_load_file(struct mlproxy_session *s, const char *path,
			    struct mlproxy_model_load *result);
int mlproxy_model_ctl(struct mlproxy_session *s, uint32_t op, uint32_t version, uint32_t *active);
const char *mlproxy_state_name(uint32_t state);
const char *mlproxy_mode_name(uint32_t mode);
const char *mlproxy_arm_name(uint32_t arm);
const char *mlproxy_source_name(uint32_t source);
const char *mlproxy_unit_name(uint32_t unit);
const char *mlproxy_type_name(uint32_t type);
const char *mlproxy_version(void);

#define MLPROXY_OPEN_RDONLY ...
#define MLPROXY_CTL_START ...
#define MLPROXY_CTL_STOP ...
#define MLPROXY_CTL_REINIT ...
#define MLPROXY_MODEL_OP_ACTIVATE ...
#define MLPROXY_MODEL_OP_ROLLBACK ...
#define MLPROXY_MODEL_OP_UNLOAD ...
#define MLPROXY_TYPE_ENUM ...
#define MLPROXY_TYPE_BOOL ...
#define MLPROXY_TYPE_Q8 ...
#define MLPROXY_TYPE_Q16 ...
#define MLPROXY_REWARD_LOWER ...
#define MLPROXY_FEEDBACK_LEDGER ...

struct mlds_schema {
	char proxy[...]; struct mlproxy_schema schema;
	struct mlproxy_feature features[...]; struct mlproxy_action actions[...];
	struct mlproxy_stratum strata[...]; ...;
};
struct mlds_counts {
	uint64_t decisions; uint64_t feedback; uint64_t events; uint64_t changes; uint64_t gaps;
	uint64_t lost; ...;
};
struct mlds_data {
	struct mlds_schema schema;
	size_t n; uint32_t nr_features; uint32_t nr_actions;
	int64_t *features; int64_t *reward; double *prob; uint64_t *key; uint64_t *id;
	uint64_t *time_ns; uint32_t *run; uint32_t *model_version; uint32_t *allowed;
	uint8_t *action; uint8_t *baseline; uint8_t *source; uint8_t *mode; uint8_t *candidate;
	int64_t *predicted; int64_t *error; uint16_t *feedback_flags; uint8_t *arm;
	int64_t *ledger; uint8_t *stratum; uint8_t *outer_arm; uint32_t *instance;
	struct mlds_counts counts;
	uint64_t no_feedback; uint64_t expired; uint64_t orphans; uint64_t duplicates;
	uint64_t invalid; ...;
};
int mlds_load(struct mlds_data *data, const char *const *paths, size_t nr_paths);
void mlds_free(struct mlds_data *data);
const char *mlds_error(void);

struct mltrain_rows { size_t n; uint32_t *row; };
struct mltrain_estimate { double value; double low; double high; };
struct mltrain_policy {
	char name[...];
	struct mltrain_estimate ips; struct mltrain_estimate snips; struct mltrain_estimate dr;
	struct mltrain_estimate gain; double ess; double deviates; ...;
};
struct mltrain_test {
	size_t rows; size_t clusters; const char *cluster_by; uint32_t nr;
	struct mltrain_policy policy[...]; ...;
};
struct mltrain_candidate { const char *name; const uint8_t *action; };
enum mltrain_kind { MLTRAIN_MLP, MLTRAIN_TREE, MLTRAIN_FOREST, MLTRAIN_AUTO };
struct mltrain_options {
	uint32_t epochs; uint32_t restarts; uint64_t seed; double holdout; enum mltrain_kind kind;
	uint32_t trees; uint32_t depth; uint32_t teachers; ...;
};
struct mltrain_fit_report {
	struct mltrain_rows train; struct mltrain_rows valid; struct mltrain_rows held_out;
	uint32_t macs; enum mltrain_kind kind; ...;
};
struct mltrain_model {
	struct mlds_schema schema; char name[...]; double margin; uint32_t active;
	uint32_t imported; ...;
};
struct mltrain_quant_report {
	size_t rows; double rmse; double agreement; uint32_t macs; size_t bytes; ...;
};
const char *mltrain_kind_name(enum mltrain_kind kind);
void mltrain_default_options(struct mltrain_options *options);
int mltrain_fit(struct mltrain_model **model, const struct mlds_data *data,
		const struct mltrain_options *options, struct mltrain_fit_report *report);
void mltrain_fit_report_free(struct mltrain_fit_report *report);
void mltrain_free(struct mltrain_model *model);
int mltrain_save(const struct mltrain_model *model, const char *path);
int mltrain_load(struct mltrain_model **model, const char *path);
int mltrain_pick_rows(const struct mltrain_model *model, const struct mlds_data *data, bool seen,
		      struct mltrain_rows *rows);
void mltrain_rows_free(struct mltrain_rows *rows);
int mltrain_predict(const struct mltrain_model *model, const struct mlds_data *data,
		    const struct mltrain_rows *rows, float *scores);
uint32_t mltrain_choose(const struct mltrain_model *model, const float *scores, double margin,
			uint32_t baseline, uint32_t allowed);
int mltrain_evaluate(const struct mlds_data *data, const struct mltrain_rows *rows,
		     const double *q, const struct mltrain_candidate *candidates,
		     uint32_t nr_candidates, struct mltrain_test *test);
int mltrain_test_model(const struct mltrain_model *model, const struct model *fixed,
		       const struct mlds_data *data, const struct mltrain_rows *rows,
		       struct mltrain_test *test);
bool mltrain_provenance_known(const struct mltrain_model *model);
int mltrain_quantise(const struct mltrain_model *model, const struct mlds_data *data,
		     const struct mltrain_rows *rows, void **file, size_t *len,
		     struct mltrain_quant_report *report);
const char *mltrain_error(void);
void free(void *p);
"""

SOURCE = """
#include <stdlib.h>
#include <mlproxy/mlproxy.h>
#include "mlproxy_dataset.h"
#include "mlproxy_train.h"
"""


def main():
    ffi = cffi.FFI()
    ffi.cdef(CDEF)
    ffi.set_source("mlproxy._native", SOURCE)
    ffi.emit_c_code(sys.argv[1])


if __name__ == "__main__":
    main()
