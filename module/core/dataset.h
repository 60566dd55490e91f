/* SPDX-License-Identifier: GPL-2.0-only */
/* Data-set requests of a reader; see dataset.c for how they are kept. */
#ifndef _MLPROXY_CORE_DATASET_H
#define _MLPROXY_CORE_DATASET_H

#include <linux/hrtimer.h>
#include <linux/types.h>

#include <mlproxy/mlproxy.h>

struct mlproxy_reader;
struct dataset;

/* Decision id: the CPU, then a count. */
#define MLPROXY_CPU_ID_SHIFT 48

int mlproxy_dataset_request(struct mlproxy_reader *reader, struct mlproxy *proxy,
			    const struct mlproxy_dataset *cmd);
void mlproxy_dataset_cancel(struct mlproxy_reader *reader);
void mlproxy_dataset_fill(struct mlproxy_reader *reader, struct mlproxy_dataset *cmd);
int mlproxy_dataset_quiet(struct mlproxy_reader *reader);
void mlproxy_dataset_init(struct mlproxy_reader *reader);
void mlproxy_dataset_exit(struct mlproxy_reader *reader);
int mlproxy_dataset_attach(struct mlproxy_reader *reader, struct mlproxy *proxy);
void mlproxy_dataset_detach(struct mlproxy_reader *reader);

/* On the decision path. */
bool mlproxy_dataset_take(struct mlproxy_reader *reader, struct dataset *ds, u64 id,
			  const s64 *features);
void mlproxy_dataset_taken(struct mlproxy_reader *reader, struct dataset *taken);
bool mlproxy_dataset_active(struct mlproxy_reader *reader);
bool mlproxy_dataset_wants_feedback(struct mlproxy_reader *reader,
				    const struct mlproxy_decision *d);
void mlproxy_dataset_trigger(struct mlproxy *proxy, u32 trigger, u32 event);

/* From irq_work and poll(). */
void mlproxy_dataset_arm(struct mlproxy_reader *reader);
bool mlproxy_dataset_complete(struct mlproxy_reader *reader);

#endif /* _MLPROXY_CORE_DATASET_H */
