/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two model slots of a proxy. A model is a verified private copy of a model
 * file. The active one is RCU-protected (sched flavour: the decision path runs
 * with preemption off); the standby one belongs to proxy->lock.
 */
#ifndef _MLPROXY_MODEL_H
#define _MLPROXY_MODEL_H

#include "infer/model.h"

/**
 * struct mlproxy_model - one loaded model
 * @version: number that the kernel gave it, > 0
 * @bytes: kernel memory of all of it
 * @m: the verified model, pointing into @data
 * @packed: weights laid out for fast evaluation, or NULL
 * @data: the file
 */
struct mlproxy_model {
	u32 version;
	u32 bytes;
	struct model m;
	u64 *packed;
	u8 data[] __aligned(8);
};

#endif /* _MLPROXY_MODEL_H */
