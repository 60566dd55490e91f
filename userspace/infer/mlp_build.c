// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layout of a model file: header, inputs, layers, then per layer the biases and
 * the weights, each array padded with zeros to 8 bytes.
 */
#include <stdlib.h>

#include "mlp_build.h"

static size_t align8(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static size_t bias_bytes(const struct mlp_spec_layer *layer)
{
	return align8(layer->nr_out * sizeof(s32));
}

static size_t weight_bytes(const struct mlp_spec_layer *layer)
{
	return align8((size_t)layer->nr_out * layer->nr_in);
}

static size_t tables_bytes(const struct mlp_spec *spec)
{
	return sizeof(struct mlproxy_model_hdr) +
	       spec->nr_inputs * sizeof(struct mlproxy_model_input) +
	       spec->nr_layers * sizeof(struct mlproxy_model_layer);
}

static void fill_header(const struct mlp_spec *spec, struct mlproxy_model_hdr *hdr, size_t len)
{
	hdr->magic = MLPROXY_MODEL_MAGIC;
	hdr->format = MLPROXY_MODEL_FORMAT;
	hdr->kind = MLPROXY_MODEL_KIND_MLP;
	hdr->total_len = (u32)len;
	hdr->schema_hash = spec->schema_hash;
	hdr->nr_inputs = spec->nr_inputs;
	hdr->nr_outputs = spec->layers[spec->nr_layers - 1].nr_out;
	hdr->nr_layers = spec->nr_layers;
	hdr->margin = spec->margin;
	hdr->out_mul = spec->out_mul;
	hdr->out_shift = spec->out_shift;
	hdr->out_offset = spec->out_offset;
	hdr->trained_ns = spec->trained_ns;
	/* the file is all zeros before: the name's end and the padding are there */
	if (spec->name)
		memcpy(hdr->name, spec->name, strnlen(spec->name, sizeof(hdr->name) - 1));
}

static void fill_layers(const struct mlp_spec *spec, u8 *file,
			struct mlproxy_model_layer *layers)
{
	size_t pos = tables_bytes(spec);
	u32 l;

	for (l = 0; l < spec->nr_layers; l++) {
		const struct mlp_spec_layer *from = &spec->layers[l];
		struct mlproxy_model_layer *to = &layers[l];

		to->nr_in = from->nr_in;
		to->nr_out = from->nr_out;
		to->flags = from->flags;
		to->mul = from->mul;
		to->shift = from->shift;
		to->bias_offset = (u32)pos;
		memcpy(file + pos, from->bias, from->nr_out * sizeof(s32));
		pos += bias_bytes(from);
		to->weight_offset = (u32)pos;
		memcpy(file + pos, from->weights, (size_t)from->nr_out * from->nr_in);
		pos += weight_bytes(from);
	}
}

int mlp_build(const struct mlp_spec *spec, void **data, size_t *len)
{
	size_t bytes, at_inputs = sizeof(struct mlproxy_model_hdr);
	size_t at_layers, inputs_bytes;
	u8 *file;
	u32 l;

	if (!spec->nr_inputs || spec->nr_inputs > MLPROXY_MODEL_MAX_BYTES ||
	    !spec->nr_layers || spec->nr_layers > MLPROXY_MODEL_MAX_BYTES)
		return -EINVAL;
	inputs_bytes = spec->nr_inputs * sizeof(struct mlproxy_model_input);
	at_layers = at_inputs + inputs_bytes;
	bytes = tables_bytes(spec);
	for (l = 0; l < spec->nr_layers; l++)
		bytes += bias_bytes(&spec->layers[l]) + weight_bytes(&spec->layers[l]);
	if (bytes > MLPROXY_MODEL_MAX_BYTES)
		return -EFBIG;

	file = calloc(1, bytes);
	if (!file)
		return -ENOMEM;
	fill_header(spec, (void *)file, bytes);
	memcpy(file + at_inputs, spec->inputs, inputs_bytes);
	fill_layers(spec, file, (void *)(file + at_layers));
	mlp_seal(file, bytes);
	*data = file;
	*len = bytes;
	return 0;
}

void mlp_seal(void *data, size_t len)
{
	struct mlproxy_model_hdr *hdr = data;
	size_t start = offsetof(struct mlproxy_model_hdr, schema_hash);

	hdr->crc32 = mlp_crc32((const u8 *)data + start, len - start);
}
