// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy record: store a proxy's records in a data set, until a limit or a
 * signal.
 *
 * Signals only set a flag; the loop ends with the records that are in the rings,
 * and with the kernel's loss counters, so that losses behind the last record are
 * in the file too. What was flushed survives a kill.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "common/clock.h"
#include "mlproxy_dataset.h"
#include "record_instances.h"
#include "record_request.h"

#define WAIT_MS		200
#define WAKE_TIMEOUT_US	100000
#define FLUSH_NS	1000000000ULL
#define PROGRESS_NS	500000000ULL
#define LINGER_NS	2000000000ULL

/**
 * struct recording - one run of the verb
 * @cli: options
 * @s: session with rings
 * @writer: data set
 * @path: its file
 * @append: -a
 * @force: -f
 * @start: start the proxy, and stop it at the end
 * @started: it was started, and is to be stopped
 * @ring_bytes: data of a ring, 0 for the library's default
 * @type_mask: wanted record types
 * @max_records: -n, 0 for no limit
 * @max_ns: -t, 0 for no limit
 * @snapshot_ns: --snapshot, 0 for none
 * @instances: those that are in the data set
 * @request: what the kernel is asked for
 * @linger_ns: --linger: wait so long for a further outcome once the set is complete
 * @complete_ns: when it was, or the last outcome came; 0 before
 * @feedbacks: outcomes by then
 * @begin_ns: CLOCK_MONOTONIC of the begin
 * @end_ns: of the end
 * @records: written so far
 * @lost: known to be lost so far
 * @last_seq: number of the last record seen, by CPU
 * @gone: the proxy went away
 * @err: what the data set library returned in the callback
 */
struct recording {
	const struct cli *cli;
	struct mlproxy_session *s;
	struct mlds_writer *writer;
	const char *path;
	bool append;
	bool force;
	bool start;
	bool started;
	uint64_t ring_bytes;
	uint32_t type_mask;
	uint64_t max_records;
	uint64_t max_ns;
	uint64_t snapshot_ns;
	struct record_instances instances;
	struct record_request request;
	uint64_t linger_ns;
	uint64_t complete_ns;
	uint64_t feedbacks;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t records;
	uint64_t lost;
	uint64_t *last_seq;
	bool gone;
	int err;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static int write_record(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost,
			void *ctx)
{
	struct recording *r = ctx;
	int ret = 0;

	if (lost)
		ret = mlds_write_lost(r->writer, cpu, rec->seq - lost, rec->time_ns, lost);
	if (!ret)
		ret = record_instances_see(&r->instances, r->s, r->writer, rec);
	if (!ret)
		ret = mlds_write(r->writer, cpu, rec);
	r->err = ret;
	if (ret)
		return ret;
	r->last_seq[cpu] = rec->seq;
	r->lost += lost;
	r->records++;
	return 0;
}

/* A proxy that goes away ends the recording as a limit does: what there is counts. */
static int call_failed(struct recording *r, int err)
{
	if (err != -ENODEV)
		return cli_fail(r->s, err);
	r->gone = true;
	return CLI_OK;
}

static int consume(struct recording *r, uint64_t limit)
{
	unsigned int max = 0;
	int ret;

	if (limit) {
		if (r->records >= limit)
			return CLI_OK;
		max = limit - r->records < INT_MAX ? limit - r->records : INT_MAX;
	}
	ret = mlproxy_ring_consume(r->s, max, write_record, r);
	if (ret >= 0)
		return CLI_OK;
	if (r->err)
		return cli_error("%s", mlds_error());
	return cli_fail(r->s, ret);
}

static void progress(const struct recording *r, uint64_t passed_ns)
{
	fprintf(stderr, "\r%6.1f s  %12llu records  %9.0f records/s  %llu lost ", passed_ns / 1e9,
		(unsigned long long)r->records, r->records / (passed_ns / 1e9),
		(unsigned long long)r->lost);
	fflush(stderr);
}

static bool finished(const struct recording *r, uint64_t passed_ns)
{
	return stopped || (r->max_records && r->records >= r->max_records) ||
	       (r->max_ns && passed_ns >= r->max_ns);
}

static bool wants_feedback(const struct recording *r)
{
	return !r->type_mask || r->type_mask & MLPROXY_REC_MASK(MLPROXY_REC_FEEDBACK);
}

/* The requested data set is complete, and so are its outcomes, or none comes. */
static int request_finished(struct recording *r, bool *over)
{
	const struct mlds_counts *counts = mlds_counts(r->writer);
	struct mlproxy_dataset dataset;
	uint64_t now = clock_ns_now();
	int ret;

	*over = false;
	if (!request_wanted(&r->request))
		return CLI_OK;
	ret = mlproxy_dataset_get(r->s, &dataset);
	if (ret)
		return call_failed(r, ret);
	if (dataset.state != MLPROXY_DATASET_COMPLETE)
		return CLI_OK;
	if (!r->complete_ns || r->feedbacks != counts->feedback) {
		r->complete_ns = now;
		r->feedbacks = counts->feedback;
	}
	*over = counts->feedback >= dataset.decisions || !wants_feedback(r) ||
		now - r->complete_ns >= r->linger_ns;
	return CLI_OK;
}

static int wait_ms(const struct recording *r, uint64_t passed_ns)
{
	uint64_t ms = WAIT_MS;

	if (r->max_ns && (r->max_ns - passed_ns) / 1000000 + 1 < ms)
		ms = (r->max_ns - passed_ns) / 1000000 + 1;
	if (r->snapshot_ns && r->snapshot_ns / 1000000 < ms)
		ms = r->snapshot_ns / 1000000;
	return ms;
}

/* The kernel answers, and publishes the same as an event, which is what is wanted. */
static int take_snapshot(struct recording *r, uint64_t passed_ns, uint64_t *next_ns)
{
	struct mlproxy_snapshot snapshot;
	int ret;

	if (!r->snapshot_ns || passed_ns < *next_ns)
		return CLI_OK;
	*next_ns = passed_ns + r->snapshot_ns;
	ret = mlproxy_snapshot(r->s, &snapshot);
	return ret ? call_failed(r, ret) : CLI_OK;
}

/* From the first records on, the file is worth more than the one that it replaces. */
static int flush(struct recording *r)
{
	if (mlds_flush(r->writer) || (r->records && mlds_publish(r->writer)))
		return cli_error("%s", mlds_error());
	return CLI_OK;
}

static int record_loop(struct recording *r)
{
	bool show = isatty(STDERR_FILENO) || r->cli->verbose;
	uint64_t flushed_ns = 0, shown_ns = 0, passed_ns = 0, snapshot_ns = 0;
	bool over = false;
	int ret = CLI_OK;

	while (ret == CLI_OK && !over && !r->gone && !finished(r, passed_ns)) {
		ret = take_snapshot(r, passed_ns, &snapshot_ns);
		if (ret)
			return ret;
		ret = mlproxy_wait(r->s, wait_ms(r, passed_ns));
		if (ret < 0 && ret != -EINTR) {
			ret = call_failed(r, ret);
			if (ret)
				return ret;
		}
		ret = consume(r, r->max_records);
		if (ret == CLI_OK)
			ret = request_finished(r, &over);
		passed_ns = clock_ns_now() - r->begin_ns;
		if (ret == CLI_OK && passed_ns - flushed_ns >= FLUSH_NS) {
			flushed_ns = passed_ns;
			ret = flush(r);
		}
		if (show && passed_ns - shown_ns >= PROGRESS_NS) {
			shown_ns = passed_ns;
			progress(r, passed_ns);
		}
	}
	if (show && shown_ns)
		fputc('\n', stderr);
	return ret;
}

/*
 * What was published before this is now either read or known to be lost: ask how
 * many there were, read what is there, and the rest was lost.
 */
static int drain(struct recording *r)
{
	unsigned int nr_cpus = mlproxy_ring_count(r->s), cpu;
	struct mlproxy_ring_stats stats;
	uint64_t *published;
	int ret;

	published = calloc(nr_cpus, sizeof(*published));
	if (!published)
		return cli_error("no memory for the counters of %u CPUs", nr_cpus);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (mlproxy_ring_get_stats(r->s, cpu, &stats) == 0)
			published[cpu] = stats.published;
	}
	ret = consume(r, 0);
	for (cpu = 0; cpu < nr_cpus && ret == CLI_OK; cpu++) {
		uint64_t lost = published[cpu] - r->last_seq[cpu];

		if (published[cpu] <= r->last_seq[cpu])
			continue;
		if (mlds_write_lost(r->writer, cpu, r->last_seq[cpu] + 1, 0, lost))
			ret = cli_error("%s", mlds_error());
		r->lost += lost;
	}
	free(published);
	return ret;
}

static int print_summary(const struct recording *r, const struct mlds_counts *counts)
{
	double seconds = (r->end_ns - r->begin_ns) / 1e9;

	if (r->cli->json)
		return cli_print_json(json_pack(
			"{s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"proxy", mlproxy_bound_name(r->s),
			"file", r->path,
			"seconds", seconds,
			"records", cli_uint(r->records),
			"decisions", cli_uint(counts->decisions),
			"feedbacks", cli_uint(counts->feedback),
			"events", cli_uint(counts->events),
			"changes", cli_uint(counts->changes),
			"lost", cli_uint(r->lost),
			"skipped", cli_uint(counts->skipped)));
	printf("%s: %llu records in %.1f s (%llu decisions, %llu outcomes, %llu events), "
	       "%llu lost\n", r->path, (unsigned long long)r->records, seconds,
	       (unsigned long long)counts->decisions, (unsigned long long)counts->feedback,
	       (unsigned long long)counts->events, (unsigned long long)r->lost);
	if (r->lost)
		fputs("mlproxy: records were lost since the rings were full; try larger ones: "
		      "--ring-size\n", stderr);
	return CLI_OK;
}

static void fill_schema(struct mlds_schema *out, const struct mlproxy_schema_desc *schema)
{
	uint32_t i;

	memset(out, 0, sizeof(*out));
	/* The schema is the proxy's, whichever instance is recorded. */
	strcpy(out->proxy, schema->proxy);
	out->proxy[strcspn(out->proxy, ":")] = '\0';
	out->schema = schema->s;
	memcpy(out->features, schema->features, schema->s.nr_features * sizeof(out->features[0]));
	memcpy(out->actions, schema->actions, schema->s.nr_actions * sizeof(out->actions[0]));
	memcpy(out->states, schema->states, schema->s.nr_states * sizeof(out->states[0]));
	memcpy(out->events, schema->events, schema->s.nr_events * sizeof(out->events[0]));
	for (i = 0; i < schema->s.nr_strata; i++)
		strcpy(out->strata[i].name, mlproxy_schema_stratum(schema, i));
}

/* Before anything is started: what is sure to fail. */
static int check_begin(const struct recording *r)
{
	const char *proxy = mlproxy_bound_name(r->s);
	struct mlproxy_list_entry entry;
	int ret;

	if (!r->append && !r->force && access(r->path, F_OK) == 0)
		return cli_error("%s exists; --append adds to it, --force replaces it", r->path);
	ret = cli_entry(r->s, &entry);
	if (ret)
		return cli_fail(r->s, ret);
	if (r->start && entry.state == MLPROXY_STATE_RUNNING) {
		cli_error("%s is running already: record it without --start, which would stop it at "
			  "the end", proxy);
		return CLI_REFUSED;
	}
	if (!r->start && entry.state != MLPROXY_STATE_RUNNING)
		fprintf(stderr, "mlproxy: %s is %s: there is nothing to record until it is started, "
			"by 'mlproxy start %s'; --start does so for the time of the recording\n",
			proxy, mlproxy_state_name(entry.state), proxy);
	return CLI_OK;
}

static int send_request(struct recording *r, const struct mlproxy_schema_desc *desc)
{
	int ret;

	if (!request_wanted(&r->request))
		return CLI_OK;
	ret = request_send(r->s, &r->request, desc, r->max_ns);
	/* From its trigger on: the kernel counts. */
	r->max_ns = 0;
	return ret;
}

static int open_dataset(struct recording *r, const struct mlproxy_schema_desc *desc)
{
	const struct mlds_options options = { .append = r->append, .late = r->force };
	struct mlds_schema schema;

	fill_schema(&schema, desc);
	if (mlds_open_writer(&r->writer, r->path, &schema, &options))
		return cli_error("%s", mlds_error());
	if (record_instances_begin(&r->instances, r->s, r->writer))
		return cli_error("cannot list the instances: %s", mlproxy_errmsg(r->s));
	return CLI_OK;
}

static int open_rings(struct recording *r)
{
	struct mlproxy_ring_opts opts = {
		.size = sizeof(opts),
		.data_bytes = r->ring_bytes,
		.timeout_us = WAKE_TIMEOUT_US,
		.type_mask = r->type_mask,
		.flags = request_wanted(&r->request) ? MLPROXY_RING_F_QUIET : 0,
	};
	int ret;

	/* Wake for a good part of the ring at once, not for every record. */
	opts.watermark_bytes = (r->ring_bytes ? r->ring_bytes : MLPROXY_RING_DEFAULT_BYTES) / 8;
	ret = mlproxy_ring_setup(r->s, &opts);
	if (ret)
		return cli_fail(r->s, ret);
	r->last_seq = calloc(mlproxy_ring_count(r->s), sizeof(*r->last_seq));
	if (!r->last_seq)
		return cli_error("no memory for the counters of %u CPUs",
				 mlproxy_ring_count(r->s));
	return CLI_OK;
}

static int control(struct recording *r, uint32_t op)
{
	int ret = mlproxy_control(r->s, op, NULL);

	r->started = op == MLPROXY_CTL_START && !ret;
	return ret ? cli_fail(r->s, ret) : CLI_OK;
}

/* The file, and what it is for: with the proxy started, nothing else can fail any more. */
static int record_into_file(struct recording *r, const struct mlproxy_schema_desc *desc,
			    struct mlds_counts *counts)
{
	int ret = open_dataset(r, desc);

	if (ret)
		return ret;
	ret = record_loop(r);
	if (ret == CLI_OK && r->start && !r->gone)
		ret = control(r, MLPROXY_CTL_STOP);
	if (ret == CLI_OK && !(r->max_records && r->records >= r->max_records))
		ret = drain(r);
	r->end_ns = clock_ns_now();
	*counts = *mlds_counts(r->writer);
	if (r->records && flush(r) && ret == CLI_OK)
		ret = CLI_FAILURE;
	if (mlds_close_writer(r->writer) && ret == CLI_OK)
		ret = cli_error("%s", mlds_error());
	/* an empty data set is of no use, and would be in the way of the next try */
	if (!r->records && !r->append && !r->force)
		unlink(r->path);
	return ret;
}

/* Why there is not one record, and what to do about it. */
static int say_nothing_recorded(const struct recording *r)
{
	const char *proxy = mlproxy_bound_name(r->s);
	struct mlproxy_list_entry entry;
	const char *file = r->append ? "" : r->force ? "; what there was is left as it is" :
					  "; no file is left";

	if (cli_entry(r->s, &entry) || !entry.state)
		return cli_error("nothing was recorded: %s is gone%s", proxy, file);
	if (!r->start && entry.state != MLPROXY_STATE_RUNNING)
		return cli_error("nothing was recorded, since %s is %s: start it by 'mlproxy start "
				 "%s', or record with --start%s", proxy,
				 mlproxy_state_name(entry.state), proxy, file);
	if (request_wanted(&r->request))
		return cli_error("nothing was recorded: no decision of %s was one that was asked "
				 "for%s", proxy, file);
	return cli_error("nothing was recorded, though %s was running: there was nothing to decide; "
			 "record while its subsystem is busy%s", proxy, file);
}

static int record_started(struct recording *r, const struct mlproxy_schema_desc *desc)
{
	struct mlds_counts counts = { 0 };
	int ret;

	r->begin_ns = clock_ns_now();
	ret = record_into_file(r, desc, &counts);
	if (ret)
		return ret;
	if (!r->records && !r->lost)
		return say_nothing_recorded(r);
	ret = print_summary(r, &counts);
	if (!r->gone || ret)
		return ret;
	cli_error("%s went away: the recording ends there", mlproxy_bound_name(r->s));
	return CLI_NO_DEVICE;
}

static int run_recording(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct mlproxy_schema_desc *desc = NULL;
	struct recording *r = arg;
	int ret;

	(void)cli;
	r->s = s;
	ret = check_begin(r);
	if (ret)
		return ret;
	ret = mlproxy_schema_get(s, &desc);
	if (ret)
		return cli_fail(s, ret);
	ret = open_rings(r);
	if (ret == CLI_OK)
		ret = send_request(r, desc);
	if (ret == CLI_OK && r->start)
		ret = control(r, MLPROXY_CTL_START);
	if (ret)
		goto out;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	ret = record_started(r, desc);
	if (r->started && !r->gone)
		control(r, MLPROXY_CTL_STOP);
out:
	mlproxy_schema_free(desc);
	record_instances_free(&r->instances);
	free(r->last_seq);
	return ret;
}

static int parse_types(struct recording *r, const char *text)
{
	char name[16];

	while (*text) {
		size_t len = strcspn(text, ",");
		uint32_t type;

		if (len >= sizeof(name))
			return -EINVAL;
		memcpy(name, text, len);
		name[len] = '\0';
		for (type = 1; type < MLPROXY_REC_PAD; type++) {
			if (strcmp(mlproxy_record_name(type), name) == 0)
				break;
		}
		if (type == MLPROXY_REC_PAD)
			return -EINVAL;
		r->type_mask |= MLPROXY_REC_MASK(type);
		text += len + (text[len] == ',');
	}
	return r->type_mask ? 0 : -EINVAL;
}

enum { OPT_SNAPSHOT = 256, OPT_TYPES, OPT_DECISIONS, OPT_SAMPLE, OPT_FILTER, OPT_TRIGGER,
       OPT_LINGER };

static int record_option(struct recording *r, int opt)
{
	switch (opt) {
	case 'a':
		r->append = true;
		return CLI_OK;
	case 'f':
		r->force = true;
		return CLI_OK;
	case 'o':
		r->path = optarg;
		return CLI_OK;
	case 's':
		r->start = true;
		return CLI_OK;
	case 'n':
		if (!parse_u64(optarg, UINT64_MAX, &r->max_records) && r->max_records)
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no number of records", optarg);
	case 't':
		if (!parse_ns(optarg, "s", &r->max_ns) && r->max_ns)
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no time: 30, 5m or 1h are", optarg);
	case OPT_SNAPSHOT:
		if (!parse_ns(optarg, "s", &r->snapshot_ns) && r->snapshot_ns)
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no interval: 1 or 200ms are", optarg);
	case OPT_DECISIONS:
		if (!parse_u64(optarg, UINT64_MAX, &r->request.decisions) &&
		    r->request.decisions)
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no number of decisions", optarg);
	case OPT_SAMPLE:
		return request_set_sample(r->cli, &r->request, optarg);
	case OPT_FILTER:
		return request_add_filter(r->cli, &r->request, optarg);
	case OPT_TRIGGER:
		return request_set_trigger(r->cli, &r->request, optarg);
	case OPT_LINGER:
		if (!parse_ns(optarg, "s", &r->linger_ns))
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no time: 5 or 200ms are", optarg);
	case 'r':
		if (!parse_bytes(optarg, MLPROXY_RING_MAX_BYTES, &r->ring_bytes) &&
		    r->ring_bytes >= MLPROXY_RING_MIN_BYTES)
			return CLI_OK;
		return cli_usage(r->cli, "'%s' is no size of a ring: 4K to 64M are", optarg);
	default:
		if (!parse_types(r, optarg))
			return CLI_OK;
		return cli_usage(r->cli, "'%s' has a word that is no record type: decision, "
				 "feedback, event, mode, state and model are", optarg);
	}
}

static int record(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "append", no_argument, NULL, 'a' },
		{ "force", no_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "records", required_argument, NULL, 'n' },
		{ "ring-size", required_argument, NULL, 'r' },
		{ "time", required_argument, NULL, 't' },
		{ "decisions", required_argument, NULL, OPT_DECISIONS },
		{ "sample", required_argument, NULL, OPT_SAMPLE },
		{ "filter", required_argument, NULL, OPT_FILTER },
		{ "trigger", required_argument, NULL, OPT_TRIGGER },
		{ "linger", required_argument, NULL, OPT_LINGER },
		{ "snapshot", required_argument, NULL, OPT_SNAPSHOT },
		{ "start", no_argument, NULL, 's' },
		{ "types", required_argument, NULL, OPT_TYPES },
		{ 0 }
	};
	struct recording r = { .cli = cli, .linger_ns = LINGER_NS };
	int opt, ret;

	while ((opt = cli_getopt(cli, argc, argv, "afo:n:r:t:s", options, &ret)) != -1) {
		if (opt == '?')
			return ret;
		ret = record_option(&r, opt);
		if (ret)
			return ret;
	}
	ret = cli_check_operands(cli, argc, argv, 1, 1);
	if (ret)
		return ret;
	if (!r.path)
		return cli_usage(cli, "name the data set with -o FILE");
	return cli_run(cli, argv[optind], r.start ? CLI_OPERATE : CLI_LEARN, run_recording, &r);
}

const struct cli_verb verb_record = {
	.name = "record",
	.fn = record,
	.summary = "store decisions and their outcomes in a data set (HDF5)",
	.synopsis = "PROXY -o FILE [-n RECORDS] [-t TIME] [-a|-f] [-s] [-r SIZE] ...",
	.help = "Records until a limit is reached or a signal (Ctrl-C) comes. Flushes once a\n"
		"second; a recorder that is killed leaves a file with all that was flushed. Lost\n"
		"records are stored as gaps, where they happened. Without a single record it fails,\n"
		"says why, and leaves no file, or the one that was to be replaced. A proxy that goes\n"
		"away ends it, with what was recorded, and exit code 3.\n"
		"\n"
		"  -o, --output=FILE    the data set\n"
		"  -n, --records=N      stop after so many records, of all types\n"
		"  -t, --time=TIME      stop after that time (30, 5m, 1h)\n"
		"      --decisions=N    ask the kernel for so many decisions, and stop when they and\n"
		"                       their outcomes are there\n"
		"      --sample=SHARE   only a share of them, drawn by the kernel: 1/16, 5%\n"
		"      --filter=FEATURE=MIN..MAX\n"
		"                       only where a feature is in a range, in its unit; up to 4\n"
		"      --trigger=WHAT   begin with an event (event:NAME) or a change of mode (mode)\n"
		"      --linger=TIME    then wait so long for a further outcome, default 2 s\n"
		"  -a, --append         add a run to FILE, which must be of the same schema\n"
		"  -f, --force          replace FILE if it exists, once there are records\n"
		"  -s, --start          start the proxy, once ready, and stop it at the end\n"
		"  -r, --ring-size=SIZE data of the ring of one CPU, 4K to 64M, default 1M\n"
		"      --snapshot=TIME  ask for the state of the subsystem that often (1, 200ms)\n"
		"      --types=LIST     of decision, feedback, event, mode, state, model;\n"
		"                       default all\n"
		"\n"
		"Decisions that were not asked for are not published at all. With a trigger the\n"
		"time of -t begins with it.\n"
		"\n"
		"Example: ten seconds into a new data set, then look at it\n"
		"  mlproxy record synth -o synth.h5 -t 10\n"
		"  python3 -c 'import h5py; print(h5py.File(\"synth.h5\")[\"decisions\"][:3])'\n",
};
