/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prototypes of functions, and where members of structures are, out of the kernel's type
 * information (BTF, the format of linux/btf.h): plain C, shared with the unit tests.
 */
#ifndef _MLPROXY_PROXIES_PROTO_H
#define _MLPROXY_PROXIES_PROTO_H

#include "shared/port.h"

/**
 * struct proto_blob - type information of the kernel or of a module
 * @base: of the kernel, which a module's goes on from; or NULL
 * @types: the types, one behind the other
 * @types_len: their length in bytes
 * @strings: all names
 * @strings_len: their length in bytes, with the 0 at the end
 * @first: number of the first type
 * @end: number behind the last one
 * @first_string: offset that @strings begins at
 * @index: where each type begins, from proto_blob_index(); NULL: it is walked to
 */
struct proto_blob {
	const struct proto_blob *base;
	const u8 *types;
	u32 types_len;
	const char *strings;
	u32 strings_len;
	u32 first;
	u32 end;
	u32 first_string;
	const u32 *index;
};

/**
 * proto_blob_open() - look at type information
 * @data: what /sys/kernel/btf/NAME has; 4-byte aligned, must outlive @blob
 * @len: how many bytes
 * @base: the kernel's if this is a module's, else NULL; must outlive @blob
 * @blob: out
 *
 * Context: any, takes milliseconds. Return: 0, or -EBADMSG if that is none.
 */
int proto_blob_open(const void *data, size_t len, const struct proto_blob *base,
		    struct proto_blob *blob);

/**
 * proto_blob_index() - have types found at once, by their numbers
 * @blob: from proto_blob_open()
 * @index: room for @blob->end - @blob->first offsets; must outlive @blob
 *
 * Context: any, takes milliseconds.
 */
void proto_blob_index(struct proto_blob *blob, u32 *index);

/**
 * proto_print() - write the prototype of a function
 * @blob: where it is
 * @name: name of the function
 * @text: out: as in "vm_fault_t(struct vm_fault *)", "void(const char *, unsigned int)";
 *	typedefs by their name, pointers to functions as "fn *"
 * @size: room
 *
 * Context: any, takes milliseconds. Return: 0, -ENODATA if the function is not there, -EBADMSG,
 * -E2BIG if there is no room.
 */
int proto_print(const struct proto_blob *blob, const char *name, char *text, size_t size);

/**
 * struct proto_member - where a member of a structure is
 * @offset: bytes from the structure's begin
 * @size: bytes that it takes
 */
struct proto_member {
	u32 offset;
	u32 size;
};

/**
 * proto_find_member() - where a member of a structure is
 * @blob: where the structure's type is, there or in its base
 * @path: "STRUCTURE.MEMBER", or further members behind it of one that is a structure itself;
 *	nothing in a member without a name is found
 * @at: out
 *
 * Context: any, takes milliseconds. Return: 0; -ENODATA if there is none; -EDOM for a bit
 * field; -EBADMSG.
 */
int proto_find_member(const struct proto_blob *blob, const char *path, struct proto_member *at);

/**
 * proto_find_enumerator() - the number of an enumerator
 * @blob: where its type is; what its base has is not looked at
 * @name: its name
 * @value: out; of one of 64 bits, its lower half
 *
 * Context: any, takes milliseconds. Return: 0, or -ENODATA if there is none.
 */
int proto_find_enumerator(const struct proto_blob *blob, const char *name, s32 *value);

#endif /* _MLPROXY_PROXIES_PROTO_H */
