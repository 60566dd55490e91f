/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the data set library: tables (extendible compound data sets with a
 * row buffer), the schema in a file, errors in words, the file driver.
 */
#ifndef _MLPROXY_DATASET_PRIV_H
#define _MLPROXY_DATASET_PRIV_H

#include <hdf5.h>
#include "mlproxy_dataset.h"

#define MLDS_CHUNK_ROWS	1024
#define MLDS_PAGE_BYTES	4096
#define MLDS_FIELD_LEN	(MLPROXY_NAME_LEN + 2)

/* What a field of a table holds. */
enum mlds_kind {
	MLDS_U8,
	MLDS_U16,
	MLDS_U32,
	MLDS_U64,
	MLDS_S64,
	MLDS_F64,
	MLDS_SOURCE,	/* u8, named values */
	MLDS_MODE,	/* u8, named values */
	MLDS_RECTYPE,	/* u8, named values */
	MLDS_TYPE,	/* u32, named values: type of a feature */
	MLDS_PRE,	/* u32, named values: preprocessing */
	MLDS_NAME,	/* char[MLPROXY_NAME_LEN] */
	MLDS_UNIT,	/* char[MLPROXY_UNIT_LEN] */
	MLDS_FIELD,	/* char[MLDS_FIELD_LEN] */
	MLDS_LINE,	/* char[64] */
	MLDS_VALUES,	/* s64[MLDS_EVENT_VALUES] */
};

/**
 * struct mlds_field - one field of a table
 * @name: name
 * @kind: what it holds
 * @unit: attribute "unit_NAME", or NULL
 * @since: format that it is in from; 0 for the first
 */
struct mlds_field {
	const char *name;
	enum mlds_kind kind;
	const char *unit;
	uint32_t since;
};

/**
 * struct mlds_table - one table of a file
 * @name: name in the file
 * @dset: the data set
 * @type: type of its rows in memory; packed it is the type in the file, but an older
 *	format has fewer fields
 * @format: format of the file
 * @row_bytes: bytes of a row
 * @chunk_rows: room of @rows
 * @rows: rows that are not in the file yet
 * @nr_rows: how many these are
 * @stored: rows in the file
 */
struct mlds_table {
	const char *name;
	hid_t dset;
	hid_t type;
	uint32_t format;
	size_t row_bytes;
	uint32_t chunk_rows;
	uint8_t *rows;
	uint32_t nr_rows;
	uint64_t stored;
};

/* The fields of the tables in the order of the rows below. */
extern const struct mlds_field mlds_decision_fields[];
extern const struct mlds_field mlds_feedback_fields[];
extern const struct mlds_field mlds_event_fields[];
extern const struct mlds_field mlds_change_fields[];
extern const struct mlds_field mlds_mode_fields[];
extern const struct mlds_field mlds_lost_fields[];
extern const struct mlds_field mlds_run_fields[];
extern const struct mlds_field mlds_instance_fields[];
extern const struct mlds_field mlds_feature_fields[];
extern const struct mlds_field mlds_action_fields[];
extern const struct mlds_field mlds_state_fields[];
extern const struct mlds_field mlds_eventdesc_fields[];
extern const struct mlds_field mlds_stratum_fields[];

/* Rows as they are in memory and, in this format, in the file. */
struct mlds_decision_row {
	uint32_t run;
	uint64_t id;
	uint64_t key;
	uint64_t time_ns;
	uint32_t cpu;
	double prob;
	uint32_t prob_q31;
	uint32_t model_version;
	uint32_t allowed;
	uint8_t baseline;
	uint8_t action;
	uint8_t source;
	uint8_t mode;
	uint8_t candidate;
	uint8_t candidate_source;
	int64_t predicted;
	uint8_t arm;
	uint8_t stratum;
	uint8_t outer_arm;
	uint32_t instance;
	int64_t features[];
} __attribute__((packed));

struct mlds_feedback_row {
	uint32_t run;
	uint64_t id;
	uint64_t time_ns;
	uint32_t cpu;
	int64_t reward;
	uint8_t action;
	uint8_t source;
	uint32_t model_version;
	int64_t predicted;
	int64_t error;
	uint16_t flags;
	uint8_t arm;
	int64_t ledger;
	uint32_t instance;
} __attribute__((packed));

struct mlds_event_row {
	uint32_t run;
	uint64_t time_ns;
	uint32_t cpu;
	uint16_t event;
	uint64_t key;
	uint16_t nr;
	int64_t values[MLDS_EVENT_VALUES];
	uint32_t instance;
} __attribute__((packed));

struct mlds_change_row {
	uint32_t run;
	uint64_t time_ns;
	uint32_t cpu;
	uint8_t type;
	uint32_t from;
	uint32_t to;
	uint32_t reason;
	uint32_t instance;
} __attribute__((packed));

struct mlds_mode_row {
	uint32_t run;
	uint64_t time_ns;
	uint32_t cpu;
	uint8_t from;
	uint8_t to;
	uint32_t reason;
	uint64_t n[MLPROXY_NR_ARMS];
	double mean[MLPROXY_NR_ARMS];
	double sd[MLPROXY_NR_ARMS];
	double gain;
	double low;
	double high;
	int64_t value;
	int64_t limit;
	uint32_t model_version;
	uint32_t clusters;
	uint32_t verdict;
	uint32_t stance;
	uint8_t source;
	uint32_t instance;
} __attribute__((packed));

struct mlds_lost_row {
	uint32_t run;
	uint32_t cpu;
	uint64_t seq;
	uint64_t time_ns;
	uint64_t count;
} __attribute__((packed));

struct mlds_run_row {
	uint32_t run;
	uint64_t start_ns;	/* CLOCK_REALTIME */
	uint64_t start_mono_ns;	/* CLOCK_MONOTONIC, the clock of time_ns */
	char kernel[64];
	char boot_id[64];
} __attribute__((packed));

struct mlds_instance_row {
	uint32_t run;
	uint32_t instance;
	char name[MLPROXY_NAME_LEN];
} __attribute__((packed));

struct mlds_feature_row {
	char name[MLPROXY_NAME_LEN];
	char unit[MLPROXY_UNIT_LEN];
	uint32_t type;
	int64_t min;
	int64_t max;
	char field[MLDS_FIELD_LEN];
	uint32_t preprocess;
} __attribute__((packed));

struct mlds_action_row {
	char name[MLPROXY_NAME_LEN];
	int64_t value;
} __attribute__((packed));

struct mlds_state_row {
	char name[MLPROXY_NAME_LEN];
	char unit[MLPROXY_UNIT_LEN];
	uint32_t type;
	uint32_t preprocess;
	int64_t min;
	int64_t max;
} __attribute__((packed));

struct mlds_eventdesc_row {
	char name[MLPROXY_NAME_LEN];
	uint32_t nr_values;
	uint32_t period_ms;
} __attribute__((packed));

struct mlds_stratum_row {
	char name[MLPROXY_NAME_LEN];
} __attribute__((packed));

hid_t mlds_row_type(const struct mlds_field *fields, const struct mlds_schema *schema,
		    uint32_t format);
void mlds_field_name(const struct mlproxy_feature *feature, uint32_t format, char *out);

int mlds_table_create(struct mlds_table *t, hid_t file, const char *name,
		      const struct mlds_field *fields, const struct mlds_schema *schema,
		      const struct mlds_options *opt);
int mlds_table_open(struct mlds_table *t, hid_t file, const char *name,
		    const struct mlds_field *fields, const struct mlds_schema *schema,
		    uint32_t format, uint32_t chunk_rows);
void *mlds_table_add(struct mlds_table *t);
int mlds_table_flush(struct mlds_table *t);
int mlds_table_read(struct mlds_table *t, uint64_t first, uint64_t nr, void *rows);
void mlds_table_close(struct mlds_table *t);

/* What a file is: the trainer's float models carry a schema in the same way. */
#define MLDS_KIND_DATA	"data set"
#define MLDS_KIND_MODEL	"float model"

int mlds_schema_write(hid_t file, const char *kind, const struct mlds_schema *schema);
int mlds_schema_read(hid_t file, const char *path, const char *kind,
		     struct mlds_schema *schema);
int mlds_schema_read_format(hid_t file, const char *path, const char *kind,
			    struct mlds_schema *schema, uint32_t *format);

hid_t mlds_open_read(const char *path);
bool mlds_being_written(const char *path);
bool mlds_worth_another_try(const char *path, int err, unsigned int *tries);

int mlds_vfd_fapl(hid_t fapl);
int mlds_vfd_errno(void);
void mlds_vfd_clear_errno(void);

/* Sets mlds_error() and returns @err. */
int mlds_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, with HDF5's own innermost message behind it. */
int mlds_fail_h5(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mlds_keep_h5_error(void);
void mlds_h5_quiet(void);

#endif /* _MLPROXY_DATASET_PRIV_H */
