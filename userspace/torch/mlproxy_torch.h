/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small networks by libtorch, for C.
 *
 * A multilayer perceptron with ReLU between its layers, Adam, and the one loss
 * that a contextual bandit needs: a regression of the reward on the output of the
 * action that was taken, the other outputs left alone.
 *
 * Functions return 0 or a negative errno; mltorch_last_error() has the reason in
 * words. No C++ exception leaves the library. A network is for one thread at a
 * time, and networks are to be created in one thread at a time (torch's seed is
 * global). With one thread (mltorch_set_threads(1)) and the same seed and data,
 * results are the same from run to run.
 */
#ifndef _MLPROXY_TORCH_H
#define _MLPROXY_TORCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLTORCH_MAX_LAYERS	8

struct mltorch_net;

/**
 * struct mltorch_options - of a network
 * @nr_sizes: entries in @sizes, 2 to MLTORCH_MAX_LAYERS + 1
 * @sizes: inputs, hidden widths, outputs
 * @seed: of the weights and of the order of the rows
 * @lr: learning rate, > 0
 * @weight_decay: L2 penalty, 0 for none
 * @huber_delta: where the loss becomes linear, in units of the target; 0 for mean
 *	squared error
 */
struct mltorch_options {
	uint32_t nr_sizes;
	uint32_t sizes[MLTORCH_MAX_LAYERS + 1];
	uint64_t seed;
	double lr;
	double weight_decay;
	double huber_delta;
};

/**
 * struct mltorch_rows - rows to learn from
 * @n: rows
 * @x: [n][inputs]
 * @action: [n], index of the output that @target is about
 * @target: [n]
 * @weight: [n], or NULL for 1
 */
struct mltorch_rows {
	size_t n;
	const float *x;
	const int32_t *action;
	const float *target;
	const float *weight;
};

/**
 * mltorch_create() - create a network with random weights
 * @net: out
 * @options: options
 */
int mltorch_create(struct mltorch_net **net, const struct mltorch_options *options);

/**
 * mltorch_free() - free a network
 * @net: network, or NULL
 */
void mltorch_free(struct mltorch_net *net);

/**
 * mltorch_options() - options that the network was created (or loaded) with
 * @net: network
 * @options: out
 */
int mltorch_options(const struct mltorch_net *net, struct mltorch_options *options);

/**
 * mltorch_step() - one gradient step on all the rows
 * @net: network
 * @rows: rows
 * @loss: out: weighted mean loss before the step, or NULL
 */
int mltorch_step(struct mltorch_net *net, const struct mltorch_rows *rows, double *loss);

/**
 * mltorch_epoch() - go once through the rows, in a random order
 * @net: network
 * @rows: rows
 * @batch: rows of a step, 0 for all of them in one step
 * @loss: out: weighted mean loss, or NULL
 */
int mltorch_epoch(struct mltorch_net *net, const struct mltorch_rows *rows, size_t batch,
		  double *loss);

/**
 * mltorch_loss() - loss on rows, without learning
 * @net: network
 * @rows: rows
 * @loss: out: weighted mean loss
 */
int mltorch_loss(struct mltorch_net *net, const struct mltorch_rows *rows, double *loss);

/**
 * mltorch_predict() - outputs of rows
 * @net: network
 * @x: [n][inputs]
 * @n: rows
 * @out: out: [n][outputs]
 */
int mltorch_predict(struct mltorch_net *net, const float *x, size_t n, float *out);

/**
 * mltorch_set_lr() - change the learning rate
 * @net: network
 * @lr: learning rate, > 0
 */
int mltorch_set_lr(struct mltorch_net *net, double lr);

/**
 * mltorch_get_layer() - copy the weights of a layer out
 * @net: network
 * @layer: 0 to nr_sizes - 2
 * @weight: out: [sizes[layer + 1]][sizes[layer]]
 * @bias: out: [sizes[layer + 1]]
 */
int mltorch_get_layer(const struct mltorch_net *net, uint32_t layer, float *weight,
		      float *bias);

/**
 * mltorch_set_layer() - set the weights of a layer
 * @net: network
 * @layer: 0 to nr_sizes - 2
 * @weight: [sizes[layer + 1]][sizes[layer]]
 * @bias: [sizes[layer + 1]]
 */
int mltorch_set_layer(struct mltorch_net *net, uint32_t layer, const float *weight,
		      const float *bias);

/**
 * mltorch_save() - the whole state: options, weights, the optimiser's moments
 * @net: network
 * @data: out: to be given to free()
 * @len: out: bytes
 *
 * Learning goes on from the state as if it had not been interrupted.
 */
int mltorch_save(const struct mltorch_net *net, void **data, size_t *len);

/**
 * mltorch_load() - a network from its state
 * @net: out
 * @data: from mltorch_save(), from the same or an earlier version
 * @len: bytes
 */
int mltorch_load(struct mltorch_net **net, const void *data, size_t len);

/**
 * struct mltorch_chain - a network of linear layers with ReLU between them
 * @nr_layers: layers
 * @sizes: nr_layers + 1 widths
 * @weight: per layer [sizes[l + 1]][sizes[l]], in one allocation with the biases
 * @bias: per layer [sizes[l + 1]]
 */
struct mltorch_chain {
	uint32_t nr_layers;
	uint32_t sizes[MLTORCH_MAX_LAYERS + 1];
	float *weight[MLTORCH_MAX_LAYERS];
	float *bias[MLTORCH_MAX_LAYERS];
};

/**
 * mltorch_import() - read a network that was saved as TorchScript
 * @path: file, as torch.jit.save() writes it
 * @chain: out: to be given to mltorch_chain_free()
 *
 * The module must be a chain of linear layers with ReLU between them, in float32;
 * what else it has (dropout, identities) must do nothing in evaluation. The layers
 * that were read are run against the module itself before they are given out.
 * Return: 0, -EBADMSG for a file that is no such module, or another error.
 */
int mltorch_import(const char *path, struct mltorch_chain *chain);

/** mltorch_chain_free() - free what mltorch_import() gave */
void mltorch_chain_free(struct mltorch_chain *chain);

/**
 * mltorch_export() - save a network as TorchScript, for torch.jit.load()
 * @net: network
 * @path: file
 */
int mltorch_export(const struct mltorch_net *net, const char *path);

/**
 * mltorch_set_threads() - threads that libtorch uses
 * @nr: > 0
 */
int mltorch_set_threads(int nr);

/**
 * mltorch_last_error() - reason of this thread's last failure, in words
 */
const char *mltorch_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* _MLPROXY_TORCH_H */
