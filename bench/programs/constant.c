// SPDX-License-Identifier: GPL-2.0-only
/*
 * constant: writes a model that always prefers one action of a proxy.
 *
 *	constant PROXY ACTION FILE
 *
 * Needs the proxy's module. Where the action is not allowed, the model has no preference.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mlproxy/mlproxy.h>

#include "mlp_build.h"

#define PREFERRED	1000

static void write_model(const struct mlproxy_schema_desc *schema, int action, const char *path)
{
	struct mlproxy_model_input input = {
		.clamp_min = 0, .clamp_max = 127, .mul = 1, .op = MLPROXY_INPUT_LINEAR,
	};
	int32_t bias[MLPROXY_MAX_ACTIONS] = { 0 };
	int8_t weights[MLPROXY_MAX_ACTIONS] = { 0 };
	struct mlp_spec_layer layer = {
		.nr_in = 1, .nr_out = schema->s.nr_actions, .bias = bias, .weights = weights,
	};
	struct mlp_spec spec = {
		.name = "constant", .schema_hash = schema->s.schema_hash, .out_mul = 1,
		.nr_inputs = 1, .inputs = &input, .nr_layers = 1, .layers = &layer,
	};
	size_t len;
	void *data;
	FILE *f;
	int ret;

	bias[action] = PREFERRED;
	ret = mlp_build(&spec, &data, &len);
	if (ret)
		errx(1, "no model: %s", strerror(-ret));
	f = fopen(path, "wb");
	if (!f || fwrite(data, len, 1, f) != 1 || fclose(f))
		err(1, "%s", path);
	free(data);
}

int main(int argc, char **argv)
{
	struct mlproxy_schema_desc *schema;
	struct mlproxy_session *s;
	int action;

	if (argc != 4)
		errx(2, "usage: constant PROXY ACTION FILE");
	if (mlproxy_open(&s, NULL, 0))
		errx(1, "%s", mlproxy_errmsg(NULL));
	if (mlproxy_bind(s, argv[1]) || mlproxy_schema_get(s, &schema))
		errx(1, "%s", mlproxy_errmsg(s));
	action = mlproxy_schema_action(schema, argv[2]);
	if (action < 0)
		errx(2, "%s has no action \"%s\"", argv[1], argv[2]);
	write_model(schema, action, argv[3]);
	mlproxy_schema_free(schema);
	mlproxy_close(s);
	return 0;
}
