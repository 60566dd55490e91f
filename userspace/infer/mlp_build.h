/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembling a model file from its parts, for the quantiser and the tests.
 *
 * The builder lays the file out, fills in offsets, lengths and the checksum, and
 * copies everything else as given: whether the result is a valid model is for
 * mlp_verify() to say. No global state; safe from any thread.
 */
#ifndef _MLPROXY_MLP_BUILD_H
#define _MLPROXY_MLP_BUILD_H

#include "mlp.h"

/**
 * struct mlp_spec_layer - one layer
 * @nr_in: inputs
 * @nr_out: outputs
 * @flags: MLPROXY_LAYER_*
 * @mul: requantisation multiplier, 0 in the last layer
 * @shift: requantisation shift, 0 in the last layer
 * @bias: @nr_out biases
 * @weights: @nr_out rows of @nr_in weights
 */
struct mlp_spec_layer {
	u16 nr_in;
	u16 nr_out;
	u32 flags;
	s32 mul;
	u32 shift;
	const s32 *bias;
	const s8 *weights;
};

/**
 * struct mlp_spec - the parts of a model
 * @schema_hash: of the proxy it is for
 * @trained_ns: CLOCK_REALTIME of the training
 * @name: name; cut off at 31 bytes
 * @margin: see struct mlproxy_model_hdr
 * @out_mul: likewise
 * @out_shift: likewise
 * @out_offset: likewise
 * @nr_inputs: entries in @inputs
 * @inputs: preprocessing, as it stands in the file
 * @nr_layers: entries in @layers, at least 1
 * @layers: the layers; the last one's @nr_out is the model's number of outputs
 */
struct mlp_spec {
	u64 schema_hash;
	u64 trained_ns;
	const char *name;
	s32 margin;
	s32 out_mul;
	u32 out_shift;
	s64 out_offset;
	u32 nr_inputs;
	const struct mlproxy_model_input *inputs;
	u32 nr_layers;
	const struct mlp_spec_layer *layers;
};

/**
 * mlp_build() - lay out a model file
 * @spec: the parts
 * @data: out: the file, 8-byte aligned, to be given to free()
 * @len: out: its length in bytes
 *
 * Return: 0, -EINVAL for no inputs or layers or more of them than a file can
 * hold, -EFBIG for a file longer than MLPROXY_MODEL_MAX_BYTES, or -ENOMEM.
 */
int mlp_build(const struct mlp_spec *spec, void **data, size_t *len);

/**
 * mlp_seal() - set the checksum of a model file that was changed in place
 * @data: the file, at least a header long
 * @len: its length in bytes
 */
void mlp_seal(void *data, size_t len);

#endif /* _MLPROXY_MLP_BUILD_H */
