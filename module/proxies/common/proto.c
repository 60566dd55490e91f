// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prototypes and members out of the kernel's type information: see proto.h.
 *
 * Types have numbers, in the order in which they stand, and several lengths; so finding one
 * is a walk from the first on, or takes an index. A prototype takes some tens of such walks. Every
 * offset is checked, though the kernel itself wrote it.
 */
#ifdef __KERNEL__
#include <uapi/linux/btf.h>
#else
#include <linux/btf.h>
#endif

#include "proto.h"

/* Pointers to pointers to typedefs: no type of a parameter is deeper. */
#define MAX_DEPTH 8

struct writer {
	char *text;
	size_t size;
	size_t len;
};

static void put(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	if (w->len + len < w->size)
		memcpy(w->text + w->len, text, len + 1);
	w->len += len;
}

/* Bytes that a type takes, 0 for a kind that is not known. */
static u32 type_len(const struct btf_type *t)
{
	u32 nr = BTF_INFO_VLEN(t->info), len = sizeof(*t);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return len + 4;
	case BTF_KIND_ARRAY:
		return len + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return len + 12 * nr;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return len + 8 * nr;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return len;
	default:
		return 0;
	}
}

/* The type at an offset, with all that belongs to it; NULL at the end or if it is broken. */
static const struct btf_type *type_at(const struct proto_blob *blob, u32 offset)
{
	const struct btf_type *t = (const void *)(blob->types + offset);
	u32 room = blob->types_len - offset, len;

	if (room < sizeof(*t))
		return NULL;
	len = type_len(t);
	return len && len <= room ? t : NULL;
}

static const struct btf_type *type_of(const struct proto_blob *blob, u32 id)
{
	const struct btf_type *t;
	u32 offset = 0, i;

	if (id < blob->first)
		return blob->base ? type_of(blob->base, id) : NULL;
	if (blob->index)
		return id < blob->end ? type_at(blob, blob->index[id - blob->first]) : NULL;
	for (i = blob->first; (t = type_at(blob, offset)); i++) {
		if (i == id)
			return t;
		offset += type_len(t);
	}
	return NULL;
}

static const char *string_of(const struct proto_blob *blob, u32 offset)
{
	if (offset < blob->first_string)
		return blob->base ? string_of(blob->base, offset) : "?";
	offset -= blob->first_string;
	return offset < blob->strings_len ? blob->strings + offset : "?";
}

int proto_blob_open(const void *data, size_t len, const struct proto_blob *base,
		    struct proto_blob *blob)
{
	const struct btf_header *h = data;
	const struct btf_type *t;
	size_t room = len - sizeof(*h);
	u32 offset = 0;

	if (len < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION ||
	    h->hdr_len != sizeof(*h))
		return -EBADMSG;
	if (h->type_off & 3 || h->type_off > room || h->type_len > room - h->type_off ||
	    h->str_off > room || !h->str_len || h->str_len > room - h->str_off)
		return -EBADMSG;
	*blob = (struct proto_blob) {
		.base = base,
		.types = (const u8 *)(h + 1) + h->type_off,
		.types_len = h->type_len,
		.strings = (const char *)(h + 1) + h->str_off,
		.strings_len = h->str_len,
		.first = base ? base->end : 1,
		.first_string = base ? base->first_string + base->strings_len : 0,
	};
	if (blob->strings[blob->strings_len - 1])
		return -EBADMSG;
	for (blob->end = blob->first; (t = type_at(blob, offset)); blob->end++)
		offset += type_len(t);
	return offset == blob->types_len ? 0 : -EBADMSG;
}

void proto_blob_index(struct proto_blob *blob, u32 *index)
{
	const struct btf_type *t;
	u32 offset = 0, i;

	for (i = 0; i < blob->end - blob->first && (t = type_at(blob, offset)); i++) {
		index[i] = offset;
		offset += type_len(t);
	}
	blob->index = index;
}

static int print_type(const struct proto_blob *blob, struct writer *w, u32 id, unsigned int depth)
{
	const struct btf_type *t;
	int err;

	if (!id) {
		put(w, "void");
		return 0;
	}
	t = type_of(blob, id);
	if (!t || depth == MAX_DEPTH)
		return -EBADMSG;
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_CONST:
		/* of what is pointed to; the parameter itself may be what it likes */
		put(w, depth ? "const " : "");
		return print_type(blob, w, t->type, depth + 1);
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return print_type(blob, w, t->type, depth + 1);
	case BTF_KIND_PTR:
		err = print_type(blob, w, t->type, depth + 1);
		put(w, w->len && w->len < w->size && w->text[w->len - 1] == '*' ? "*" : " *");
		return err;
	case BTF_KIND_FUNC_PROTO:
		put(w, "fn");
		return 0;
	case BTF_KIND_STRUCT:
		put(w, "struct ");
		break;
	case BTF_KIND_UNION:
		put(w, "union ");
		break;
	case BTF_KIND_FWD:
		put(w, BTF_INFO_KFLAG(t->info) ? "union " : "struct ");
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		put(w, "enum ");
		break;
	}
	put(w, string_of(blob, t->name_off));
	return 0;
}

static int print_function(const struct proto_blob *blob, struct writer *w,
			  const struct btf_type *proto)
{
	const struct btf_param *param = (const void *)(proto + 1);
	u32 i, nr = BTF_INFO_VLEN(proto->info);
	int err = print_type(blob, w, proto->type, 0);

	put(w, nr ? "(" : "(void");
	for (i = 0; i < nr && !err; i++) {
		put(w, i ? ", " : "");
		/* the last one of a variable number has neither name nor type */
		if (i && !param[i].type && !param[i].name_off)
			put(w, "...");
		else
			err = print_type(blob, w, param[i].type, 0);
	}
	put(w, ")");
	return err;
}

int proto_print(const struct proto_blob *blob, const char *name, char *text, size_t size)
{
	struct writer w = { .text = text, .size = size };
	const struct btf_type *t, *proto;
	u32 offset = 0;
	int err;

	while ((t = type_at(blob, offset))) {
		if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC &&
		    !strcmp(string_of(blob, t->name_off), name))
			break;
		offset += type_len(t);
	}
	if (!t)
		return -ENODATA;
	proto = type_of(blob, t->type);
	if (!proto || BTF_INFO_KIND(proto->info) != BTF_KIND_FUNC_PROTO)
		return -EBADMSG;
	err = print_function(blob, &w, proto);
	return err ? err : w.len < size ? 0 : -E2BIG;
}

/* ------------------------------------------------------------------ */
/* Members                                                             */

static bool is_record(const struct btf_type *t)
{
	u32 kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static bool has_name(const struct proto_blob *blob, u32 offset, const char *name, size_t len)
{
	const char *is = string_of(blob, offset);

	return !strncmp(is, name, len) && !is[len];
}

static const struct btf_type *find_struct(const struct proto_blob *blob, const char *name,
					  size_t len)
{
	const struct btf_type *t;
	u32 offset = 0;

	while ((t = type_at(blob, offset))) {
		if (BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT &&
		    has_name(blob, t->name_off, name, len))
			return t;
		offset += type_len(t);
	}
	return blob->base ? find_struct(blob->base, name, len) : NULL;
}

/* What a type is, behind its names and qualifiers; NULL if it is broken. */
static const struct btf_type *strip(const struct proto_blob *blob, u32 id)
{
	const struct btf_type *t;
	unsigned int depth;

	for (depth = 0; depth < MAX_DEPTH && (t = type_of(blob, id)); depth++) {
		switch (BTF_INFO_KIND(t->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return t;
		}
	}
	return NULL;
}

/* Return: bytes, 0 for what has none. */
static u32 size_of(const struct proto_blob *blob, const struct btf_type *t)
{
	const struct btf_array *array = (const void *)(t + 1);
	const struct btf_type *element;

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_PTR:
		return sizeof(void *);
	case BTF_KIND_ARRAY:
		element = strip(blob, array->type);
		if (!element || BTF_INFO_KIND(element->info) == BTF_KIND_ARRAY)
			return 0;
		return array->nelems * size_of(blob, element);
	case BTF_KIND_INT:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return t->size;
	default:
		return 0;
	}
}

static const struct btf_member *find_in(const struct proto_blob *blob, const struct btf_type *t,
					const char *name, size_t len)
{
	const struct btf_member *m = (const void *)(t + 1);
	u32 i;

	for (i = 0; i < BTF_INFO_VLEN(t->info); i++)
		if (has_name(blob, m[i].name_off, name, len))
			return &m[i];
	return NULL;
}

/* Go from a structure to one of its members, which @at is of then. */
static const struct btf_type *go_in(const struct proto_blob *blob, const struct btf_type *t,
				    const char *name, size_t len, struct proto_member *at, int *err)
{
	const struct btf_member *m = is_record(t) ? find_in(blob, t, name, len) : NULL;
	u32 bits;

	*err = -ENODATA;
	if (!m)
		return NULL;
	bits = BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
	*err = -EDOM;
	if (bits % 8 || (BTF_INFO_KFLAG(t->info) && BTF_MEMBER_BITFIELD_SIZE(m->offset)))
		return NULL;
	t = strip(blob, m->type);
	*err = t ? 0 : -EBADMSG;
	at->offset += bits / 8;
	return t;
}

int proto_find_member(const struct proto_blob *blob, const char *path, struct proto_member *at)
{
	size_t len = strcspn(path, ".");
	const struct btf_type *t = find_struct(blob, path, len);
	int err = t && path[len] ? 0 : -ENODATA;

	at->offset = 0;
	for (path += len; !err && *path; path += len) {
		path++;
		len = strcspn(path, ".");
		t = go_in(blob, t, path, len, at, &err);
	}
	if (!err)
		at->size = size_of(blob, t);
	return err;
}

int proto_find_enumerator(const struct proto_blob *blob, const char *name, s32 *value)
{
	const struct btf_type *t;
	size_t len = strlen(name);
	u32 offset = 0, i, step;

	for (; (t = type_at(blob, offset)); offset += type_len(t)) {
		const u32 *e = (const void *)(t + 1);

		if (BTF_INFO_KIND(t->info) == BTF_KIND_ENUM)
			step = 2;
		else if (BTF_INFO_KIND(t->info) == BTF_KIND_ENUM64)
			step = 3;
		else
			continue;
		for (i = 0; i < BTF_INFO_VLEN(t->info); i++)
			if (has_name(blob, e[i * step], name, len)) {
				*value = (s32)e[i * step + 1];
				return 0;
			}
	}
	return -ENODATA;
}
