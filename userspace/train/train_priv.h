/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the trainer: errors, a small random generator, the rows as the
 * network takes them.
 */
#ifndef _MLPROXY_TRAIN_PRIV_H
#define _MLPROXY_TRAIN_PRIV_H

#include "mlproxy_train.h"

/* Sets mltrain_error() and returns @err. */
int mltrain_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): a good mixer. */
static inline uint64_t mltrain_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* 0 to below 1 */
static inline double mltrain_uniform(uint64_t x)
{
	return (double)(mltrain_mix(x) >> 11) / (double)(1ULL << 53);
}

/* What identifies a row between files: id, key and time. */
static inline uint64_t mltrain_row_hash(const struct mlds_data *d, size_t i)
{
	return mltrain_mix(d->id[i] ^ mltrain_mix(d->key[i] ^ mltrain_mix(d->time_ns[i])));
}

/* Inputs of the network: [n][nr_inputs], the fixed-point inputs / 127. */
float *mltrain_inputs(const struct mlproxy_model_input *inputs, uint32_t nr_inputs,
		      const struct mlds_data *data, const struct mltrain_rows *rows);

/* +1 where a higher reward is better, else -1. */
static inline double mltrain_sign(const struct mlds_schema *s)
{
	return s->schema.reward_direction == MLPROXY_REWARD_LOWER ? -1 : 1;
}

int mltrain_layers_alloc(struct mltrain_layer *layers, uint32_t nr, const uint32_t *sizes);
void mltrain_layers_free(struct mltrain_layer *layers, uint32_t nr);
/* @relu: as between layers; not behind the last one */
void mltrain_layer_run(const struct mltrain_layer *l, const float *in, float *out, bool relu);

double mltrain_choose_margin(const struct mltrain_model *model, const struct mlds_data *data,
			     const struct mltrain_rows *rows);

#endif /* _MLPROXY_TRAIN_PRIV_H */
