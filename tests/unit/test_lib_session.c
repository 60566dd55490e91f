// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions against a device that this test plays: ioctl() is defined here, and a
 * plain file stands for the memory that the kernel would map. What is looked at
 * are the structures that the library passes, how it takes answers that no good
 * kernel gives, and the words for each failure.
 */
#include "lib_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mlproxy/mlproxy.h>

#define PAGE		4096U
#define DATA_BYTES	8192U
#define NR_CPUS		2U
#define STRIDE		(2 * PAGE + 2 * DATA_BYTES)
#define REC_USER	(1U << 20)
#define REC_KERN	(2U << 20)
#define REC_ENTRIES	16U

static struct {
	int fail_errno;			/* every ioctl fails with it */
	unsigned long fail_request;	/* only this one, if not 0 */
	uint32_t abi_version;
	uint32_t nr_proxies;
	uint32_t nr_features;
	uint32_t nr_states;
	uint32_t ring_bytes;		/* answered by RING_SETUP */
	uint32_t rec_entries;		/* answered by RECOMMEND_SETUP */
	unsigned long last_request;
	uint32_t nr_transitions;	/* answered by EFFICIENCY */
	uint32_t nr_verdicts;		/* the same; 0: a kernel that has none */
	uint32_t nr_strata;
	struct mlproxy_param param;
	struct mlproxy_mode mode;
	struct mlproxy_heartbeat heartbeat;
	struct mlproxy_dataset dataset;
	unsigned char *memory;
} kernel;

static char path[] = "/tmp/mlproxy-session-XXXXXX";

static int answer_list(struct mlproxy_list *list)
{
	unsigned char *entries = (void *)(uintptr_t)list->entries;
	uint32_t i, room = list->count;

	assert_true(list->entry_size >= sizeof(struct mlproxy_list_entry));
	list->count = kernel.nr_proxies;
	for (i = 0; i < room && i < kernel.nr_proxies; i++) {
		struct mlproxy_list_entry *entry = (void *)(entries + i * list->entry_size);

		memset(entry->name, 'x', sizeof(entry->name));
		entry->id = i + 1;
	}
	if (room >= kernel.nr_proxies)
		return 0;
	errno = ENOBUFS;
	return -1;
}

static int answer_schema(struct mlproxy_schema *schema)
{
	unsigned char *features = (void *)(uintptr_t)schema->features;
	struct mlproxy_action *actions = (void *)(uintptr_t)schema->actions;
	struct mlproxy_feature *states = (void *)(uintptr_t)schema->states;
	struct mlproxy_event_desc *events = (void *)(uintptr_t)schema->events;
	int enough = schema->nr_features >= kernel.nr_features && schema->nr_actions >= 2;
	uint32_t i;

	if (schema->size >= sizeof(*schema)) {
		unsigned char *strata = (void *)(uintptr_t)schema->strata;

		for (i = 0; strata && i < schema->nr_strata; i++)
			memset(strata + i * schema->stratum_size, '0' + i, MLPROXY_NAME_LEN);
		schema->nr_strata = kernel.nr_strata;
		memset(schema->ledger_name, 'l', sizeof(schema->ledger_name));
	}
	schema->nr_features = kernel.nr_features;
	schema->nr_actions = 2;
	schema->nr_states = kernel.nr_states;
	schema->nr_events = 2;
	if (!enough) {
		errno = ENOBUFS;
		return -1;
	}
	for (i = 0; i < kernel.nr_features; i++)
		snprintf((char *)features + i * schema->feature_size, MLPROXY_NAME_LEN, "f%u", i);
	strcpy(actions[0].name, "off");
	strcpy(actions[1].name, "on");
	for (i = 0; states && i < kernel.nr_states; i++)
		memset(states[i].name, 's', sizeof(states[i].name));
	if (events)
		strcpy(events[1].name, "second");
	return 0;
}

static int answer_drain(struct mlproxy_recommend_drain *drain)
{
	struct mlproxy_ring_page *prod = (void *)(kernel.memory + REC_USER);
	struct mlproxy_ring_page *cons = (void *)(kernel.memory + REC_KERN);
	struct mlproxy_recommendation *entries = (void *)(kernel.memory + REC_USER + PAGE);
	int32_t *results = (void *)(kernel.memory + REC_KERN + PAGE);

	for (; cons->pos != prod->pos; cons->pos++, drain->drained++) {
		uint32_t i = cons->pos % REC_ENTRIES;

		results[i] = entries[i].action < 2 ? 0 : -EDOM;
		if (results[i])
			drain->rejected++;
		else
			drain->accepted++;
	}
	return 0;
}

static int answer_load(struct mlproxy_model_load *load)
{
	load->version = 5;
	if (load->data_len >= 8)
		return 0;
	load->reason = MLPROXY_REFUSED_LENGTH;
	memset(load->text, 'y', sizeof(load->text));	/* without an end */
	errno = EBADMSG;
	return -1;
}

static int answer_efficiency(struct mlproxy_efficiency *e)
{
	struct mlproxy_transition *t = (void *)(uintptr_t)e->transitions;
	struct mlproxy_evidence *v = (void *)(uintptr_t)e->verdicts;
	uint32_t i;

	if (e->size >= sizeof(*e)) {
		if (v && !kernel.nr_verdicts) {
			errno = E2BIG;
			return -1;
		}
		for (i = 0; v && i < e->nr_verdicts && i < kernel.nr_verdicts; i++)
			v[i].verdict = i;
		e->nr_verdicts = kernel.nr_verdicts;
	}
	e->evidence.model_version = 8;
	for (i = 0; i < e->count && i < kernel.nr_transitions; i++)
		t[i].reason = i + 1;
	e->count = kernel.nr_transitions;
	e->trial = 3;
	return 0;
}

static int answer(unsigned long request, void *arg)
{
	switch (request) {
	case MLPROXY_IOC_INFO:
		((struct mlproxy_info *)arg)->abi_version = kernel.abi_version;
		return 0;
	case MLPROXY_IOC_LIST:
		return answer_list(arg);
	case MLPROXY_IOC_SCHEMA:
		return answer_schema(arg);
	case MLPROXY_IOC_PARAM:
		kernel.param = *(struct mlproxy_param *)arg;
		return 0;
	case MLPROXY_IOC_MODE:
		kernel.mode = *(struct mlproxy_mode *)arg;
		return 0;
	case MLPROXY_IOC_HEARTBEAT:
		kernel.heartbeat = *(struct mlproxy_heartbeat *)arg;
		((struct mlproxy_heartbeat *)arg)->age_ms = 12;
		return 0;
	case MLPROXY_IOC_EFFICIENCY:
		return answer_efficiency(arg);
	case MLPROXY_IOC_DATASET: {
		struct mlproxy_dataset *dataset = arg;

		kernel.dataset = *dataset;
		dataset->state = MLPROXY_DATASET_ACTIVE;
		dataset->decisions = 7;
		return 0;
	}
	case MLPROXY_IOC_RING_SETUP: {
		struct mlproxy_ring_setup *setup = arg;

		setup->data_bytes = kernel.ring_bytes;
		setup->nr_rings = NR_CPUS;
		setup->ring_stride = STRIDE;
		return 0;
	}
	case MLPROXY_IOC_RECOMMEND_SETUP: {
		struct mlproxy_recommend_setup *setup = arg;

		setup->entries = kernel.rec_entries;
		setup->user_offset = REC_USER;
		setup->kern_offset = REC_KERN;
		setup->user_bytes = 2 * PAGE;
		setup->kern_bytes = 2 * PAGE;
		return 0;
	}
	case MLPROXY_IOC_RECOMMEND_DRAIN:
		return answer_drain(arg);
	case MLPROXY_IOC_MODEL_LOAD:
		return answer_load(arg);
	default:
		return 0;
	}
}

/* Takes the place of the C library's in this program. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	uint32_t *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	kernel.last_request = request;
	/* every structure says its size, and has no flags but those of the call */
	assert_true(arg[0] >= 16);
	if (kernel.fail_errno && (!kernel.fail_request || kernel.fail_request == request)) {
		errno = kernel.fail_errno;
		return -1;
	}
	return answer(request, arg);
}

static int setup_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || ftruncate(fd, 4 << 20))
		return -1;
	kernel.memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return kernel.memory == MAP_FAILED ? -1 : 0;
}

static int teardown_file(void **state)
{
	(void)state;
	munmap(kernel.memory, 4 << 20);
	return unlink(path);
}

static int setup(void **state)
{
	unsigned char *memory = kernel.memory;
	struct mlproxy_session *s;

	memset(&kernel, 0, sizeof(kernel));
	memset(memory, 0, 4 << 20);
	kernel.memory = memory;
	kernel.abi_version = MLPROXY_ABI_VERSION;
	kernel.nr_proxies = 1;
	kernel.nr_features = 3;
	kernel.nr_states = 1;
	kernel.ring_bytes = DATA_BYTES;
	kernel.rec_entries = REC_ENTRIES;
	if (mlproxy_open(&s, path, 0))
		return -1;
	*state = s;
	return 0;
}

static void open_failures(void **state)
{
	struct mlproxy_session *s;

	(void)state;
	assert_int_equal(mlproxy_open(&s, "/nonexistent", 0), -ENOENT);
	assert_null(s);
	assert_says(NULL, "is the module loaded? Try: modprobe mlproxy");
	assert_int_equal(mlproxy_open(&s, path, 0x100), -EINVAL);
	assert_says(NULL, "unknown flags 0x100");
	kernel.fail_errno = ENOTTY;
	assert_int_equal(mlproxy_open(&s, path, 0), -ENOTTY);
	assert_says(NULL, "is not an mlproxy device");
	kernel.fail_errno = 0;
	kernel.abi_version = 77;
	assert_int_equal(mlproxy_open(&s, path, 0), -EPROTO);
	assert_says(NULL, "ABI version 77");
	mlproxy_close(NULL);
}

static void device_from_environment(void **state)
{
	struct mlproxy_session *s;

	(void)state;
	setenv("MLPROXY_DEVICE", "/nonexistent/from-env", 1);
	assert_int_equal(mlproxy_open(&s, NULL, 0), -ENOENT);
	assert_says(NULL, "/nonexistent/from-env");
	setenv("MLPROXY_DEVICE", path, 1);
	assert_int_equal(mlproxy_open(&s, NULL, MLPROXY_OPEN_RDONLY), 0);
	mlproxy_close(s);
	unsetenv("MLPROXY_DEVICE");
}

static void list_grows(void **state)
{
	struct mlproxy_list_entry *entries;
	unsigned int nr;

	kernel.nr_proxies = 50;
	assert_int_equal(mlproxy_get_list(*state, &entries, &nr), 0);
	assert_int_equal(nr, 50);
	assert_int_equal(strlen(entries[49].name), MLPROXY_NAME_LEN - 1);
	free(entries);
	kernel.nr_proxies = 0;
	assert_int_equal(mlproxy_get_list(*state, &entries, &nr), 0);
	assert_int_equal(nr, 0);
	assert_null(entries);
	kernel.nr_proxies = 100000000;	/* ever more: give up, don't loop */
	assert_int_equal(mlproxy_get_list(*state, &entries, &nr), -ENOBUFS);
	assert_null(entries);
}

/* Structures as a newer header may have them, and smaller ones than were ever published. */
static void programs_of_another_day(void **state)
{
	struct { struct mlproxy_list_entry e; uint64_t more; } *entries;
	struct { struct mlproxy_info i; uint64_t more; } info = { .more = 1 };
	struct { struct mlproxy_ring_counts c; uint64_t more; } counts = { .more = 1 };
	struct { struct mlproxy_feature f; uint64_t more[2]; } *features;
	struct mlproxy_schema_sizes sizes = {
		sizeof(sizes), sizeof(struct mlproxy_schema_desc) + 64,
		sizeof(struct mlproxy_schema) + 8, sizeof(*features),
		sizeof(struct mlproxy_action), sizeof(struct mlproxy_feature),
		sizeof(struct mlproxy_event_desc), sizeof(struct mlproxy_stratum),
	};
	struct mlproxy_schema_desc *schema;
	struct mlproxy_session *s = *state;
	unsigned int nr;

	assert_int_equal(mlproxy_get_info_sized(s, &info.i, sizeof(info)), 0);
	assert_int_equal(info.i.size, sizeof(info));
	assert_int_equal(info.more, 0);
	assert_int_equal(mlproxy_get_info_sized(s, &info.i, 16), -EINVAL);
	assert_says(s, "16 bytes");
	kernel.nr_proxies = 2;
	assert_int_equal(mlproxy_get_list_sized(s, (void *)&entries, &nr, sizeof(*entries)), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(entries[1].e.id, 2);
	assert_int_equal(entries[1].more, 0);
	free(entries);
	mlproxy_ring_get_counts_sized(s, &counts.c, sizeof(counts));
	assert_int_equal(counts.c.size, sizeof(counts.c));
	assert_int_equal(counts.more, 0);
	assert_int_equal(mlproxy_schema_get_sized(s, &schema, &sizes), 0);
	features = (void *)schema->features;
	assert_string_equal(features[2].f.name, "f2");
	assert_int_equal(mlproxy_schema_feature(schema, "f2"), 2);
	mlproxy_schema_free(schema);
	sizes.action = 8;
	assert_int_equal(mlproxy_schema_get_sized(s, &schema, &sizes), -EINVAL);
	assert_null(schema);
}

static void bind_names(void **state)
{
	struct mlproxy_session *s = *state;

	assert_string_equal(mlproxy_bound_name(s), "");
	assert_int_equal(mlproxy_bind(s, "abcdefghijklmnopqrstuvwxyz0123456789"), -ENAMETOOLONG);
	kernel.fail_errno = ENOENT;
	kernel.fail_request = MLPROXY_IOC_BIND;
	assert_int_equal(mlproxy_bind(s, "synth"), -ENOENT);
	assert_says(s, "there is no proxy 'synth' (registered: xxx");
	assert_says(s, "modprobe mlproxy_synth");
	kernel.nr_proxies = 64;		/* more than the message has room for */
	assert_int_equal(mlproxy_bind(s, "synth"), -ENOENT);
	kernel.nr_proxies = 0;
	assert_int_equal(mlproxy_bind(s, "synth"), -ENOENT);
	assert_says(s, "registered: none");
	kernel.fail_errno = 0;
	assert_int_equal(mlproxy_bind(s, "synth"), 0);
	assert_string_equal(mlproxy_bound_name(s), "synth");
	kernel.fail_errno = EBUSY;
	assert_int_equal(mlproxy_bind(s, "other"), -EBUSY);
	assert_says(s, "bound to 'synth' already");
}

static void modes(void **state)
{
	struct mlproxy_session *s = *state;

	mlproxy_bind(s, "synth");
	assert_int_equal(mlproxy_mode_set(s, MLPROXY_MODE_LEARNING), 0);
	assert_int_equal(kernel.mode.flags, MLPROXY_MODE_F_SET);
	assert_int_equal(kernel.mode.mode, MLPROXY_MODE_LEARNING);
	assert_int_equal(mlproxy_mode_auto(s), 0);
	assert_int_equal(kernel.mode.flags, MLPROXY_MODE_F_AUTO);
	kernel.fail_errno = EPERM;
	assert_int_equal(mlproxy_mode_auto(s), -EPERM);
	assert_says(s, "cannot hand the mode back");
}

static void efficiency(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_transition t[4];
	struct mlproxy_efficiency e;

	mlproxy_bind(s, "synth");
	kernel.nr_transitions = 2;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), 2);
	assert_int_equal(e.trial, 3);
	assert_int_equal(e.transitions, 0);
	assert_int_equal(t[1].reason, 2);
	kernel.nr_transitions = 0;
	assert_int_equal(mlproxy_efficiency_get(s, &e, NULL, 0), 0);
	/* an answer that no good kernel gives: who reads the array must not go by it */
	kernel.nr_transitions = 5;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), -EPROTO);
	assert_says(s, "wrote 5 changes of mode where 4 fit");
	kernel.fail_errno = ENXIO;
	assert_int_equal(mlproxy_efficiency_get(s, &e, t, 4), -ENXIO);
}

static void verdicts(void **state)
{
	struct mlproxy_evidence v[MLPROXY_ROOM_VERDICTS];
	struct mlproxy_session *s = *state;
	struct mlproxy_transition t[4];
	struct mlproxy_efficiency e;

	mlproxy_bind(s, "synth");
	kernel.nr_transitions = 2;
	kernel.nr_verdicts = 3;
	memset(v, 1, sizeof(v));
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, MLPROXY_ROOM_VERDICTS), 2);
	assert_int_equal(e.nr_verdicts, 3);
	assert_int_equal(e.verdicts, 0);
	assert_int_equal(v[2].verdict, MLPROXY_VERDICT_OUTER);
	assert_int_equal(v[3].verdict, 0);
	/* an older program asks as before */
	assert_int_equal(mlproxy_efficiency_get_sized(s, &e, t, 4, offsetof(struct mlproxy_efficiency,
			 stage), sizeof(t[0])), 2);
	/* a kernel that does not know of them */
	kernel.nr_verdicts = 0;
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, 2), 2);
	assert_int_equal(e.nr_verdicts, 1);
	assert_int_equal(v[0].model_version, 8);
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, NULL, 0), 2);
	assert_int_equal(e.nr_verdicts, 0);
	kernel.nr_verdicts = 3;
	assert_int_equal(mlproxy_efficiency_verdicts(s, &e, t, 4, v, 2), -EPROTO);
	assert_says(s, "wrote 3 verdicts where 2 fit");
	assert_int_equal(mlproxy_efficiency_verdicts_sized(s, &e, t, 4, v, 2, 352, sizeof(t[0])),
			 -EINVAL);
}

static void heartbeats(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_heartbeat answer;

	mlproxy_bind(s, "synth");
	assert_int_equal(mlproxy_heartbeat(s, 500, &answer), 0);
	assert_int_equal(kernel.heartbeat.timeout_ms, 500);
	assert_int_equal(kernel.heartbeat.flags, 0);
	assert_int_equal(answer.age_ms, 12);
	assert_int_equal(mlproxy_heartbeat(s, 0, NULL), 0);
	assert_int_equal(kernel.heartbeat.flags, MLPROXY_HEARTBEAT_F_LEAVE);
	kernel.fail_errno = EINVAL;
	assert_int_equal(mlproxy_heartbeat(s, 3600001, NULL), -EINVAL);
	assert_says(s, "3600001 ms is too long for a heartbeat; at most 3600000");
}

static void schema_arrays(void **state)
{
	struct mlproxy_schema_desc *schema;

	mlproxy_bind(*state, "synth");
	assert_int_equal(mlproxy_schema_get(*state, &schema), 0);
	assert_string_equal(schema->proxy, "synth");
	assert_int_equal(schema->s.nr_features, 3);
	assert_int_equal(mlproxy_schema_feature(schema, "f2"), 2);
	assert_int_equal(mlproxy_schema_feature(schema, "f3"), -ENOENT);
	assert_int_equal(mlproxy_schema_action(schema, "on"), 1);
	assert_int_equal(mlproxy_schema_action(schema, ""), -ENOENT);
	assert_int_equal(schema->s.nr_states, 1);
	/* without an end in the kernel's answer */
	assert_int_equal(strlen(schema->states[0].name), MLPROXY_NAME_LEN - 1);
	assert_int_equal(mlproxy_schema_event(schema, "second"), 1);
	assert_int_equal(mlproxy_schema_event(schema, "third"), -ENOENT);
	assert_int_equal(schema->s.nr_strata, 0);
	assert_string_equal(mlproxy_schema_stratum(schema, 0), "?");
	assert_int_equal(strlen(schema->s.ledger_name), MLPROXY_NAME_LEN - 1);
	mlproxy_schema_free(schema);
	mlproxy_schema_free(NULL);
	kernel.nr_states = MLPROXY_MAX_STATES + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	kernel.nr_states = 1;
	kernel.nr_features = MLPROXY_MAX_FEATURES + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	assert_null(schema);
}

static void strata(void **state)
{
	struct mlproxy_schema_sizes sizes = {
		offsetof(struct mlproxy_schema_sizes, stratum),
		offsetof(struct mlproxy_schema_desc, s) + 168, 168,
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_action),
		sizeof(struct mlproxy_feature), sizeof(struct mlproxy_event_desc), 0,
	};
	struct mlproxy_schema_desc *schema;

	mlproxy_bind(*state, "synth");
	kernel.nr_strata = 2;
	assert_int_equal(mlproxy_schema_get(*state, &schema), 0);
	assert_int_equal(schema->s.nr_strata, 2);
	assert_int_equal(mlproxy_schema_stratum(schema, 1)[0], '1');
	assert_int_equal(strlen(mlproxy_schema_stratum(schema, 1)), MLPROXY_NAME_LEN - 1);
	assert_string_equal(mlproxy_schema_stratum(schema, 2), "?");
	mlproxy_schema_free(schema);
	/* a program that knows nothing of them */
	assert_int_equal(mlproxy_schema_get_sized(*state, &schema, &sizes), 0);
	assert_string_equal(mlproxy_schema_stratum(schema, 0), "?");
	mlproxy_schema_free(schema);
	kernel.nr_strata = MLPROXY_MAX_STRATA + 1;
	assert_int_equal(mlproxy_schema_get(*state, &schema), -EPROTO);
	assert_null(schema);
}

static void words_for_errnos(void **state)
{
	static const struct {
		int err;
		const char *says;
	} cases[] = {
		{ ENOTTY, "older than this library" },
		{ E2BIG, "newer than the mlproxy module" },
		{ ENXIO, "not bound to a proxy" },
		{ EPERM, "opened read-only" },
		{ ENODEV, "the proxy is gone" },
		{ ENOMEM, "annot allocate memory" },
	};
	struct mlproxy_session *s = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		kernel.fail_errno = cases[i].err;
		assert_int_equal(mlproxy_mode_set(s, 1), -cases[i].err);
		assert_says(s, cases[i].says);
	}
	kernel.fail_errno = EINVAL;
	assert_int_equal(mlproxy_control(s, MLPROXY_CTL_STOP, NULL), -EINVAL);
	assert_says(s, "only while it is running");
	assert_int_equal(mlproxy_mode_set(s, 9), -EINVAL);
	assert_says(s, "9 is no mode");
	assert_int_equal(mlproxy_param_set(s, MLPROXY_PARAM_SHARE, 0, 1), -EINVAL);
	assert_says(s, "emergency");
	assert_int_equal(mlproxy_param_set(s, MLPROXY_PARAM_SHARE, 1, 70000), -EINVAL);
	assert_says(s, "may not add up");
	kernel.fail_errno = ENOENT;
	assert_int_equal(mlproxy_model_ctl(s, MLPROXY_MODEL_OP_ACTIVATE, 0, NULL), -ENOENT);
	assert_says(s, "load one first");
	assert_int_equal(mlproxy_model_ctl(s, MLPROXY_MODEL_OP_ROLLBACK, 0, NULL), -ENOENT);
	assert_says(s, "nothing to roll back to");
}

static void param_is_passed(void **state)
{
	uint64_t value;

	assert_int_equal(mlproxy_param_set(*state, MLPROXY_PARAM_SHARE, 2, 1234), 0);
	assert_int_equal(kernel.param.flags, MLPROXY_PARAM_F_SET);
	assert_int_equal(kernel.param.param, MLPROXY_PARAM_SHARE);
	assert_int_equal(kernel.param.index, 2);
	assert_int_equal(kernel.param.value, 1234);
	assert_int_equal(mlproxy_param_get(*state, MLPROXY_PARAM_SEED, 0, &value), 0);
	assert_int_equal(kernel.param.flags, 0);
}

static int count(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *ctx)
{
	(void)lost;
	assert_int_equal(rec->seq, 1);
	*(unsigned int *)ctx |= 1U << cpu;
	return 0;
}

static void publish(unsigned int cpu)
{
	unsigned char *base = kernel.memory + cpu * STRIDE;
	struct mlproxy_rec_feedback *rec = (void *)(base + 2 * PAGE);

	rec->hdr.len = sizeof(*rec);
	rec->hdr.type = MLPROXY_REC_FEEDBACK;
	rec->hdr.seq = 1;
	((struct mlproxy_ring_page *)(base + PAGE))->pos = sizeof(*rec);
}

static void rings_are_mapped(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_ring_counts counts;
	unsigned int cpus = 0;

	assert_int_equal(mlproxy_ring_consume(s, 0, count, &cpus), -ENXIO);
	assert_int_equal(mlproxy_wait(s, 0), -ENXIO);
	assert_int_equal(mlproxy_ring_bytes(s), 0);
	assert_int_equal(mlproxy_ring_setup(s, NULL), 0);
	assert_int_equal(mlproxy_ring_bytes(s), DATA_BYTES);
	assert_int_equal(mlproxy_ring_count(s), NR_CPUS);
	publish(0);
	publish(1);
	assert_int_equal(mlproxy_ring_consume(s, 0, count, &cpus), 2);
	assert_int_equal(cpus, 3);
	mlproxy_ring_get_counts(s, &counts);
	assert_int_equal(counts.consumed, 2);
	/* the consumer position reached the "kernel" */
	assert_int_equal(((struct mlproxy_ring_page *)kernel.memory)->pos,
			 sizeof(struct mlproxy_rec_feedback));
}

static void bad_ring_answers(void **state)
{
	struct mlproxy_session *s = *state;

	kernel.ring_bytes = 5000;
	assert_int_equal(mlproxy_ring_setup(s, NULL), -EPROTO);
	kernel.ring_bytes = 0;
	assert_int_equal(mlproxy_ring_setup(s, NULL), -EPROTO);
	assert_int_equal(mlproxy_ring_count(s), 0);
	kernel.rec_entries = 12;
	assert_int_equal(mlproxy_recommend_setup(s, 0), -EPROTO);
	kernel.rec_entries = 1024;	/* more than the stated bytes hold */
	assert_int_equal(mlproxy_recommend_setup(s, 0), -EPROTO);
	assert_int_equal(mlproxy_recommend(s, 1, 1, 1, 1, 1), -ENXIO);
}

static void dataset_requests(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_dataset d = { .max_decisions = 10, .sample = 5, .reserved = 99 };

	assert_int_equal(mlproxy_dataset_request(s, &d), 0);
	assert_int_equal(kernel.dataset.size, sizeof(d));
	assert_int_equal(kernel.dataset.flags, MLPROXY_DATASET_F_REQUEST);
	assert_int_equal(kernel.dataset.max_decisions, 10);
	assert_int_equal(kernel.dataset.sample, 5);
	assert_int_equal(kernel.dataset.reserved, 0);
	assert_int_equal(d.state, MLPROXY_DATASET_ACTIVE);
	assert_int_equal(mlproxy_dataset_get(s, &d), 0);
	assert_int_equal(kernel.dataset.flags, 0);
	assert_int_equal(kernel.dataset.max_decisions, 0);
	assert_int_equal(d.decisions, 7);
	assert_int_equal(mlproxy_dataset_cancel(s, NULL), 0);
	assert_int_equal(kernel.dataset.flags, MLPROXY_DATASET_F_CANCEL);
	kernel.fail_errno = EBUSY;
	assert_int_equal(mlproxy_dataset_request(s, &d), -EBUSY);
	assert_says(s, "cancel it first");
	kernel.fail_errno = EINVAL;
	assert_int_equal(mlproxy_dataset_request(s, &d), -EINVAL);
	assert_says(s, "at most 4 ranges");
	kernel.fail_errno = ENOENT;
	assert_int_equal(mlproxy_dataset_get(s, &d), -ENOENT);
	assert_says(s, "no dataset rings");
}

static void recommend_and_submit(void **state)
{
	struct mlproxy_recommend_drain drain;
	struct mlproxy_session *s = *state;
	int32_t results[REC_ENTRIES];
	uint64_t key;

	assert_int_equal(mlproxy_submit(s, NULL, NULL, 0), -ENXIO);
	assert_int_equal(mlproxy_recommend_setup(s, 0), 0);
	for (key = 0; key < REC_ENTRIES; key++)
		assert_int_equal(mlproxy_recommend(s, key, key % 3, 100, 1000, 1), 0);
	assert_int_equal(mlproxy_recommend(s, key, 0, 100, 1000, 1), -EAGAIN);
	assert_says(s, "submit them first");
	assert_int_equal(mlproxy_submit(s, &drain, results, REC_ENTRIES), REC_ENTRIES);
	assert_int_equal(drain.accepted, 11);
	assert_int_equal(drain.rejected, 5);
	assert_int_equal(results[1], 0);
	assert_int_equal(results[2], -EDOM);
	assert_int_equal(mlproxy_submit(s, NULL, NULL, 0), 0);
}

static void model_refusal(void **state)
{
	struct mlproxy_session *s = *state;
	struct mlproxy_model_load result;

	assert_int_equal(mlproxy_model_load(s, "12345678", 8, &result), 0);
	assert_int_equal(result.version, 5);
	assert_int_equal(mlproxy_model_load(s, "1234", 4, &result), -EBADMSG);
	assert_int_equal(strlen(result.text), MLPROXY_TEXT_LEN - 1);
	assert_says(s, "refused the model (length): yyy");
	assert_int_equal(mlproxy_model_load(s, "1234", MLPROXY_MODEL_MAX_BYTES + 1, NULL), -EFBIG);
	assert_int_equal(mlproxy_model_load_file(s, "/nonexistent", &result), -ENOENT);
	assert_int_equal(mlproxy_model_load_file(s, "/tmp", &result), -EINVAL);
	assert_says(s, "not a regular file");
	assert_int_equal(mlproxy_model_load_file(s, path, &result), -EFBIG);
}

#define SESSION_TEST(test)	cmocka_unit_test_setup_teardown(test, setup, session_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(open_failures),
		SESSION_TEST(device_from_environment),
		SESSION_TEST(list_grows),
		SESSION_TEST(programs_of_another_day),
		SESSION_TEST(bind_names),
		SESSION_TEST(modes),
		SESSION_TEST(efficiency),
		SESSION_TEST(verdicts),
		SESSION_TEST(heartbeats),
		SESSION_TEST(schema_arrays),
		SESSION_TEST(strata),
		SESSION_TEST(words_for_errnos),
		SESSION_TEST(param_is_passed),
		SESSION_TEST(rings_are_mapped),
		SESSION_TEST(bad_ring_answers),
		SESSION_TEST(dataset_requests),
		SESSION_TEST(recommend_and_submit),
		SESSION_TEST(model_refusal),
	};

	return cmocka_run_group_tests(tests, setup_file, teardown_file);
}
