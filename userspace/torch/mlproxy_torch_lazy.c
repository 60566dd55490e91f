// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of libmlproxytorch, which load it at the first call: a program
 * that links this instead starts without libtorch and the hundreds of libraries
 * behind it, and runs where libtorch is not installed as long as it does not learn.
 *
 * The library is looked for beside the program (its RUNPATH), then where the
 * dynamic linker looks. One thread at a time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

#include "mlproxy_torch.h"

#define LIBRARY	"libmlproxytorch.so.0"

static char load_error[512];
static void *library;

static void *find(const char *name)
{
	void *fn;

	if (!library)
		library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	fn = library ? dlsym(library, name) : NULL;
	if (!fn)
		snprintf(load_error, sizeof(load_error),
			 "this needs libtorch, which can't be loaded: %s; install libtorch-dev, and %s where the linker finds it",
			 dlerror(), LIBRARY);
	return fn;
}

#define FORWARD(name, params, args)				\
	int name params						\
	{							\
		static int (*fn) params;			\
								\
		if (!fn)					\
			fn = (int (*) params)find(#name);	\
		return fn ? fn args : -ELIBACC;			\
	}

FORWARD(mltorch_create, (struct mltorch_net **net, const struct mltorch_options *options),
	(net, options))
FORWARD(mltorch_options, (const struct mltorch_net *net, struct mltorch_options *options),
	(net, options))
FORWARD(mltorch_step, (struct mltorch_net *net, const struct mltorch_rows *rows, double *loss),
	(net, rows, loss))
FORWARD(mltorch_epoch, (struct mltorch_net *net, const struct mltorch_rows *rows, size_t batch,
			double *loss), (net, rows, batch, loss))
FORWARD(mltorch_loss, (struct mltorch_net *net, const struct mltorch_rows *rows, double *loss),
	(net, rows, loss))
FORWARD(mltorch_predict, (struct mltorch_net *net, const float *x, size_t n, float *out),
	(net, x, n, out))
FORWARD(mltorch_set_lr, (struct mltorch_net *net, double lr), (net, lr))
FORWARD(mltorch_get_layer, (const struct mltorch_net *net, uint32_t layer, float *weight,
			    float *bias), (net, layer, weight, bias))
FORWARD(mltorch_set_layer, (struct mltorch_net *net, uint32_t layer, const float *weight,
			    const float *bias), (net, layer, weight, bias))
FORWARD(mltorch_save, (const struct mltorch_net *net, void **data, size_t *len),
	(net, data, len))
FORWARD(mltorch_load, (struct mltorch_net **net, const void *data, size_t len),
	(net, data, len))
FORWARD(mltorch_import, (const char *path, struct mltorch_chain *chain), (path, chain))
FORWARD(mltorch_export, (const struct mltorch_net *net, const char *path), (net, path))
FORWARD(mltorch_set_threads, (int nr), (nr))

void mltorch_free(struct mltorch_net *net)
{
	static void (*fn)(struct mltorch_net *net);

	/* There is no network without the library. */
	if (net && !fn)
		fn = (void (*)(struct mltorch_net *))find("mltorch_free");
	if (net && fn)
		fn(net);
}

void mltorch_chain_free(struct mltorch_chain *chain)
{
	static void (*fn)(struct mltorch_chain *chain);

	if (chain->nr_layers && !fn)
		fn = (void (*)(struct mltorch_chain *))find("mltorch_chain_free");
	if (chain->nr_layers && fn)
		fn(chain);
}

const char *mltorch_last_error(void)
{
	static const char *(*fn)(void);

	if (library && !fn)
		fn = (const char *(*)(void))find("mltorch_last_error");
	return fn ? fn() : load_error;
}
