// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions against a device that the test plays. What is looked at are the structures
 * that the library passes, how it takes answers that no good kernel gives, and the words
 * for each failure. Schema and efficiency are in test_lib_schema.c.
 */
#include "lib_kernel.h"

#include <errno.h>
#include <stdio.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(open_failures),
		SESSION_TEST(device_from_environment),
		SESSION_TEST(list_grows),
		SESSION_TEST(programs_of_another_day),
		SESSION_TEST(bind_names),
		SESSION_TEST(modes),
		SESSION_TEST(heartbeats),
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
