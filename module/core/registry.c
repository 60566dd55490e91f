// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of proxies, look-ups in it, and what sessions hold of the modules that made
 * them.
 *
 * A session that is bound holds the proxy's owner, its module. A module whose init fails
 * is freed whoever holds it, and so is one that is unloaded by force. So that none is held
 * or put that may be gone:
 *
 *  - Only a module that is LIVE is held. Its state may be looked at, and it may be tried
 *    to hold it, since the proxy is in the list, the lock is held, and mlproxy_destroy(),
 *    which init or exit calls before the module is freed, has to take it out first.
 *      Bind against a failing init: the module is COMING until its init has returned, so
 *    the proxy can't be found; after that it is not in the list any more.
 *      Bind against unloading: either the module is held first, and unloading is refused,
 *    or it is GOING, and try_module_get() fails.
 *  - mlproxy_destroy() gives back all that sessions hold of the owner, and takes the owner
 *    out of the proxy, in one step under the lock under which the last of them puts it.
 *    So each hold is put once, and none once the proxy is destroyed.
 *
 * A proxy is visible, that is, listed and announced, when it can be bound.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include "core.h"
#include "device.h"
#include "mode_path.h"
#include "registry.h"

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);
static u32 last_id;	/* never used twice; registry_lock */
static unsigned int nr_proxies;

/* Is its module loaded: init has returned, exit was not called. With the lock. */
static bool owner_live(const struct mlproxy *proxy)
{
	const struct module *owner = proxy->owner;

	return !owner || READ_ONCE(owner->state) == MODULE_STATE_LIVE;
}

/* With the lock. */
static bool is_visible(const struct mlproxy *proxy)
{
	return READ_ONCE(proxy->state) != MLPROXY_STATE_CREATED && owner_live(proxy);
}

/* Once, when it has become visible. With the lock. */
static void announce(struct mlproxy *proxy)
{
	if (proxy->announced || !is_visible(proxy))
		return;
	proxy->announced = true;
	mlproxy_device_announce(proxy->name, true);
}

static struct mlproxy *find_locked(const char *name)
{
	struct mlproxy *proxy;

	list_for_each_entry(proxy, &registry, node)
		if (!strcmp(proxy->name, name))
			return proxy;
	return NULL;
}

/* One more in the list, or one less. With the lock. */
static unsigned int *count_of(struct mlproxy *proxy)
{
	return mlproxy_is_instance(proxy) ? &proxy->whole->nr_instances : &nr_proxies;
}

/* Where a new one goes in front of: instances follow their proxy. With the lock. */
static struct list_head *place_of(const struct mlproxy *proxy)
{
	struct list_head *at = &registry;

	if (mlproxy_is_instance(proxy))
		for (at = proxy->whole->node.next; at != &registry; at = at->next)
			if (list_entry(at, struct mlproxy, node)->whole != proxy->whole)
				break;
	return at;
}

/**
 * mlproxy_registry_add() - enter a proxy or an instance, and give it its id and number
 * @proxy: being made
 *
 * Context: may sleep. Return: 0, -EEXIST for a name in use, -ENOSPC.
 */
int mlproxy_registry_add(struct mlproxy *proxy)
{
	bool is_instance = mlproxy_is_instance(proxy);
	u32 most = is_instance ? MLPROXY_MAX_INSTANCES : MLPROXY_MAX_PROXIES;
	int ret = 0;

	mutex_lock(&registry_lock);
	if (find_locked(proxy->name)) {
		ret = -EEXIST;
	} else if (*count_of(proxy) == most || proxy->whole->last_instance == U32_MAX) {
		ret = -ENOSPC;
	} else {
		proxy->id = ++last_id;
		if (is_instance)
			proxy->instance = ++proxy->whole->last_instance;
		list_add_tail(&proxy->node, place_of(proxy));
		++*count_of(proxy);
	}
	mutex_unlock(&registry_lock);
	return ret;
}

/**
 * mlproxy_registry_show() - a proxy can be bound from now on
 * @proxy: in the list, and initialised
 *
 * Or else when its module is loaded. Context: may sleep.
 */
void mlproxy_registry_show(struct mlproxy *proxy)
{
	mutex_lock(&registry_lock);
	announce(proxy);
	mutex_unlock(&registry_lock);
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
	WARN(proxy->nr_instances, "%s is destroyed before its instances\n", proxy->name);
	list_del(&proxy->node);
	--*count_of(proxy);
	if (proxy->announced)
		mlproxy_device_announce(proxy->name, false);
	mutex_unlock(&registry_lock);
}

/**
 * mlproxy_registry_forget_owner() - give back what sessions hold of the owner
 * @proxy: not in the list any more; nothing of the owner will be used for it
 *
 * Context: the owner's own, which therefore stays; may sleep.
 */
void mlproxy_registry_forget_owner(struct mlproxy *proxy)
{
	mutex_lock(&registry_lock);
	for (; proxy->owner_holds; proxy->owner_holds--)
		module_put(proxy->owner);
	proxy->owner = NULL;
	mutex_unlock(&registry_lock);
}

/**
 * mlproxy_registry_put_owner() - one session less that holds the owner
 * @proxy: from mlproxy_find()
 *
 * Context: may sleep.
 */
void mlproxy_registry_put_owner(struct mlproxy *proxy)
{
	mutex_lock(&registry_lock);
	if (proxy->owner) {
		proxy->owner_holds--;
		module_put(proxy->owner);
	}
	mutex_unlock(&registry_lock);
}

static struct mlproxy *find_instance_locked(const char *name, u32 instance)
{
	struct mlproxy *proxy = find_locked(name);

	if (!proxy || !instance)
		return proxy;
	list_for_each_entry_continue(proxy, &registry, node) {
		if (!mlproxy_is_instance(proxy))
			break;
		if (proxy->instance == instance)
			return proxy;
	}
	return NULL;
}

/**
 * mlproxy_find() - find a visible proxy or instance and hold it and its module
 * @name: name of the proxy, or PROXY:INSTANCE
 * @instance: number of the instance of the proxy, or 0
 *
 * Context: may sleep. Return: the proxy, to be given to mlproxy_put(), or NULL.
 */
struct mlproxy *mlproxy_find(const char *name, u32 instance)
{
	struct mlproxy *proxy;

	mutex_lock(&registry_lock);
	proxy = find_instance_locked(name, instance);
	if (proxy && (!is_visible(proxy) || !try_module_get(proxy->owner)))
		proxy = NULL;
	if (proxy) {
		if (proxy->owner)
			proxy->owner_holds++;
		kref_get(&proxy->kref);
	}
	mutex_unlock(&registry_lock);
	return proxy;
}

static void describe(const struct mlproxy *proxy, struct mlproxy_list_entry *e)
{
	strscpy(e->name, proxy->name, sizeof(e->name));
	e->id = proxy->id;
	e->state = READ_ONCE(proxy->state);
	e->mode = mlproxy_mode_of(proxy);
	e->schema_version = proxy->schema.schema_version;
	e->nr_features = proxy->schema.nr_features;
	e->nr_actions = proxy->schema.nr_actions;
	e->class_id = mlproxy_is_instance(proxy) ? proxy->whole->id : 0;
	e->instance = proxy->instance;
}

/* A proxy is as far as the instance that has come least far. */
static void add_instance(struct mlproxy_list_entry *whole, const struct mlproxy *instance)
{
	u32 mode = mlproxy_mode_of(instance);

	if (!whole->nr_instances++ || mode < whole->mode)
		whole->mode = mode;
}

/**
 * mlproxy_list_fill() - describe all visible proxies, each before its instances
 * @entries: where to, zeroed; may be NULL with no @room
 * @room: entries that fit
 *
 * Context: may sleep. Return: number of visible proxies and instances.
 */
u32 mlproxy_list_fill(struct mlproxy_list_entry *entries, u32 room)
{
	struct mlproxy_list_entry *whole = NULL;
	struct mlproxy *proxy;
	u32 nr = 0;

	mutex_lock(&registry_lock);
	list_for_each_entry(proxy, &registry, node) {
		if (!is_visible(proxy))
			continue;
		if (nr < room)
			describe(proxy, &entries[nr]);
		if (!mlproxy_is_instance(proxy))
			whole = nr < room ? &entries[nr] : NULL;
		else if (whole)
			add_instance(whole, proxy);
		nr++;
	}
	mutex_unlock(&registry_lock);
	return nr;
}

static int module_event(struct notifier_block *nb, unsigned long state, void *module)
{
	struct mlproxy *proxy;

	if (state != MODULE_STATE_LIVE)
		return NOTIFY_DONE;
	mutex_lock(&registry_lock);
	list_for_each_entry(proxy, &registry, node)
		if (proxy->owner == module)
			announce(proxy);
	mutex_unlock(&registry_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_events = { .notifier_call = module_event };

/**
 * mlproxy_registry_init() - begin to watch modules
 *
 * Context: may sleep. Return: 0 or -errno.
 */
int mlproxy_registry_init(void)
{
	return register_module_notifier(&module_events);
}

/**
 * mlproxy_registry_exit() - undo mlproxy_registry_init()
 *
 * Context: may sleep; no proxy is left.
 */
void mlproxy_registry_exit(void)
{
	unregister_module_notifier(&module_events);
}
