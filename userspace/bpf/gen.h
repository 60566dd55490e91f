/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF programs out of models, and the compiler for them.
 *
 * The program that comes out is one C file for clang, and gives the action and the
 * predicted reward that the kernel's own evaluation gives, bit for bit.
 */
#ifndef MLPROXY_BPF_GEN_H
#define MLPROXY_BPF_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model.h"

#define BPFGEN_ERROR_LEN	512

/**
 * bpfgen_open() - read and verify a model file
 * @path: the file
 * @file: out: its bytes, to be freed; the model points into them
 * @model: out: the model
 * @error: out: BPFGEN_ERROR_LEN bytes: cause and remedy, where it fails
 *
 * Return: 0 or -errno.
 */
int bpfgen_open(const char *path, void **file, struct model *model, char *error);

/**
 * bpfgen_write() - write the program of a model
 * @out: where to
 * @model: a verified model
 * @error: as bpfgen_open()
 *
 * Return: 0, -E2BIG for a model that is too big for a program, -EIO.
 */
int bpfgen_write(FILE *out, const struct model *model, char *error);

/**
 * bpfgen_compile() - have clang compile a program
 * @source: C file
 * @object: file to make
 * @include: folder with linux/mlproxy_bpf.h, NULL to look for it
 * @error: as bpfgen_open()
 *
 * Return: 0 or -errno.
 */
int bpfgen_compile(const char *source, const char *object, const char *include, char *error);

/* What the kinds share; gen.c. */
void bpfgen_choice(FILE *out, const struct mlproxy_model_hdr *hdr);

/* gen_mlp.c, gen_tree.c: the functions behind bpfgen_write() */
int bpfgen_mlp(FILE *out, const struct mlp *mlp, char *error);
int bpfgen_tree(FILE *out, const struct trees *trees, char *error);

#endif /* MLPROXY_BPF_GEN_H */
