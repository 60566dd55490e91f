// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program of trees: nested comparisons, so that features and thresholds are
 * constants of the code. Each comparison is walked once by the verifier, since the
 * ways through a tree meet behind it.
 */
#include <errno.h>

#include "gen.h"

/* Four to six instructions each; a jump spans 32,767. */
#define MAX_NODES	4096

static u32 count_nodes(const struct trees *trees)
{
	u32 nr = 0, t;

	for (t = 0; t < trees->hdr->nr_layers; t++)
		nr += trees->tree[t].nr_nodes;
	return nr;
}

static void indent(FILE *out, u32 depth)
{
	for (depth++; depth; depth--)
		fputc('\t', out);
}

/* Recursive: at most MLPROXY_MODEL_MAX_DEPTH deep, the verifier has seen to it. */
static void write_node(FILE *out, const struct mlproxy_model_node *root, u32 n, u32 output,
		       u32 depth)
{
	const struct mlproxy_model_node *node = &root[n];

	indent(out, depth);
	if (node->feature == MLPROXY_NODE_LEAF) {
		fprintf(out, "s[%u] += %lldLL;\n", output, (long long)node->value);
		return;
	}
	/* the smallest number has no literal */
	fprintf(out, "if (ctx->features[%u] < (__s64)0x%llxULL) {\n", node->feature,
		(unsigned long long)node->threshold);
	write_node(out, root, node->child, output, depth + 1);
	indent(out, depth);
	fprintf(out, "} else {\n");
	write_node(out, root, node->child + 1, output, depth + 1);
	indent(out, depth);
	fprintf(out, "}\n");
}

int bpfgen_tree(FILE *out, const struct trees *trees, char *error)
{
	u32 nr = count_nodes(trees), t;

	if (nr > MAX_NODES) {
		snprintf(error, BPFGEN_ERROR_LEN,
			 "the model is too big for an eBPF program: %u nodes of at most %u; load it with `mlproxy load`, or train fewer or smaller trees",
			 nr, MAX_NODES);
		return -E2BIG;
	}
	fprintf(out,
		"SEC(\"raw_tracepoint.w/\" MLPROXY_BPF_TRACEPOINT)\n"
		"int decide(struct bpf_raw_tracepoint_args *args)\n"
		"{\n"
		"\tstruct mlproxy_bpf_ctx *ctx = (void *)(unsigned long)args->args[0];\n"
		"\t__u32 baseline, allowed, best;\n"
		"\t__s64 s[%u] = {}, base, score;\n"
		"\n"
		"\tif (ctx->schema_hash != SCHEMA_HASH || ctx->nr_features < NR_FEATURES)\n"
		"\t\treturn 0;\n"
		"\tbaseline = ctx->baseline;\n"
		"\tallowed = ctx->allowed;\n"
		"\tbest = baseline;\n",
		trees->hdr->nr_outputs);
	for (t = 0; t < trees->hdr->nr_layers; t++) {
		const struct mlproxy_model_tree *tree = &trees->tree[t];

		fprintf(out, "\n\t/* tree %u, of action %u */\n", t, tree->output);
		write_node(out, &trees->nodes[tree->first_node], 0, tree->output, 0);
	}
	bpfgen_choice(out, trees->hdr);
	return 0;
}
