/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF programs at the decision: attach, list, detach.
 *
 * What holds a program after the command ends is its link, pinned in the BPF
 * filesystem below BPFLOAD_DIR. Functions return 0 or -errno, with cause and remedy
 * in @error (BPFLOAD_ERROR_LEN bytes).
 */
#ifndef MLPROXY_BPF_LOADER_H
#define MLPROXY_BPF_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPFLOAD_FS		"/sys/fs/bpf"
#define BPFLOAD_DIR		BPFLOAD_FS "/mlproxy"
#define BPFLOAD_NAME_LEN	64
#define BPFLOAD_ERROR_LEN	1024

/**
 * struct bpfload_info - a program that is attached
 * @name: name of its pin
 * @program: name of the function
 * @link_id: the kernel's number of the link
 * @prog_id: the kernel's number of the program
 * @insns: instructions, translated
 * @walked: instructions that the verifier walked through
 */
struct bpfload_info {
	char name[BPFLOAD_NAME_LEN];
	char program[BPFLOAD_NAME_LEN];
	uint32_t link_id;
	uint32_t prog_id;
	uint32_t insns;
	uint32_t walked;
};

struct mlproxy_bpf_bound;

/**
 * bpfload_attach() - load a program, attach it and pin its link
 * @object: file that clang made, with one program in it
 * @pin: where to pin the link, in a BPF filesystem
 * @bound: the proxy, or the instance, that it is to be attached for; NULL for all
 * @verbose: print the verifier's log to stderr
 * @info: out: what was attached
 * @error: out: why not
 *
 * Return: 0; -ENOTSUP: no BPF filesystem; -EEXIST: the pin exists; -ENODEV: no
 * mlproxy module; -EPERM; -EINVAL: the verifier refused it, or it does not ask whom it is
 * attached for; another -errno.
 */
int bpfload_attach(const char *object, const char *pin, const struct mlproxy_bpf_bound *bound,
		   bool verbose, struct bpfload_info *info, char *error);

/**
 * bpfload_list() - what is pinned in BPFLOAD_DIR
 * @infos: out: to be freed
 * @nr: out: how many
 * @error: out
 */
int bpfload_list(struct bpfload_info **infos, size_t *nr, char *error);

/**
 * bpfload_detach() - take a pin away, and wait until the kernel dropped the link
 * @pin: the pin's path
 * @error: out
 *
 * Return: 0; -ENOENT; -EBUSY: another process holds the link, too.
 */
int bpfload_detach(const char *pin, char *error);

#endif /* MLPROXY_BPF_LOADER_H */
