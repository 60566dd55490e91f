/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recommendation ring of a session: user space produces, the kernel takes,
 * in the agent's own context (an ioctl), never on the decision path.
 *
 * User space owns the producer position and the entries and may write anything
 * into them at any time. The position is read once with acquire and checked; an
 * entry is copied once and the copy is checked and used. The consumer position
 * and the results are the kernel's, mapped read-only.
 */
#ifndef _MLPROXY_RECOMMEND_H
#define _MLPROXY_RECOMMEND_H

#include <linux/bits.h>
#include <linux/mlproxy.h>

struct file;
struct mlproxy;
struct mlproxy_rec_ring;
struct vm_area_struct;

#define MLPROXY_REC_USER_OFFSET	BIT_ULL(40)
#define MLPROXY_REC_KERN_OFFSET	BIT_ULL(41)

struct mlproxy_rec_ring *mlproxy_rec_ring_create(struct mlproxy_recommend_setup *setup,
						 const struct file *file);
void mlproxy_rec_ring_free(struct mlproxy_rec_ring *ring);
int mlproxy_rec_ring_mmap(struct mlproxy_rec_ring *ring, struct vm_area_struct *vma,
			  u64 offset);
int mlproxy_rec_ring_drain(struct mlproxy_rec_ring *ring, struct mlproxy *proxy,
			   struct mlproxy_recommend_drain *cmd);

#endif /* _MLPROXY_RECOMMEND_H */
