// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU: how often each block of instructions ran between the marks of
 * mlproxy_pathtest (module/testing/pathtest.c). When QEMU ends, it writes a line a block,
 * "ADDRESS LENGTH INSTRUCTIONS RUNS", in hexadecimal and decimal, into a file:
 *
 *	-plugin profile.so,out=FILE
 *
 * profile.py makes functions of the addresses. QEMU counts instructions as without it.
 *
 * The declarations are those of QEMU's qemu-plugin.h, version 1, which no package has.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { CB_NO_REGS };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *arg), int flags,
					  void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *arg), int flags,
					    void *arg);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *arg), void *arg);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
			       char **argv);

/**
 * struct block - what QEMU translated in one piece
 * @next: the one before
 * @address: of its first instruction
 * @bytes: length
 * @insns: instructions
 * @runs: between the marks
 */
struct block {
	struct block *next;
	uint64_t address;
	size_t bytes;
	size_t insns;
	uint64_t runs;
};

static struct block *blocks;
static bool counting;
static const char *out;

/* nopl OPERAND(%rax,%rax) */
static bool is_mark(const struct qemu_plugin_insn *insn, uint32_t operand)
{
	unsigned char bytes[8] = { 0x0f, 0x1f, 0x84, 0x00 };

	memcpy(bytes + 4, &operand, sizeof(operand));
	return qemu_plugin_insn_size(insn) == sizeof(bytes) &&
	       !memcmp(qemu_plugin_insn_data(insn), bytes, sizeof(bytes));
}

static void on_begin(unsigned int cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	counting = true;
}

static void on_end(unsigned int cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	counting = false;
}

static void on_run(unsigned int cpu, void *arg)
{
	struct block *block = arg;

	(void)cpu;
	if (counting)
		block->runs++;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = calloc(1, sizeof(*block));
	size_t i;

	(void)id;
	if (!block)
		abort();
	block->address = qemu_plugin_tb_vaddr(tb);
	block->insns = qemu_plugin_tb_n_insns(tb);
	for (i = 0; i < block->insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		block->bytes += qemu_plugin_insn_size(insn);
		if (is_mark(insn, 0x4d4c5001))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, CB_NO_REGS, NULL);
		if (is_mark(insn, 0x4d4c5002))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, CB_NO_REGS, NULL);
	}
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_run, CB_NO_REGS, block);
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *arg)
{
	FILE *f = fopen(out, "w");
	const struct block *b;

	(void)id;
	(void)arg;
	if (!f)
		return;
	for (b = blocks; b; b = b->next)
		if (b->runs)
			fprintf(f, "%" PRIx64 " %zu %zu %" PRIu64 "\n", b->address, b->bytes,
				b->insns, b->runs);
	fclose(f);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
			       char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	if (!out) {
		fprintf(stderr, "profile.so: say where to write: out=FILE\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
