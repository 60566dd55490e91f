/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy top: what was asked of the kernel and of the agent, the figures that
 * follow from two such samples, and the text of them. Nothing here touches the
 * device or the terminal.
 */
#ifndef MLPROXY_TOP_MODEL_H
#define MLPROXY_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mlproxy/mlproxy.h>

#define TOP_LINE_BYTES	256
#define TOP_PATH_BYTES	512
/* An agent writes its status every few seconds. */
#define TOP_AGENT_SILENT_S	15

/**
 * struct top_agent - what the agent says in PROXY.status.json
 * @known: there is such a file, and it makes sense
 * @time_s: CLOCK_REALTIME of the file
 * @pid: process
 * @rows: decisions with outcome that it learned from
 * @refits: trainings
 * @swaps: models it loaded
 * @rollbacks: models it took back
 * @last_refit_s: CLOCK_REALTIME of the last training, 0 for none
 * @tested: @gain, @low and @high count
 * @gain: of the last model over the baseline, off-policy, in reward units
 * @low: lower end of its interval
 * @high: upper end
 * @model_version: as the kernel numbers models, 0 for none
 * @error_mean: mean error of its predictions, NAN if unknown
 * @alarm: its predictions went wrong, it retrains
 */
struct top_agent {
	bool known;
	int64_t time_s;
	int64_t pid;
	int64_t rows;
	int64_t refits;
	int64_t swaps;
	int64_t rollbacks;
	int64_t last_refit_s;
	bool tested;
	double gain;
	double low;
	double high;
	int64_t model_version;
	double error_mean;
	bool alarm;
};

/**
 * struct top_sample - one proxy at one time
 * @time_ns: CLOCK_MONOTONIC
 * @realtime_s: CLOCK_REALTIME
 * @entry: its entry in the list
 * @mode: mode
 * @stats: counters
 * @judged: @eff and @transitions are filled in
 * @eff: efficiency
 * @nr_transitions: entries in @transitions
 * @transitions: changes of mode, newest first
 * @models: model slots
 * @lost: records that readers of now have lost
 * @lost_known: @lost counts
 * @reward_name: name of the reward
 * @reward_unit: its unit
 * @reward_direction: MLPROXY_REWARD_*
 * @agent: status of the agent
 */
struct top_sample {
	uint64_t time_ns;
	int64_t realtime_s;
	struct mlproxy_list_entry entry;
	struct mlproxy_mode mode;
	struct mlproxy_stats stats;
	bool judged;
	struct mlproxy_efficiency eff;
	unsigned int nr_transitions;
	struct mlproxy_transition transitions[MLPROXY_MAX_TRANSITIONS];
	struct mlproxy_model_info models;
	uint64_t lost;
	bool lost_known;
	char reward_name[MLPROXY_NAME_LEN];
	char reward_unit[MLPROXY_UNIT_LEN];
	uint32_t reward_direction;
	struct top_agent agent;
};

/**
 * struct top_rates - what happened between two samples
 * @known: the rates count: there is an earlier sample, of the same counters
 * @decisions_s: decisions a second
 * @feedbacks_s: outcomes a second
 * @lost_s: records lost a second
 * @lately: @share is of the time between the samples; else of all decisions
 * @share: of the decisions by MLPROXY_SRC_*, 0 to 1; all 0 if there were none
 */
struct top_rates {
	bool known;
	double decisions_s;
	double feedbacks_s;
	double lost_s;
	bool lately;
	double share[MLPROXY_NR_SOURCES];
};

/* Orders of the list. */
enum top_order {
	TOP_BY_NAME,
	TOP_BY_RATE,
	TOP_BY_GAIN,
	TOP_BY_MODE,
	TOP_NR_ORDERS,
};

/* How a line is to be looked at. */
enum top_tone {
	TOP_PLAIN,
	TOP_TITLE,
	TOP_GOOD,
	TOP_WARN,
	TOP_BAD,
};

struct top_line {
	enum top_tone tone;
	char text[TOP_LINE_BYTES];
};

/**
 * struct top_page - lines to be shown
 * @line: lines; printable ASCII only
 * @nr: how many
 * @room: lines there is room for
 * @failed: there was no memory for a line
 */
struct top_page {
	struct top_line *line;
	unsigned int nr;
	unsigned int room;
	bool failed;
};

/** top_add() - add a line; what is not printable ASCII becomes '?' */
void top_add(struct top_page *page, enum top_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** top_clear() - forget the lines, keep the room */
void top_clear(struct top_page *page);

/** top_page_free() - free the room */
void top_page_free(struct top_page *page);

/**
 * top_rates() - figures out of two samples
 * @before: earlier sample, or NULL
 * @now: later sample
 * @rates: out
 *
 * Not known where a counter went back, as after a re-initialisation, or where the
 * proxy is another one of the same name.
 */
void top_rates(const struct top_sample *before, const struct top_sample *now,
	       struct top_rates *rates);

/** top_count() - a count in at most 6 characters: 999, 12.3k, 4.56M … */
const char *top_count(char *text, size_t bytes, double count);

/** top_age() - a duration in at most 6 characters: 9s, 3m20s, 2h05m, 4d11h */
const char *top_age(char *text, size_t bytes, double seconds);

/**
 * top_interval_bar() - an interval against 0, as a line of characters
 * @text: out: @width characters and NUL; empty if @width is below 5
 * @width: characters
 * @value: estimate
 * @low: lower end; not finite where it is not known
 * @high: upper end
 *
 * '-' is the axis, '|' is 0, in the middle; "[==o==]" the interval. All '-' but
 * the 0 if the interval is not known.
 */
void top_interval_bar(char *text, unsigned int width, double value, double low, double high);

/**
 * top_share_bar() - shares of sources, as a line of characters
 * @text: out: @width characters and NUL
 * @width: characters
 * @share: by MLPROXY_SRC_*
 *
 * One letter of "BRMPX" a piece: baseline, recommendation, model, bpf program,
 * explore. A source that is there at all has a letter while there is room.
 */
void top_share_bar(char *text, unsigned int width, const double *share);

/** top_q16() - a Q16 number; -INFINITY and INFINITY for the ends of s64 */
double top_q16(int64_t q16);

/** top_agent_parse() - a status out of the text of its file */
void top_agent_parse(const char *text, struct top_agent *agent);

/** top_compare() - for sorting; < 0 if a comes before b */
int top_compare(enum top_order order, const struct top_sample *a, const struct top_rates *ra,
		const struct top_sample *b, const struct top_rates *rb);

/** top_order_name() - "name", "rate", "gain" or "mode" */
const char *top_order_name(enum top_order order);

/** top_heading() - the line above top_row() */
void top_heading(struct top_page *page);

/** top_row() - one line of the list */
void top_row(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

/** top_block() - a proxy in a few lines */
void top_block(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

/** top_log() - its changes of mode with their numbers, at most @max */
void top_log(struct top_page *page, const struct top_sample *s, unsigned int max);

/** top_details() - all that is known */
void top_details(struct top_page *page, const struct top_sample *s, const struct top_rates *r);

/** top_json() - the same as JSON */
json_t *top_json(const struct top_sample *s, const struct top_rates *r);

#endif /* MLPROXY_TOP_MODEL_H */
