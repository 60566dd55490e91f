// SPDX-License-Identifier: GPL-2.0-only
/* Data-set requests, and all that was recorded of a proxy; see util_data.h. */
#include "util_data.h"

int dataset_call(int fd, uint32_t flags, struct mlproxy_dataset *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->flags = flags;
	return xioctl(fd, MLPROXY_IOC_DATASET, cmd);
}

int dataset_request(int fd, struct mlproxy_dataset cmd)
{
	cmd.state = 99;
	return dataset_call(fd, MLPROXY_DATASET_F_REQUEST, &cmd);
}

struct mlproxy_dataset dataset_get(int fd)
{
	struct mlproxy_dataset cmd = {};

	ASSERT_RET(dataset_call(fd, 0, &cmd), 0);
	return cmd;
}

static int write_param(const char *param, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/mlproxy_ctxtest/parameters/%s", param);
	return file_write(path, text);
}

int ctx_event(unsigned int number, unsigned int nr)
{
	char text[32];

	snprintf(text, sizeof(text), "%u %u", number, nr);
	return write_param("data_event", text);
}

int ctx_resolve(long long first, unsigned int n, unsigned int found)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld %u %u", first, n, found);
	return write_param("data_resolve", text);
}

void log_open(struct data_log *log, int fd, uint32_t type_mask, uint32_t watermark)
{
	struct mlproxy_ring_setup setup;
	unsigned int cpu;

	memset(log, 0, sizeof(*log));
	log->fd = fd;
	ASSERT(nr_cpus() <= LOG_MAX_CPUS);
	ASSERT_RET(ring_setup(fd, 1 << 20, watermark, 0, type_mask, &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &log->rings[cpu]), 0);
}

void log_close(struct data_log *log)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		munmap((void *)log->rings[cpu].cons, page);
		munmap((void *)log->rings[cpu].prod, page + 2 * log->rings[cpu].size);
	}
	close(log->fd);
}

static int find_decision(const struct data_log *log, uint64_t id)
{
	unsigned int i;

	for (i = log->nr_decisions; i-- > 0;)
		if (log->decisions[i].id == id)
			return i;
	return -1;
}

static void note_decision(struct data_log *log, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	const __s64 *features = mlproxy_rec_features(d);
	struct seen_decision *s;

	ASSERT(log->nr_decisions < LOG_MAX_DECISIONS);
	s = &log->decisions[log->nr_decisions++];
	*s = (struct seen_decision) { .id = d->id, .x = features[0], .size = features[1] };
	ASSERT_EQ(d->nr_features, 2);
}

static void note_feedback(struct data_log *log, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_feedback *f = (const void *)rec;
	int i = find_decision(log, f->id);

	log->nr_feedbacks++;
	log->nr_expired += !!(rec->flags & MLPROXY_FEEDBACK_EXPIRED);
	log->nr_deferred += !!(rec->flags & MLPROXY_FEEDBACK_DEFERRED);
	log->last_reward = f->reward;
	if (i >= 0)
		log->decisions[i].feedbacks++;
	else if (log->nr_orphans < LOG_MAX_DECISIONS)
		log->orphans[log->nr_orphans++] = f->id;
}

static void note_event(struct data_log *log, const struct mlproxy_rec_hdr *rec)
{
	const struct mlproxy_rec_event *e = (const void *)rec;
	const __s64 *values = mlproxy_rec_values(e);
	unsigned int nr = e->nr_values;

	if (rec->flags == MLPROXY_EVENT_SNAPSHOT)
		log->nr_snapshots++;
	else
		log->nr_events++;
	if (rec->flags == 0 || rec->flags == 2)
		log->aggregated += values[0];
	log->event = (struct seen_event) { .number = rec->flags, .key = e->key, .nr = nr };
	memcpy(log->event.values, values,
	       (nr < ARRAY_SIZE(log->event.values) ? nr : ARRAY_SIZE(log->event.values)) * 8);
}

static void note(const struct mlproxy_rec_hdr *rec, void *arg)
{
	struct data_log *log = arg;

	if (rec->type == MLPROXY_REC_DECISION)
		note_decision(log, rec);
	else if (rec->type == MLPROXY_REC_FEEDBACK)
		note_feedback(log, rec);
	else if (rec->type == MLPROXY_REC_EVENT)
		note_event(log, rec);
	else if (rec->type == MLPROXY_REC_MODE)
		log->nr_modes++;
}

/* Feedback may lie in the ring of a CPU that was looked at first. */
static void match_orphans(struct data_log *log)
{
	unsigned int i, left = 0;

	for (i = 0; i < log->nr_orphans; i++) {
		int d = find_decision(log, log->orphans[i]);

		if (d < 0)
			log->orphans[left++] = log->orphans[i];
		else
			log->decisions[d].feedbacks++;
	}
	log->nr_orphans = left;
}

unsigned int log_take(struct data_log *log)
{
	unsigned int cpu, n = 0;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		n += ring_consume(&log->rings[cpu], 0, note, log);
	match_orphans(log);
	return n;
}

void log_check(struct data_log *log)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ring_check(log->fd, cpu, &log->rings[cpu]);
}

unsigned int log_unanswered(const struct data_log *log)
{
	unsigned int i, n = 0;

	for (i = 0; i < log->nr_decisions; i++)
		n += log->decisions[i].feedbacks != 1;
	return n;
}

uint64_t log_lost(struct data_log *log)
{
	struct mlproxy_ring_stats s;
	uint64_t lost = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		ASSERT_RET(ring_stats(log->fd, cpu, &s), 0);
		lost += s.published - s.written;
	}
	return lost;
}
