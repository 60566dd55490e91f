// SPDX-License-Identifier: GPL-2.0-only
/* The list of proxies, and look-ups in it. */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "core.h"
#include "mode_path.h"
#include "registry.h"

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);
static u32 last_id;	/* never used twice; registry_lock */
static unsigned int nr_proxies;

static struct mlproxy *find_locked(const char *name)
{
	struct mlproxy *proxy;

	list_for_each_entry(proxy, &registry, node)
		if (!strcmp(proxy->name, name))
			return proxy;
	return NULL;
}

/**
 * mlproxy_registry_add() - enter a proxy, and give it its id
 * @proxy: being made
 *
 * Context: may sleep. Return: 0, -EEXIST for a name in use, -ENOSPC.
 */
int mlproxy_registry_add(struct mlproxy *proxy)
{
	int ret = 0;

	mutex_lock(&registry_lock);
	if (find_locked(proxy->name)) {
		ret = -EEXIST;
	} else if (nr_proxies == MLPROXY_MAX_PROXIES) {
		ret = -ENOSPC;
	} else {
		proxy->id = ++last_id;
		list_add_tail(&proxy->node, &registry);
		nr_proxies++;
	}
	mutex_unlock(&registry_lock);
	return ret;
}

/**
 * mlproxy_registry_del() - take a proxy out
 * @proxy: the proxy
 *
 * Who found it before holds it. Context: may sleep.
 */
void mlproxy_registry_del(struct mlproxy *proxy)
{
	mutex_lock(&registry_lock);
	list_del(&proxy->node);
	nr_proxies--;
	mutex_unlock(&registry_lock);
}

/**
 * mlproxy_get_by_name() - find a visible proxy and hold it and its module
 * @name: name
 *
 * Context: may sleep. Return: the proxy, to be given to mlproxy_put(), or NULL.
 */
struct mlproxy *mlproxy_get_by_name(const char *name)
{
	struct mlproxy *proxy;

	mutex_lock(&registry_lock);
	proxy = find_locked(name);
	if (proxy && (READ_ONCE(proxy->state) == MLPROXY_STATE_CREATED ||
		      !try_module_get(proxy->owner)))
		proxy = NULL;
	if (proxy)
		kref_get(&proxy->kref);
	mutex_unlock(&registry_lock);
	return proxy;
}

/**
 * mlproxy_list_fill() - describe all visible proxies
 * @entries: where to, may be NULL with no @room
 * @room: entries that fit
 *
 * Context: may sleep. Return: number of visible proxies.
 */
u32 mlproxy_list_fill(struct mlproxy_list_entry *entries, u32 room)
{
	struct mlproxy *proxy;
	u32 nr = 0;

	mutex_lock(&registry_lock);
	list_for_each_entry(proxy, &registry, node) {
		if (READ_ONCE(proxy->state) == MLPROXY_STATE_CREATED)
			continue;
		if (nr < room) {
			struct mlproxy_list_entry *e = &entries[nr];

			strscpy(e->name, proxy->name, sizeof(e->name));
			e->id = proxy->id;
			e->state = READ_ONCE(proxy->state);
			e->mode = mlproxy_mode_of(proxy);
			e->schema_version = proxy->schema.schema_version;
			e->nr_features = proxy->schema.nr_features;
			e->nr_actions = proxy->schema.nr_actions;
		}
		nr++;
	}
	mutex_unlock(&registry_lock);
	return nr;
}
