// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function that is known by its name only: see symbol.h.
 *
 * The kernel exports neither its symbol table nor its type information to modules. But a
 * kprobe takes a name and says where that is, and the type information is a file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat/ibt.h"
#include "proto.h"
#include "symbol.h"

#define PROTO_LEN 256

/* The probe is never armed. */
static void *probe_address(const char *symbol)
{
	struct kprobe probe = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	int err = register_kprobe(&probe);

	if (err)
		return ERR_PTR(err);
	unregister_kprobe(&probe);
	return probe.addr;
}

/* Is it text of that function, and how far behind its begin? */
static int symbol_offset(const char *module, const char *name, void *address, unsigned long *offset)
{
	char *text = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL), *in;
	size_t len = strlen(name);
	int err = -ENOENT;

	if (!text)
		return -ENOMEM;
	/* name+0xoffset/0xsize [module] */
	sprint_symbol(text, (unsigned long)address);
	in = strchr(text, '[');
	if (in)
		in[strcspn(in, "]")] = 0;
	if (strncmp(text, name, len) || sscanf(text + len, "+0x%lx/", offset) != 1)
		goto out;
	if (module ? in && !strcmp(in + 1, module) : !in)
		err = 0;
out:
	kfree(text);
	return err;
}

int proxy_symbol_find(const char *module, const char *name, void **address)
{
	char *symbol = kasprintf(GFP_KERNEL, "%s%s%s", module ?: "", module ? ":" : "", name);
	unsigned long offset;
	void *probed;
	int err;

	if (!symbol)
		return -ENOMEM;
	probed = probe_address(symbol);
	err = PTR_ERR_OR_ZERO(probed);
	if (!err)
		err = symbol_offset(module, name, probed, &offset);
	if (!err && !compat_may_be_called(probed - offset))
		err = -EOPNOTSUPP;
	if (!err)
		*address = probed - offset;
	else if (err == -EOPNOTSUPP)
		pr_err("%s can't be called by its address on a CPU that tracks indirect branches (IBT)\n",
		       symbol);
	else if (err != -ENOENT)
		pr_err("cannot find %s: error %d\n", symbol, err);
	kfree(symbol);
	return err;
}

/* Where it is for the first process, wherever the current one has its root. */
static struct file *open_of_init(const char *path)
{
	struct file *file;
	struct path root;

	task_lock(&init_task);
	get_fs_root(init_task.fs, &root);
	task_unlock(&init_task);
	file = file_open_root(&root, path, O_RDONLY, 0);
	path_put(&root);
	return file;
}

/*
 * Not kernel_read_file(): security modules are asked what is read, and know no kind of file
 * that this is; IPE warns of one that it does not know.
 */
static ssize_t read_whole(struct file *file, void **data)
{
	loff_t size = i_size_read(file_inode(file)), pos = 0;
	ssize_t n;

	if (size <= 0 || size > INT_MAX)
		return -EFBIG;
	*data = vmalloc(size);
	if (!*data)
		return -ENOMEM;
	while (pos < size) {
		n = kernel_read(file, *data + pos, size - pos, &pos);
		if (n <= 0) {
			vfree(*data);
			*data = NULL;
			return n ?: -EIO;
		}
	}
	return size;
}

static int blob_read(const char *of, const struct proto_blob *base, struct proto_blob *blob,
		     void **data)
{
	char *path = kasprintf(GFP_KERNEL, "/sys/kernel/btf/%s", of);
	struct file *file;
	ssize_t len;
	u32 *index;
	int err;

	blob->index = NULL;
	*data = NULL;
	if (!path)
		return -ENOMEM;
	file = open_of_init(path);
	kfree(path);
	if (IS_ERR(file))
		return PTR_ERR(file) == -ENOENT ? -ENODATA : PTR_ERR(file);
	len = read_whole(file, data);
	fput(file);
	if (len < 0)
		return len;
	err = proto_blob_open(*data, len, base, blob);
	if (err) {
		vfree(*data);
		*data = NULL;
		return err;
	}
	/* without one it takes longer */
	index = vmalloc(array_size(blob->end - blob->first, sizeof(*index)));
	if (index)
		proto_blob_index(blob, index);
	return 0;
}

/**
 * struct types - type information of a module, or of the kernel
 * @kernel: the kernel's
 * @module: the module's, if @of_module
 * @kernel_data: memory of it
 * @module_data: the same
 * @of_module: there is a module
 */
struct types {
	struct proto_blob kernel;
	struct proto_blob module;
	void *kernel_data;
	void *module_data;
	bool of_module;
};

static void types_free(struct types *types)
{
	vfree(types->module.index);
	vfree(types->kernel.index);
	vfree(types->module_data);
	vfree(types->kernel_data);
}

static int types_read(const char *module, struct types *types)
{
	int err;

	types->of_module = module;
	types->module_data = NULL;
	types->module.index = NULL;
	err = blob_read("vmlinux", NULL, &types->kernel, &types->kernel_data);
	if (!err && module)
		err = blob_read(module, &types->kernel, &types->module, &types->module_data);
	if (err)
		types_free(types);
	return err;
}

static const struct proto_blob *blob_of(const struct types *types)
{
	return types->of_module ? &types->module : &types->kernel;
}

static int read_prototype(const char *module, const char *name, char *text)
{
	struct types types;
	int err = types_read(module, &types);

	if (err)
		return err;
	err = proto_print(blob_of(&types), name, text, PROTO_LEN);
	types_free(&types);
	return err;
}

/* Is it one of them? */
static bool is_among(const char *text, const char *alternatives)
{
	size_t len;

	for (;; alternatives += len + 1) {
		len = strcspn(alternatives, "|");
		if (!strncmp(text, alternatives, len) && !text[len])
			return true;
		if (!alternatives[len])
			return false;
	}
}

int proxy_symbol_check(const char *module, const char *name, const char *prototype)
{
	char *text = kmalloc(PROTO_LEN, GFP_KERNEL);
	int err;

	if (!text)
		return -ENOMEM;
	err = read_prototype(module, name, text);
	if (err) {
		pr_err("cannot tell what %s takes: error %d in the type information (BTF) of %s\n",
		       name, err, module ?: "the kernel");
	} else if (!is_among(text, prototype)) {
		pr_err("%s is \"%s\" here, and not \"%s\"\n", name, text, prototype);
		err = -EPROTOTYPE;
	}
	kfree(text);
	return err;
}

static int field_find(const struct proto_blob *blob, struct proxy_field *field, u32 *size)
{
	struct proto_member at;
	int err;

	*size = 0;
	if (!strchr(field->path, '.'))
		return proto_find_enumerator(blob, field->path, &field->value);
	err = proto_find_member(blob, field->path, &at);
	if (err)
		return err;
	field->value = at.offset;
	*size = at.size;
	return 0;
}

static int field_check(const char *of, const struct proto_blob *blob, struct proxy_field *field)
{
	u32 size;
	int err = field_find(blob, field, &size);

	field->found = !err;
	if (err == -ENODATA && field->optional)
		return 0;
	if (err) {
		pr_err("cannot find %s: error %d in the type information (BTF) of %s\n",
		       field->path, err, of);
		return err;
	}
	if (size == field->size)
		return 0;
	pr_err("%s of %s has %u bytes here, and not %u\n", field->path, of, size, field->size);
	return -EPROTOTYPE;
}

int proxy_fields_find(const char *module, struct proxy_field *fields, unsigned int nr)
{
	const char *of = module ?: "the kernel";
	struct types *types = kmalloc(sizeof(*types), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!types)
		return -ENOMEM;
	err = types_read(module, types);
	if (err) {
		pr_err("cannot read the type information (BTF) of %s: error %d\n", of, err);
		goto out;
	}
	for (i = 0; i < nr && !err; i++)
		err = field_check(of, blob_of(types), &fields[i]);
	types_free(types);
out:
	kfree(types);
	return err;
}
