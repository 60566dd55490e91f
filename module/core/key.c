// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys of entities: keyed hashes, so that who reads a data set can tell one entity from
 * another, but not which file or flow it is, nor look for one that it knows. The secret is
 * drawn when the core is loaded: keys stay what they are until it is loaded again.
 */
#include <linux/random.h>
#include <linux/siphash.h>

#include "core.h"

static siphash_key_t secret __ro_after_init;

/**
 * mlproxy_key_init() - draw the secret
 *
 * Context: init of the core, before there is a proxy.
 */
void __init mlproxy_key_init(void)
{
	get_random_bytes(&secret, sizeof(secret));
}

u64 mlproxy_key(const void *identity, size_t len)
{
	return siphash(identity, len, &secret);
}
EXPORT_SYMBOL_GPL(mlproxy_key);
