// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame of a generated program: its head, and from scores to an action. The
 * scores are the kind's own.
 *
 * Arithmetic in it does not branch. At a branch whose outcome the verifier knows
 * already it keeps the operands' exact values apart from then on, and walks all
 * combinations of them: twenty saturations would be too many. Newer ones, 6.12.95
 * among them, do likewise at the and of a constant with a mask made of a sign:
 * therefore a choice is a product.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

static int fail(char *error, int err, const char *path, const char *why)
{
	snprintf(error, BPFGEN_ERROR_LEN, "%s: %s", path, why);
	return err;
}

static int read_file(const char *path, void **data, size_t *len, char *error)
{
	FILE *f = fopen(path, "rb");
	void *buf;

	if (!f)
		return fail(error, -errno, path, strerror(errno));
	/* one byte more, so that a longer file shows */
	buf = calloc(1, MLPROXY_MODEL_MAX_BYTES + 8);
	if (!buf) {
		fclose(f);
		return fail(error, -ENOMEM, path, "out of memory");
	}
	*len = fread(buf, 1, MLPROXY_MODEL_MAX_BYTES + 1, f);
	if (ferror(f)) {
		int err = errno;

		free(buf);
		fclose(f);
		return fail(error, -err, path, strerror(err));
	}
	fclose(f);
	*data = buf;
	return 0;
}

int bpfgen_open(const char *path, void **file, struct model *model, char *error)
{
	struct mlp_limits limits = { .max_macs = U32_MAX };
	struct mlproxy_model_hdr *hdr;
	struct mlp_report report;
	size_t len = 0;
	int ret;

	ret = read_file(path, file, &len, error);
	if (ret)
		return ret;
	/* What it was made for it says itself; the program checks that in the kernel. */
	hdr = *file;
	if (len >= sizeof(*hdr)) {
		limits.schema_hash = hdr->schema_hash;
		limits.nr_actions = hdr->nr_outputs;
		limits.nr_features = hdr->kind == MLPROXY_MODEL_KIND_TREES ?
				     hdr->nr_inputs : MLPROXY_MAX_FEATURES;
	}
	if (limits.nr_features > MLPROXY_MAX_FEATURES)
		limits.nr_features = MLPROXY_MAX_FEATURES;
	if (!model_verify(*file, len, &limits, model, &report))
		return 0;
	free(*file);
	*file = NULL;
	return fail(error, -EBADMSG, path, report.text);
}

static void write_head(FILE *out, const struct mlproxy_model_hdr *hdr)
{
	char name[sizeof(hdr->name)];
	size_t i;

	/* It may hold what ends a comment. */
	for (i = 0; i < sizeof(name); i++) {
		char c = hdr->name[i];

		name[i] = !c || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || c == '-' ? c : '_';
	}
	fprintf(out,
		"// SPDX-License-Identifier: GPL-2.0-only\n"
		"/*\n"
		" * Made by mlproxy bpf generate of the model \"%s\", checksum 0x%08x.\n"
		" * Gives what the kernel gives with that model, bit for bit.\n"
		" */\n"
		"#include <linux/types.h>\n"
		"#include <linux/bpf.h>\n"
		"#include <bpf/bpf_helpers.h>\n"
		"#include <linux/mlproxy_bpf.h>\n"
		"\n"
		"#define SCHEMA_HASH\t0x%016llxULL\n"
		"#define NR_FEATURES\t%u\t/* at least */\n"
		"#define VERSION\t\t0x%08xU\n"
		"\n"
		"MLPROXY_BPF_DECLARE_BOUND;\n"
		"\n"
		"/* Asked for anew each time: see the header. */\n"
		"#define CTX\t\tMLPROXY_BPF_CTX(args)\n"
		"#define FIELD(f)\t(*(volatile __typeof__(CTX->f) *)&CTX->f)\n"
		"\n"
		"/* 1 where a < b, else 0; the compiler must not make a branch of it. */\n"
		"static __always_inline __s64 less(__s64 a, __s64 b)\n"
		"{\n"
		"\t__u64 d = (__u64)a - (__u64)b;\n"
		"\t__u64 is = (d ^ (((__u64)a ^ (__u64)b) & (d ^ (__u64)a))) >> 63;\n"
		"\n"
		"\t__asm__ volatile(\"\" : \"+r\"(is));\n"
		"\treturn is;\n"
		"}\n"
		"\n"
		"static __always_inline __s64 pick(__u64 is, __s64 yes, __s64 no)\n"
		"{\n"
		"\treturn (__u64)no + ((__u64)yes - (__u64)no) * is;\n"
		"}\n"
		"\n"
		"/* to nearest, ties towards plus infinity */\n"
		"static __always_inline __s64 rshift_round(__s64 v, __u32 shift)\n"
		"{\n"
		"\treturn (v + (__s64)((1ULL << shift) >> 1)) >> shift;\n"
		"}\n"
		"\n",
		name, hdr->crc32, (unsigned long long)hdr->schema_hash,
		hdr->kind == MLPROXY_MODEL_KIND_TREES ? hdr->nr_inputs : 1, hdr->crc32);
}

/**
 * bpfgen_entry() - write the function that chooses among the scores, and the entry
 * @out: where to
 * @hdr: header
 *
 * Behind a function score(args, s). Each action is named by a constant: no index
 * that the verifier has to bound.
 */
void bpfgen_entry(FILE *out, const struct mlproxy_model_hdr *hdr)
{
	u32 a;

	fprintf(out,
		"\n"
		"SEC(\"raw_tracepoint.w/\" MLPROXY_BPF_TRACEPOINT)\n"
		"int decide(struct bpf_raw_tracepoint_args *args)\n"
		"{\n"
		"\t__s64 s[%u] = {}, baseline, allowed, base, best, most, better;\n"
		"\n"
		"\tif (!MLPROXY_BPF_IS_BOUND(args))\n"
		"\t\treturn 0;\n"
		"\tif (FIELD(schema_hash) != SCHEMA_HASH || FIELD(nr_features) < NR_FEATURES)\n"
		"\t\treturn 0;\n"
		"\tscore(args, s);\n"
		"\tbaseline = FIELD(baseline);\n"
		"\tallowed = FIELD(allowed);\n"
		"\tbase = 0;\n",
		hdr->nr_outputs);
	for (a = 0; a < hdr->nr_outputs; a++)
		fprintf(out, "\tbase |= pick(less(baseline, %u) | less(%u, baseline), 0, s[%u]);\n",
			a, a, a);
	fprintf(out, "\tbest = baseline;\n\tmost = base;\n");
	for (a = 0; a < hdr->nr_outputs; a++)
		fprintf(out,
			"\tbetter = less(most, s[%u]) & (allowed >> %u & 1);\n"
			"\tbest = pick(better, %u, best);\n"
			"\tmost = pick(better, s[%u], most);\n", a, a, a, a);
	fprintf(out,
		"\tbetter = less(%d, most - base);\n"
		"\tbest = pick(better, best, baseline);\n"
		"\tmost = pick(better, most, base);\n"
		"\tmost = rshift_round(most * %lldLL, %u) + %lldLL;\n"
		"\tFIELD(action) = best;\n"
		"\tFIELD(version) = VERSION;\n"
		"\tFIELD(predicted) = most;\n"
		"\tFIELD(flags) = MLPROXY_BPF_F_PREDICTED;\n"
		"\treturn 0;\n"
		"}\n"
		"\n"
		"char LICENSE[] SEC(\"license\") = \"GPL\";\n",
		hdr->margin, (long long)hdr->out_mul, hdr->out_shift,
		(long long)hdr->out_offset);
}

int bpfgen_write(FILE *out, const struct model *model, char *error)
{
	int ret;

	write_head(out, model->hdr);
	if (model->kind == MLPROXY_MODEL_KIND_TREES)
		ret = bpfgen_tree(out, &model->trees, error);
	else
		ret = bpfgen_mlp(out, &model->mlp, error);
	if (!ret)
		bpfgen_entry(out, model->hdr);
	if (!ret && (fflush(out) || ferror(out)))
		ret = fail(error, -EIO, "output", "cannot be written: is the disk full?");
	return ret;
}
