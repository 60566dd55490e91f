/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlproxy tool: what the verbs train, test and quantize share.
 */
#ifndef MLPROXY_CLI_LEARN_H
#define MLPROXY_CLI_LEARN_H

#include <jansson.h>

#include "mlproxy_train.h"
#include "cli.h"

/** cli_parse_double() - a number from @min to @max; 0 or -EINVAL */
int cli_parse_double(const char *text, double min, double max, double *value);

/** cli_load_data() - read data sets, with a line on what is in them; an exit code */
int cli_load_data(const struct cli *cli, char **paths, int nr, struct mlds_data *data);

/** cli_is_mlp() - whether a file starts as a fixed-point model */
bool cli_is_mlp(const char *path);

/** cli_print_test() - the table of policies; @rows_are: "held-out decisions", or what else */
void cli_print_test(const struct mltrain_test *test, const struct mlds_schema *schema,
		    const char *rows_are);

/** cli_json_test() - the same as JSON */
json_t *cli_json_test(const struct mltrain_test *test, const struct mlds_schema *schema);

/** cli_print_quant() - what quantisation cost */
void cli_print_quant(const struct mltrain_quant_report *report, const struct mlds_schema *schema);

/** cli_json_quant() - the same as JSON */
json_t *cli_json_quant(const struct mltrain_quant_report *report);

#endif /* MLPROXY_CLI_LEARN_H */
