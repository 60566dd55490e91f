// SPDX-License-Identifier: GPL-2.0-only
/*
 * A float model at work: scores of rows and the choice by them. Plain C, so that
 * testing and quantising need no libtorch.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "train_priv.h"

void mltrain_layers_free(struct mltrain_layer *layers, uint32_t nr)
{
	uint32_t l;

	for (l = 0; l < nr; l++) {
		free(layers[l].w);
		free(layers[l].b);
		layers[l].w = NULL;
		layers[l].b = NULL;
	}
}

/* @sizes: nr + 1 widths, each of 1 to MLPROXY_MODEL_MAX_WIDTH */
int mltrain_layers_alloc(struct mltrain_layer *layers, uint32_t nr, const uint32_t *sizes)
{
	uint32_t l;

	for (l = 0; l < nr; l++) {
		layers[l].in = sizes[l];
		layers[l].out = sizes[l + 1];
		layers[l].w = calloc((size_t)sizes[l] * sizes[l + 1], sizeof(float));
		layers[l].b = calloc(sizes[l + 1], sizeof(float));
		if (!layers[l].w || !layers[l].b) {
			mltrain_layers_free(layers, l + 1);
			return mltrain_fail(-ENOMEM, "no memory for the weights");
		}
	}
	return 0;
}

void mltrain_layer_run(const struct mltrain_layer *l, const float *in, float *out, bool relu)
{
	uint32_t o, i;

	for (o = 0; o < l->out; o++) {
		const float *w = l->w + (size_t)o * l->in;
		float acc = l->b[o];

		for (i = 0; i < l->in; i++)
			acc += w[i] * in[i];
		out[o] = relu && acc < 0 ? 0 : acc;
	}
}

void mltrain_free(struct mltrain_model *m)
{
	if (!m)
		return;
	mltrain_layers_free(m->layers, m->nr_layers);
	mltrain_trees_free(m);
	free(m->state);
	free(m->seen);
	free(m);
}

static int network_predict(const struct mltrain_model *m, const struct mlds_data *data,
			   const struct mltrain_rows *rows, float *scores)
{
	float *x = mltrain_inputs(m->inputs, m->nr_inputs, data, rows);
	float buf[2][MLPROXY_MODEL_MAX_WIDTH];
	uint32_t last = m->nr_layers - 1, l;
	size_t i;

	if (!x)
		return -ENOMEM;
	for (i = 0; i < rows->n; i++) {
		const float *in = x + i * m->nr_inputs;

		for (l = 0; l < last; l++) {
			mltrain_layer_run(&m->layers[l], in, buf[l % 2], true);
			in = buf[l % 2];
		}
		mltrain_layer_run(&m->layers[last], in, scores + i * data->nr_actions, false);
	}
	free(x);
	return 0;
}

int mltrain_predict(const struct mltrain_model *m, const struct mlds_data *data,
		    const struct mltrain_rows *rows, float *scores)
{
	if (m->kind != MLPROXY_MODEL_KIND_TREES)
		return network_predict(m, data, rows, scores);
	mltrain_trees_predict(m, data, rows, scores);
	return 0;
}

uint32_t mltrain_choose(const struct mltrain_model *m, const float *scores, double margin,
			uint32_t baseline, uint32_t allowed)
{
	uint32_t best = baseline, a;

	for (a = 0; a < m->schema.schema.nr_actions; a++)
		if ((allowed >> a & 1) && scores[a] > scores[best])
			best = a;
	return scores[best] - scores[baseline] > margin ? best : baseline;
}
