/* SPDX-License-Identifier: GPL-2.0-only */
/* The misc device and the workqueue; see device.c. */
#ifndef _MLPROXY_CORE_DEVICE_H
#define _MLPROXY_CORE_DEVICE_H

#include <linux/fs.h>

struct device;
struct workqueue_struct;

int mlproxy_device_init(const struct file_operations *fops);
void mlproxy_device_exit(void);
void mlproxy_device_announce(const char *proxy, bool comes);
struct device *mlproxy_device(void);
struct workqueue_struct *mlproxy_workqueue(void);

#endif /* _MLPROXY_CORE_DEVICE_H */
