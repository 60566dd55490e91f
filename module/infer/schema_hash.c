// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hash of a schema, which ties a model file and a data set to the decision
 * point that they were made for. Not a defence against forgery: a wrong model is
 * legal at worst and slow; the hash keeps honest users from mixing things up.
 */
#include "mlp.h"

#define FNV_OFFSET_BASIS	0xcbf29ce484222325ULL
#define FNV_PRIME		0x00000100000001b3ULL

static u64 hash_bytes(u64 hash, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--)
		hash = (hash ^ *p++) * FNV_PRIME;
	return hash;
}

/* The @bytes low bytes of @value, little endian on every machine. */
static u64 hash_number(u64 hash, u64 value, unsigned int bytes)
{
	while (bytes--) {
		hash = (hash ^ (value & 0xff)) * FNV_PRIME;
		value >>= 8;
	}
	return hash;
}

u64 mlproxy_schema_hash(const struct mlproxy_schema *schema,
			const struct mlproxy_feature *features,
			const struct mlproxy_action *actions)
{
	u64 hash = FNV_OFFSET_BASIS;

	hash = hash_number(hash, schema->schema_version, 4);
	hash = hash_number(hash, schema->nr_features, 4);
	hash = hash_number(hash, schema->nr_actions, 4);
	hash = hash_number(hash, schema->reward_direction, 4);
	hash = hash_number(hash, (u64)schema->reward_min, 8);
	hash = hash_number(hash, (u64)schema->reward_max, 8);
	hash = hash_bytes(hash, schema->reward_name, sizeof(schema->reward_name));
	hash = hash_bytes(hash, schema->reward_unit, sizeof(schema->reward_unit));
	hash = hash_bytes(hash, features, schema->nr_features * sizeof(*features));
	return hash_bytes(hash, actions, schema->nr_actions * sizeof(*actions));
}
