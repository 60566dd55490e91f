// SPDX-License-Identifier: GPL-2.0-only
/* The checksum of a model file, the hash of a schema, and the builder's layout. */
#include "unit.h"
#include "mlp_build.h"

static void crc32_known_values(void **state)
{
	u8 bytes[256];

	(void)state;
	assert_int_equal(mlp_crc32("", 0), 0);
	/* the check value of CRC-32 in every catalogue */
	assert_int_equal(mlp_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(mlp_crc32("a", 1), 0xe8b7be43);
	for (int i = 0; i < 256; i++)
		bytes[i] = (u8)i;
	assert_int_equal(mlp_crc32(bytes, 256), 0x29058c73);
}

/* FNV-1a of a flat buffer, as in its definition. */
static u64 fnv1a(const u8 *p, size_t len)
{
	u64 hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++) {
		hash ^= p[i];
		hash *= 1099511628211ULL;
	}
	return hash;
}

static size_t put(u8 *buf, size_t at, const void *data, size_t len)
{
	memcpy(buf + at, data, len);
	return at + len;
}

static void fill_schema(struct mlproxy_schema *schema, struct mlproxy_feature *features,
			struct mlproxy_action *actions)
{
	memset(schema, 0, sizeof(*schema));
	memset(features, 0, 2 * sizeof(*features));
	memset(actions, 0, 3 * sizeof(*actions));
	schema->schema_version = 0x01020304;
	schema->nr_features = 2;
	schema->nr_actions = 3;
	schema->reward_direction = MLPROXY_REWARD_LOWER;
	schema->reward_min = -5;
	schema->reward_max = 1LL << 30;
	strcpy(schema->reward_name, "latency");
	strcpy(schema->reward_unit, "ns");
	strcpy(features[0].name, "depth");
	features[0].max = 64;
	strcpy(features[1].name, "size");
	strcpy(features[1].unit, "bytes");
	features[1].type = MLPROXY_TYPE_COUNT;
	for (int a = 0; a < 3; a++) {
		actions[a].name[0] = (char)('a' + a);
		actions[a].value = a * 4096;
	}
}

static void schema_hash_matches_definition(void **state)
{
	struct mlproxy_feature features[2];
	struct mlproxy_action actions[3];
	struct mlproxy_schema schema;
	u8 flat[1024];
	size_t n = 0;

	(void)state;
	fill_schema(&schema, features, actions);
	n = put(flat, n, "\4\3\2\1\2\0\0\0\3\0\0\0\1\0\0\0", 16);
	n = put(flat, n, "\xfb\xff\xff\xff\xff\xff\xff\xff", 8);
	n = put(flat, n, "\0\0\0\x40\0\0\0\0", 8);
	n = put(flat, n, schema.reward_name, 32);
	n = put(flat, n, schema.reward_unit, 16);
	n = put(flat, n, features, sizeof(features));
	n = put(flat, n, actions, sizeof(actions));
	assert_int_equal(n, 16 + 16 + 48 + 2 * 72 + 3 * 40);
	assert_true(mlproxy_schema_hash(&schema, features, actions) == fnv1a(flat, n));
}

static void schema_hash_of_nothing_else(void **state)
{
	struct mlproxy_feature features[2];
	struct mlproxy_action actions[3];
	struct mlproxy_schema schema;
	u64 hash;

	(void)state;
	fill_schema(&schema, features, actions);
	hash = mlproxy_schema_hash(&schema, features, actions);
	schema.size = 1;
	schema.flags = 1;
	schema.features = 1;
	schema.actions = 1;
	schema.unit = 1;
	schema.max_macs = 1;
	schema.schema_hash = 1;
	assert_true(mlproxy_schema_hash(&schema, features, actions) == hash);
}

static void schema_hash_sees_each_field(void **state)
{
	struct mlproxy_feature features[2];
	struct mlproxy_action actions[3];
	struct mlproxy_schema schema;
	u8 *parts[] = { (u8 *)&schema.schema_version, (u8 *)&schema.reward_direction,
			(u8 *)&schema.reward_min, (u8 *)&schema.reward_max,
			(u8 *)schema.reward_name, (u8 *)schema.reward_unit,
			(u8 *)features, (u8 *)actions };
	size_t sizes[] = { 4, 4, 8, 8, 32, 16, sizeof(features), sizeof(actions) };
	u64 hash;

	(void)state;
	fill_schema(&schema, features, actions);
	hash = mlproxy_schema_hash(&schema, features, actions);
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		for (size_t i = 0; i < sizes[p]; i++) {
			parts[p][i] ^= 0x10;
			assert_true(mlproxy_schema_hash(&schema, features, actions) != hash);
			parts[p][i] ^= 0x10;
		}
	}
}

static void build_lays_out_aligned_arrays(void **state)
{
	const s32 bias[3] = { 1, 2, 3 };
	const s8 w[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct mlproxy_model_input in[3] = { { .mul = 1 } };
	struct mlp_spec_layer layers[2] = { { 3, 3, 1, 1, 0, bias, w },
					    { 3, 1, 0, 0, 0, bias, w } };
	struct mlp_spec spec = {
		.schema_hash = 9, .name = "a name that is longer than the field has room for",
		.nr_inputs = 3, .inputs = in, .nr_layers = 2, .layers = layers,
	};
	const struct mlproxy_model_hdr *hdr;
	const struct mlproxy_model_layer *l;
	void *data;
	size_t len;

	(void)state;
	assert_int_equal(mlp_build(&spec, &data, &len), 0);
	hdr = data;
	l = (const void *)((const u8 *)(hdr + 1) + sizeof(in));
	assert_int_equal(hdr->total_len, len);
	assert_int_equal(len % 8, 0);
	assert_int_equal(hdr->nr_outputs, 1);
	assert_int_equal(strlen(hdr->name), 31);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(l[i].bias_offset % 8, 0);
		assert_int_equal(l[i].weight_offset % 8, 0);
	}
	assert_memory_equal((u8 *)data + l[0].bias_offset, bias, sizeof(bias));
	assert_memory_equal((u8 *)data + l[0].weight_offset, w, sizeof(w));
	assert_memory_equal((u8 *)data + l[1].weight_offset, w, 3);
	free(data);
}

static void build_refuses_what_fits_no_file(void **state)
{
	static s32 bias[UINT16_MAX];
	static s8 w[UINT16_MAX * 4];
	struct mlproxy_model_input in[4] = {};
	struct mlp_spec_layer layer = { 4, UINT16_MAX, 0, 0, 0, bias, w };
	struct mlp_spec spec = { .nr_inputs = 4, .inputs = in, .nr_layers = 1, .layers = &layer };
	void *data;
	size_t len;

	(void)state;
	assert_int_equal(mlp_build(&spec, &data, &len), -EFBIG);
	spec.nr_inputs = U32_MAX;
	assert_int_equal(mlp_build(&spec, &data, &len), -EINVAL);
	spec.nr_inputs = 0;
	assert_int_equal(mlp_build(&spec, &data, &len), -EINVAL);
	spec.nr_inputs = 4;
	spec.nr_layers = 0;
	assert_int_equal(mlp_build(&spec, &data, &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32_known_values),
		cmocka_unit_test(schema_hash_matches_definition),
		cmocka_unit_test(schema_hash_of_nothing_else),
		cmocka_unit_test(schema_hash_sees_each_field),
		cmocka_unit_test(build_lays_out_aligned_arrays),
		cmocka_unit_test(build_refuses_what_fits_no_file),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
