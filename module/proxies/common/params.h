/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters as many proxies have them: numbers within bounds, and counters,
 * one read-only number a file. For one source file of a module.
 */
#ifndef _MLPROXY_PROXIES_PARAMS_H
#define _MLPROXY_PROXIES_PARAMS_H

#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

/**
 * struct proxy_uint - a parameter with bounds
 * @value: the variable; read with READ_ONCE()
 * @min: least value
 * @max: largest value
 */
struct proxy_uint {
	unsigned int *value;
	unsigned int min;
	unsigned int max;
};

static int __maybe_unused proxy_uint_set(const char *val, const struct kernel_param *kp)
{
	const struct proxy_uint *p = kp->arg;
	unsigned int n;
	int err = kstrtouint(val, 0, &n);

	if (err)
		return err;
	if (n < p->min || n > p->max) {
		pr_err("%s: %u is outside of %u to %u\n", kp->name, n, p->min, p->max);
		return -ERANGE;
	}
	WRITE_ONCE(*p->value, n);
	return 0;
}

static int __maybe_unused proxy_uint_get(char *buf, const struct kernel_param *kp)
{
	const struct proxy_uint *p = kp->arg;

	return sysfs_emit(buf, "%u\n", READ_ONCE(*p->value));
}

static int __maybe_unused proxy_counter_get(char *buf, const struct kernel_param *kp)
{
	s64 __percpu *counter = (s64 __force __percpu *)(unsigned long)kp->arg;
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(counter, cpu));
	return sysfs_emit(buf, "%lld\n", sum);
}

static const struct kernel_param_ops proxy_uint_ops __maybe_unused = {
	.set = proxy_uint_set,
	.get = proxy_uint_get,
};

static const struct kernel_param_ops proxy_counter_ops __maybe_unused = {
	.get = proxy_counter_get,
};

/* PROXY_UINT() - an unsigned int, _min to _max, that may be changed at any time */
#define PROXY_UINT(_name, _variable, _min, _max, _text)					\
	static const struct proxy_uint _name##_bounds = { &(_variable), _min, _max };	\
	module_param_cb(_name, &proxy_uint_ops, (void *)&_name##_bounds, 0644);		\
	MODULE_PARM_DESC(_name, _text)

/**
 * struct proxy_int - struct proxy_uint of a number with a sign
 * @value: the variable; read with READ_ONCE()
 * @min: least value
 * @max: largest value
 */
struct proxy_int {
	int *value;
	int min;
	int max;
};

static int __maybe_unused proxy_int_set(const char *val, const struct kernel_param *kp)
{
	const struct proxy_int *p = kp->arg;
	int n, err = kstrtoint(val, 0, &n);

	if (err)
		return err;
	if (n < p->min || n > p->max) {
		pr_err("%s: %d is outside of %d to %d\n", kp->name, n, p->min, p->max);
		return -ERANGE;
	}
	WRITE_ONCE(*p->value, n);
	return 0;
}

static int __maybe_unused proxy_int_get(char *buf, const struct kernel_param *kp)
{
	const struct proxy_int *p = kp->arg;

	return sysfs_emit(buf, "%d\n", READ_ONCE(*p->value));
}

static const struct kernel_param_ops proxy_int_ops __maybe_unused = {
	.set = proxy_int_set,
	.get = proxy_int_get,
};

/* PROXY_INT() - PROXY_UINT() of an int */
#define PROXY_INT(_name, _variable, _min, _max, _text)					\
	static const struct proxy_int _name##_bounds = { &(_variable), _min, _max };	\
	module_param_cb(_name, &proxy_int_ops, (void *)&_name##_bounds, 0644);		\
	MODULE_PARM_DESC(_name, _text)

/*
 * PROXY_COUNTER() - an s64 of each CPU, shown as their sum
 *
 * this_cpu_inc() and this_cpu_add() count, in any context: CPUs that count at once don't
 * wait for each other. Since 6.15 such variables may have an address space of their own,
 * out of which a number leads.
 */
#define PROXY_COUNTER(_name, _counter, _text)						\
	module_param_cb(_name, &proxy_counter_ops,					\
			(void *)(unsigned long __force)&(_counter), 0444);		\
	MODULE_PARM_DESC(_name, _text)

#endif /* _MLPROXY_PROXIES_PARAMS_H */
