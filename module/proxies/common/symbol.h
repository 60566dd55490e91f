/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function that is known by its name only: where it is, and what it takes; and where the members
 * of its structures are.
 */
#ifndef _MLPROXY_PROXIES_SYMBOL_H
#define _MLPROXY_PROXIES_SYMBOL_H

#include <linux/types.h>

/**
 * proxy_symbol_find() - address of a function
 * @module: module that it is in; NULL for the kernel itself
 * @name: its name
 * @address: out: where it begins
 *
 * It is to be called by that. Context: may sleep. Return: 0; -ENOENT if there is none, or its
 * module is not loaded; -EOPNOTSUPP if the CPU forbids to call it so (IBT); or why it can't be
 * probed. Errors but -ENOENT are said in the kernel's log.
 */
int proxy_symbol_find(const char *module, const char *name, void **address);

/**
 * proxy_symbol_check() - does a function have the prototype that is expected
 * @module: as for proxy_symbol_find()
 * @name: its name
 * @prototype: as proto_print() writes it; several with '|' between them if any of them will do
 *
 * Reads the kernel's type information (/sys/kernel/btf/), some MB, each time. Context: may
 * sleep. Return: 0; -EPROTOTYPE if it has another one; -ENODATA if the kernel has none of it;
 * what reading it returned. Errors are said in the kernel's log.
 */
int proxy_symbol_check(const char *module, const char *name, const char *prototype);

/**
 * struct proxy_field - a member of a structure, or an enumerator
 * @path: as for proto_find_member(); without a dot, an enumerator
 * @size: bytes that the member has to have
 * @optional: it need not be there
 * @found: out: it is
 * @value: out: offset of the member; or the enumerator's number
 */
struct proxy_field {
	const char *path;
	u32 size;
	bool optional;
	bool found;
	s32 value;
};

/**
 * proxy_fields_find() - look members and enumerators up
 * @module: whose type information has them; NULL for the kernel itself
 * @fields: which, and out: where they are
 * @nr: how many
 *
 * As proxy_symbol_check() reads. Context: may sleep. Return: 0; -ENODATA or -EPROTOTYPE for one
 * that is not there, or has another size; what reading returned. Errors are said in the
 * kernel's log.
 */
int proxy_fields_find(const char *module, struct proxy_field *fields, unsigned int nr);

#endif /* _MLPROXY_PROXIES_SYMBOL_H */
