/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that tests of libmlproxy play: ioctl() is defined here, for the one program
 * that includes this, and a plain file stands for the memory that the kernel would map.
 */
#ifndef _MLPROXY_TEST_LIB_KERNEL_H
#define _MLPROXY_TEST_LIB_KERNEL_H

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
	struct mlproxy_point point;
	struct mlproxy_point_decide decide;
	struct mlproxy_point_outcome outcome;
	struct mlproxy_point_state state;
	struct mlproxy_point_event event;
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

static int answer_point(struct mlproxy_point *point)
{
	kernel.point = *point;
	if (!strcmp(point->name, "refused")) {
		memset(point->text, 'z', sizeof(point->text));	/* without an end */
		errno = EBADMSG;
		return -1;
	}
	snprintf(point->name, sizeof(point->name), "user-%.26s", kernel.point.name);
	return 0;
}

static int answer(unsigned long request, void *arg)
{
	switch (request) {
	case MLPROXY_IOC_POINT_REGISTER:
		return answer_point(arg);
	case MLPROXY_IOC_POINT_ADD:
		((struct mlproxy_point_instance *)arg)->instance = 3;
		return 0;
	case MLPROXY_IOC_POINT_DECIDE:
		kernel.decide = *(struct mlproxy_point_decide *)arg;
		((struct mlproxy_point_decide *)arg)->id = 11;
		((struct mlproxy_point_decide *)arg)->action = 1;
		return 0;
	case MLPROXY_IOC_POINT_FEEDBACK:
		kernel.outcome = *(struct mlproxy_point_outcome *)arg;
		return 0;
	case MLPROXY_IOC_POINT_STATE:
		kernel.state = *(struct mlproxy_point_state *)arg;
		return 0;
	case MLPROXY_IOC_POINT_EVENT:
		kernel.event = *(struct mlproxy_point_event *)arg;
		return 0;
	case MLPROXY_IOC_POINT_COST:
		((struct mlproxy_point_cost *)arg)->control = 7;
		return 0;
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

#define SESSION_TEST(test)	cmocka_unit_test_setup_teardown(test, setup, session_teardown)

#endif /* _MLPROXY_TEST_LIB_KERNEL_H */
