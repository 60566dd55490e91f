// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters and presets: see testblk_spec.h, and testblk_model.h for what they mean.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "testblk_spec.h"

#define TESTBLK_MAX_DEPTH	1024
#define TESTBLK_MAX_US		10000000U
#define TESTBLK_MAX_MBPS	1000000U
#define TESTBLK_MAX_CHUNK_KB	1048576U
#define TESTBLK_MAX_IOPS	10000000U

/**
 * struct testblk_preset - a device
 * @name: as the parameter has it
 * @depth: tags of a hardware queue
 * @queues: hardware queues, 0 for one a CPU; with 1 it has a scheduler
 * @spec: its times
 */
struct testblk_preset {
	const char *name;
	unsigned int depth;
	unsigned int queues;
	struct testblk_spec spec;
};

/* flash on PCIe 3; the default */
#define TESTBLK_NVME								\
	{ .base_us = 80, .channels = 64, .channel_mbps = 800, .chunk_kb = 16, .mbps = 2000 }
#define TESTBLK_NVME_DEPTH	1023

static const struct testblk_preset testblk_presets[] = {
	{
		.name = "ram", .depth = 1023,
	}, {
		/* with the latency of 3D XPoint on four lanes of PCIe 4 */
		.name = "nvme15", .depth = 1023,
		.spec = {
			.base_us = 15, .channels = 64, .channel_mbps = 2000, .chunk_kb = 16,
			.mbps = 7000,
		},
	}, {
		.name = "nvme", .depth = TESTBLK_NVME_DEPTH, .spec = TESTBLK_NVME,
	}, {
		.name = "sata-ssd", .depth = 32, .queues = 1,
		.spec = {
			.base_us = 90, .channels = 10, .channel_mbps = 400, .chunk_kb = 16,
			.mbps = 530,
		},
	}, {
		/* a general-purpose volume: far away, and what it may do is capped */
		.name = "cloud-gp", .depth = 256,
		.spec = {
			.base_us = 800, .mbps = 250, .iops = 16000, .iops_burst = 160,
		},
	}, {
		/* a small volume that has spent all but a little of its credits */
		.name = "cloud-burst", .depth = 64, .queues = 1,
		.spec = {
			.base_us = 1000, .mbps = 125, .iops = 500, .iops_burst = 100,
		},
	}, {
		/* 7,200 rpm; the link is SATA's */
		.name = "hdd", .depth = 32, .queues = 1,
		.spec = {
			.base_us = 50, .channels = 1, .channel_mbps = 200, .mbps = 550,
			.seek_us = 8000,
		},
	}, {
		.name = "sd-card", .depth = 64, .queues = 1,
		.spec = {
			.base_us = 400, .channels = 1, .channel_mbps = 90, .mbps = 90,
		},
	},
};

static struct testblk_spec spec = TESTBLK_NVME;
static unsigned int preset_depth = TESTBLK_NVME_DEPTH, preset_queues;
static unsigned int depth, queues;
static bool instant;

/* A parameter's place, and the most that it may be. */
struct testblk_limit {
	unsigned int *value;
	unsigned int max;
};

static int limit_set(const char *val, const struct kernel_param *kp)
{
	const struct testblk_limit *limit = kp->arg;
	unsigned int value;
	int ret = kstrtouint(val, 0, &value);

	if (!ret && value > limit->max)
		ret = -ERANGE;
	if (ret) {
		pr_err("%s: a number up to %u is wanted\n", kp->name, limit->max);
		return -EINVAL;
	}
	WRITE_ONCE(*limit->value, value);
	return 0;
}

static int limit_get(char *buffer, const struct kernel_param *kp)
{
	const struct testblk_limit *limit = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(*limit->value));
}

static const struct kernel_param_ops limit_ops = {
	.set = limit_set,
	.get = limit_get,
};

/*
 * By field: a request must not see a number of channels that was never asked for, but it
 * may see some fields of either device.
 */
static void spec_set(const struct testblk_spec *to)
{
	WRITE_ONCE(spec.base_us, to->base_us);
	WRITE_ONCE(spec.mbps, to->mbps);
	WRITE_ONCE(spec.channels, to->channels);
	WRITE_ONCE(spec.channel_mbps, to->channel_mbps);
	WRITE_ONCE(spec.chunk_kb, to->chunk_kb);
	WRITE_ONCE(spec.iops, to->iops);
	WRITE_ONCE(spec.iops_burst, to->iops_burst);
	WRITE_ONCE(spec.seek_us, to->seek_us);
}

static struct testblk_spec spec_read(void)
{
	return (struct testblk_spec) {
		.base_us = READ_ONCE(spec.base_us),
		.mbps = READ_ONCE(spec.mbps),
		.channels = READ_ONCE(spec.channels),
		.channel_mbps = READ_ONCE(spec.channel_mbps),
		.chunk_kb = READ_ONCE(spec.chunk_kb),
		.iops = READ_ONCE(spec.iops),
		.iops_burst = READ_ONCE(spec.iops_burst),
		.seek_us = READ_ONCE(spec.seek_us),
	};
}

static int preset_set(const char *val, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(testblk_presets); i++) {
		const struct testblk_preset *preset = &testblk_presets[i];

		if (!sysfs_streq(val, preset->name))
			continue;
		spec_set(&preset->spec);
		preset_depth = preset->depth;
		preset_queues = preset->queues;
		return 0;
	}
	pr_err("there is no preset \"%s\"\n", val);
	return -EINVAL;
}

static int preset_get(char *buffer, const struct kernel_param *kp)
{
	struct testblk_spec now = spec_read();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(testblk_presets); i++)
		if (!memcmp(&testblk_presets[i].spec, &now, sizeof(now)))
			return sysfs_emit(buffer, "%s\n", testblk_presets[i].name);
	return sysfs_emit(buffer, "custom\n");
}

static const struct kernel_param_ops preset_ops = {
	.set = preset_set,
	.get = preset_get,
};

#define TESTBLK_PARAM(name, variable, most, mode, text)				\
static struct testblk_limit name##_limit = { &(variable), most };		\
module_param_cb(name, &limit_ops, &name##_limit, mode);				\
MODULE_PARM_DESC(name, text)

module_param_cb(preset, &preset_ops, NULL, 0644);
MODULE_PARM_DESC(preset,
		 "all of the following at once: ram, nvme15, nvme (default), sata-ssd, cloud-gp, cloud-burst, hdd, sd-card; depth and queues only when the module is loaded");
TESTBLK_PARAM(base_us, spec.base_us, TESTBLK_MAX_US, 0644,
	      "latency of a request before its transfer, in us");
TESTBLK_PARAM(mbps, spec.mbps, TESTBLK_MAX_MBPS, 0644,
	      "bandwidth that all requests share, in 10^6 bytes/s, 0 for no limit");
TESTBLK_PARAM(channels, spec.channels, TESTBLK_MAX_CHANNELS, 0644,
	      "pieces that are served at once, 0 for no limit");
TESTBLK_PARAM(channel_mbps, spec.channel_mbps, TESTBLK_MAX_MBPS, 0644,
	      "bandwidth of a channel, in 10^6 bytes/s, 0 for no limit");
TESTBLK_PARAM(chunk_kb, spec.chunk_kb, TESTBLK_MAX_CHUNK_KB, 0644,
	      "piece that a channel takes of a request, in KiB, 0 for all of it");
TESTBLK_PARAM(iops, spec.iops, TESTBLK_MAX_IOPS, 0644,
	      "I/O operations a second, each of up to 256 KiB, 0 for no limit");
TESTBLK_PARAM(iops_burst, spec.iops_burst, TESTBLK_MAX_IOPS, 0644,
	      "how many of them may go at once after a pause");
TESTBLK_PARAM(seek_us, spec.seek_us, TESTBLK_MAX_US, 0644,
	      "mean time to a place at random, in us, 0 for no head");
TESTBLK_PARAM(depth, depth, TESTBLK_MAX_DEPTH, 0444,
	      "tags of a hardware queue, 0 for the preset's");
TESTBLK_PARAM(queues, queues, TESTBLK_MAX_DEPTH, 0444,
	      "hardware queues, 0 for the preset's; no more than CPUs");
module_param(instant, bool, 0644);
MODULE_PARM_DESC(instant, "complete at once, whatever the rest says: to fill it");

struct testblk_queues testblk_spec_queues(void)
{
	unsigned int want = queues ?: preset_queues ?: nr_cpu_ids;

	return (struct testblk_queues) {
		.depth = depth ?: preset_depth,
		.queues = min_t(unsigned int, want, nr_cpu_ids),
		.rotational = READ_ONCE(spec.seek_us),
		.scheduled = preset_queues == 1,
	};
}

struct testblk_spec testblk_spec_get(void)
{
	return READ_ONCE(instant) ? (struct testblk_spec) {} : spec_read();
}
