// SPDX-License-Identifier: GPL-2.0-only
/* Prototypes and members out of type information: of a kernel and a module made up here. */
#include <linux/btf.h>
#include <stdlib.h>

#include "unit.h"
#include "proxies/common/proto.h"

#define INFO(kind, nr) ((u32)(kind) << 24 | (nr))

/* Names, by their offsets. */
static const char kernel_names[] = "\0file\0long\0ssize_t\0read_it\0kind\0none";
enum { N_FILE = 1, N_LONG = 6, N_SSIZE = 11, N_READ = 19, N_KIND = 27, N_NONE = 32 };
#define KERNEL_NAMES sizeof(kernel_names)

/* 1 struct file, 2 long, 3 ssize_t, 4 const file, 5 its pointer, 6 prototype, 7 function */
static const u32 kernel_types[] = {
	N_FILE, INFO(BTF_KIND_STRUCT, 1), 8, N_LONG, 2, 0,
	N_LONG, INFO(BTF_KIND_INT, 0), 8, 64,
	N_SSIZE, INFO(BTF_KIND_TYPEDEF, 0), 2,
	0, INFO(BTF_KIND_CONST, 0), 1,
	0, INFO(BTF_KIND_PTR, 0), 4,
	0, INFO(BTF_KIND_FUNC_PROTO, 3), 3, N_FILE, 5, N_KIND, 8, 0, 0,
	N_READ, INFO(BTF_KIND_FUNC, 0), 6,
	N_KIND, INFO(BTF_KIND_ENUM, 1), 4, N_NONE, 0,
	0, INFO(BTF_KIND_FUNC_PROTO, 0), 0,
	N_NONE, INFO(BTF_KIND_FUNC, 0), 9,
};

#define KERNEL_END 11

static const char module_names[] = "\0open_it";
enum { M_OPEN = KERNEL_NAMES + 1 };

/* 11 pointer to pointer to the kernel's struct, 12, 13 pointer to a function, 14, 15 */
static const u32 module_types[] = {
	0, INFO(BTF_KIND_PTR, 0), 12,
	0, INFO(BTF_KIND_PTR, 0), 1,
	0, INFO(BTF_KIND_PTR, 0), 9,
	0, INFO(BTF_KIND_FUNC_PROTO, 2), 0, 0, 11, 0, 13,
	M_OPEN, INFO(BTF_KIND_FUNC, 0), 14,
};

struct made {
	struct btf_header *header;
	size_t len;
};

static struct made make(const u32 *types, u32 types_len, const char *names, u32 names_len)
{
	size_t len = sizeof(struct btf_header) + types_len + names_len;
	struct made made = { .header = malloc(len), .len = len };

	assert_non_null(made.header);
	*made.header = (struct btf_header) {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(*made.header),
		.type_len = types_len,
		.str_off = types_len,
		.str_len = names_len,
	};
	memcpy(made.header + 1, types, types_len);
	memcpy((char *)(made.header + 1) + types_len, names, names_len);
	return made;
}

#define MAKE(types, names) make(types, sizeof(types), names, sizeof(names))

static void of_the_kernel(void **state)
{
	struct made made = MAKE(kernel_types, kernel_names);
	struct proto_blob blob;
	char text[128];

	(void)state;
	assert_int_equal(proto_blob_open(made.header, made.len, NULL, &blob), 0);
	assert_int_equal(blob.end, KERNEL_END);
	assert_int_equal(proto_print(&blob, "read_it", text, sizeof(text)), 0);
	assert_string_equal(text, "ssize_t(const struct file *, enum kind, ...)");
	assert_int_equal(proto_print(&blob, "none", text, sizeof(text)), 0);
	assert_string_equal(text, "void(void)");
	/* a type of that name is no function */
	assert_int_equal(proto_print(&blob, "file", text, sizeof(text)), -ENODATA);
	assert_int_equal(proto_print(&blob, "read_it", text, 44), -E2BIG);
	assert_int_equal(proto_print(&blob, "read_it", text, 45), 0);
	free(made.header);
}

static void of_a_module(void **state)
{
	struct made kernel = MAKE(kernel_types, kernel_names);
	struct made module = MAKE(module_types, module_names);
	struct proto_blob base, blob;
	char text[128];

	(void)state;
	assert_int_equal(proto_blob_open(kernel.header, kernel.len, NULL, &base), 0);
	assert_int_equal(proto_blob_open(module.header, module.len, &base, &blob), 0);
	assert_int_equal(proto_print(&blob, "open_it", text, sizeof(text)), 0);
	assert_string_equal(text, "void(struct file **, fn *)");
	/* it has no function of the kernel's */
	assert_int_equal(proto_print(&blob, "read_it", text, sizeof(text)), -ENODATA);
	free(kernel.header);
	free(module.header);
}

/* Each word changed, and each length: nothing is read outside (the sanitizer looks on). */
static void broken(void **state)
{
	struct made made = MAKE(kernel_types, kernel_names);
	u32 values[] = { 0, 1, 0xffff, 0x7fffffff, 0xffffffff, INFO(BTF_KIND_PTR, 0) };
	struct proto_blob blob;
	struct proto_member at;
	char text[128];
	size_t i, v;
	s32 value;

	(void)state;
	for (i = 0; i < made.len / 4; i++) {
		u32 *word = (u32 *)made.header + i, old = *word;

		for (v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			*word = values[v];
			if (!proto_blob_open(made.header, made.len, NULL, &blob)) {
				proto_print(&blob, "read_it", text, sizeof(text));
				proto_print(&blob, "none", text, sizeof(text));
				proto_find_member(&blob, "file.long", &at);
				proto_find_enumerator(&blob, "none", &value);
			}
		}
		*word = old;
	}
	for (i = 0; i < made.len; i++)
		assert_int_equal(proto_blob_open(made.header, i, NULL, &blob), -EBADMSG);
	free(made.header);
}

/* A module's structure, with members of the kernel's types. */
static const char record_names[] = "\0rec\0long\0deep\0bits\0kind\0many\0HOT\0COLD";
enum {
	R_REC = KERNEL_NAMES + 1, R_LONG = R_REC + 4, R_DEEP = R_LONG + 5, R_BITS = R_DEEP + 5,
	R_KIND = R_BITS + 5, R_MANY = R_KIND + 5, R_HOT = R_MANY + 5, R_COLD = R_HOT + 4,
};

#define KFLAG (1U << 31)

/* 11 struct rec, 12 an array of longs, 13 an enumeration, 14 const ssize_t */
static const u32 record_types[] = {
	R_REC, INFO(BTF_KIND_STRUCT, 5) | KFLAG, 48,
		R_LONG, 14, 0,
		R_DEEP, 1, 64,
		R_BITS, 2, 3 << 24 | 128,
		R_KIND, 13, 192,
		R_MANY, 12, 256,
	0, INFO(BTF_KIND_ARRAY, 0), 0, 2, 2, 2,
	R_KIND, INFO(BTF_KIND_ENUM, 2), 4, R_HOT, 0, R_COLD, 7,
	0, INFO(BTF_KIND_CONST, 0), 3,
};

static void expect_member(const struct proto_blob *blob, const char *path, u32 offset, u32 size)
{
	struct proto_member at;

	assert_int_equal(proto_find_member(blob, path, &at), 0);
	assert_int_equal(at.offset, offset);
	assert_int_equal(at.size, size);
}

static void of_structures(void **state)
{
	struct made kernel = MAKE(kernel_types, kernel_names);
	struct made module = MAKE(record_types, record_names);
	struct proto_blob base, blob;
	u32 base_index[KERNEL_END - 1], index[4];
	struct proto_member at;
	char text[128];
	s32 value = -1;

	(void)state;
	assert_int_equal(proto_blob_open(kernel.header, kernel.len, NULL, &base), 0);
	assert_int_equal(proto_blob_open(module.header, module.len, &base, &blob), 0);
	expect_member(&blob, "rec.long", 0, 8);
	expect_member(&blob, "rec.deep", 8, 8);
	expect_member(&blob, "rec.deep.long", 8, 8);
	expect_member(&blob, "rec.kind", 24, 4);
	expect_member(&blob, "rec.many", 32, 16);
	/* of the base */
	expect_member(&blob, "file.long", 0, 8);
	assert_int_equal(proto_find_member(&blob, "rec.bits", &at), -EDOM);
	assert_int_equal(proto_find_member(&blob, "rec.none", &at), -ENODATA);
	assert_int_equal(proto_find_member(&blob, "rec.long.long", &at), -ENODATA);
	assert_int_equal(proto_find_member(&blob, "re.long", &at), -ENODATA);
	assert_int_equal(proto_find_member(&blob, "rec", &at), -ENODATA);
	assert_int_equal(proto_find_member(&blob, "rec.", &at), -ENODATA);
	assert_int_equal(proto_find_enumerator(&blob, "COLD", &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(proto_find_enumerator(&blob, "HOT", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(proto_find_enumerator(&blob, "CO", &value), -ENODATA);
	/* a base's are not looked at */
	assert_int_equal(proto_find_enumerator(&blob, "none", &value), -ENODATA);
	/* all the same with an index */
	proto_blob_index(&base, base_index);
	proto_blob_index(&blob, index);
	expect_member(&blob, "rec.deep.long", 8, 8);
	expect_member(&blob, "rec.many", 32, 16);
	expect_member(&blob, "file.long", 0, 8);
	assert_int_equal(proto_print(&base, "read_it", text, sizeof(text)), 0);
	assert_string_equal(text, "ssize_t(const struct file *, enum kind, ...)");
	free(kernel.header);
	free(module.header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_kernel),
		cmocka_unit_test(of_a_module),
		cmocka_unit_test(of_structures),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
