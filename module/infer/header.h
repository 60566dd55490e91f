/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verifiers of all kinds of models share.
 */
#ifndef _MLPROXY_INFER_HEADER_H
#define _MLPROXY_INFER_HEADER_H

#include "mlp.h"

/**
 * model_refuse() - say why a model is refused
 * @report: out
 * @reason: MLPROXY_REFUSED_*
 * @arg: what it is about
 * @fmt: the reason in words
 *
 * Return: -EBADMSG.
 */
__printf(4, 5)
int model_refuse(struct mlp_report *report, u32 reason, u64 arg, const char *fmt, ...);

/**
 * model_verify_header() - check what does not depend on the kind
 * @data: the file, 8-byte aligned
 * @len: its length in bytes
 * @kind: MLPROXY_MODEL_KIND_* that it must be
 * @limits: what the proxy asks
 * @report: out: the reason, where refused
 *
 * Length, identity, checksum, schema, and all of the header but @nr_inputs and
 * @nr_layers. Return: 0, or -EBADMSG with @report filled.
 */
int model_verify_header(const void *data, size_t len, u16 kind, const struct mlp_limits *limits,
			struct mlp_report *report);

#endif /* _MLPROXY_INFER_HEADER_H */
