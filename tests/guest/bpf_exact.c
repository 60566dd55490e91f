// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-test: helper
 *
 * For bpf.sh: what an attached program decided, as the records have it.
 *
 *	bpf_exact exact N MODEL.mlp	candidate and prediction are those of the
 *					kernel's own evaluation of MODEL
 *	bpf_exact wild N		the program took a legal action and wrote over
 *					all else: the records have what synth asked
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define PROXY "synth"
#define RING_BYTES (1 << 21)

static int fd;
static unsigned int seen;
static unsigned int actions[MLPROXY_MAX_ACTIONS];

static void check_exact(const struct mlproxy_rec_decision *d)
{
	struct mlproxy_model_eval cmd = {
		.size = sizeof(cmd), .flags = MLPROXY_EVAL_F_STANDBY,
		.features = (uintptr_t)mlproxy_rec_features(d), .nr_features = d->nr_features,
		.baseline = d->baseline, .allowed = d->allowed,
	};

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_MODEL_EVAL, &cmd), 0);
	EXPECT_EQ(d->candidate_source, MLPROXY_SRC_BPF);
	EXPECT_EQ(d->candidate, cmd.action);
	EXPECT(d->predicted == cmd.predicted, "(program %lld, kernel %lld)",
	       (long long)d->predicted, (long long)cmd.predicted);
}

static void check_wild(const struct mlproxy_rec_decision *d)
{
	const __s64 *features = mlproxy_rec_features(d);

	EXPECT_EQ(d->candidate_source, MLPROXY_SRC_BPF);
	EXPECT_EQ(d->candidate, 2);
	EXPECT_EQ(d->model_version, 77);
	EXPECT_EQ(d->predicted, 0);	/* not flagged as one */
	EXPECT_EQ(d->baseline, 0);
	EXPECT_EQ(d->allowed, 15);
	EXPECT_EQ(d->nr_features, 3);
	EXPECT(features[0] >= 0 && features[1] >= 1 && features[2] >= 0);
	EXPECT_EQ(d->key, (uint64_t)features[0] << 2 | features[2]);
}

static void take(const struct mlproxy_rec_hdr *rec, void *arg)
{
	const struct mlproxy_rec_decision *d = (const void *)rec;
	void (*check)(const struct mlproxy_rec_decision *d) = arg;

	if (rec->type != MLPROXY_REC_DECISION)
		return;
	seen++;
	actions[d->candidate % MLPROXY_MAX_ACTIONS]++;
	check(d);
}

static void load(const char *path)
{
	static uint64_t file[MLPROXY_MODEL_MAX_BYTES / 8];
	struct mlproxy_model_load cmd;
	FILE *f = fopen(path, "rb");
	size_t len;

	ASSERT(f, "(%s)", path);
	len = fread(file, 1, sizeof(file), f);
	fclose(f);
	ASSERT_RET(dev_model_load(fd, file, len, &cmd), 0);
}

int main(int argc, char **argv)
{
	bool exact = argc == 4 && !strcmp(argv[1], "exact");
	struct mlproxy_ring_setup setup;
	unsigned int n, cpu;
	struct ring ring;

	if (!exact && (argc != 3 || strcmp(argv[1], "wild"))) {
		fprintf(stderr, "usage: bpf_exact exact N MODEL.mlp | wild N\n");
		return 2;
	}
	n = strtoul(argv[2], NULL, 0);
	fd = dev_bound(PROXY);
	if (exact)
		load(argv[3]);
	ASSERT_RET(ring_setup(fd, RING_BYTES, 0, 0, 1U << MLPROXY_REC_DECISION, &setup), 0);
	ASSERT_RET(synth_run(n), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		ASSERT_RET(ring_map(fd, &setup, cpu, &ring), 0);
		ring_consume(&ring, 0, take, exact ? check_exact : check_wild);
	}
	EXPECT_EQ(seen, n);
	printf("%u decisions; actions %u %u %u %u; %d differ\n", seen, actions[0], actions[1],
	       actions[2], actions[3], ktap_failures);
	return ktap_failures ? 1 : 0;
}
