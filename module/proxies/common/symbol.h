/* SPDX-License-Identifier: GPL-2.0-only */
/* A function that is known by its name only: where it is, and what it takes. */
#ifndef _MLPROXY_PROXIES_SYMBOL_H
#define _MLPROXY_PROXIES_SYMBOL_H

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
 * @prototype: as proto_print() writes it
 *
 * Reads the kernel's type information (/sys/kernel/btf/), some MB, each time. Context: may
 * sleep. Return: 0; -EPROTOTYPE if it has another one; -ENODATA if the kernel has none of it;
 * what reading it returned. Errors are said in the kernel's log.
 */
int proxy_symbol_check(const char *module, const char *name, const char *prototype);

#endif /* _MLPROXY_PROXIES_SYMBOL_H */
