/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long blocks live, learned from those that are found dead. Times are counted in
 * checkpoints. No tracepoint of NILFS2 says that a block was overwritten, but the kernel
 * keeps for each block when it came and when it went, until its segment is cleaned.
 */
#ifndef MLPROXY_NILFS2_LIFE_H
#define MLPROXY_NILFS2_LIFE_H

#include <stdint.h>

#define LIFE_SLOTS	4096

/**
 * struct life_table - mean logarithm of the lifetimes of each file's blocks
 * @slots: by a hash of the inode number; a file whose slot is taken has it after some deaths
 * @all: of all files, for those that have none
 */
struct life_table {
	struct life_slot {
		uint64_t ino;
		uint32_t log8;		/* mean of 8 * log2 of the lifetime, times 16 */
		uint32_t weight;	/* deaths that it rests on, at most LIFE_MOST */
	} slots[LIFE_SLOTS], all;
};

#define LIFE_MOST	64

/** life_died() - a block of file @ino was found dead that had lived @lifetime checkpoints */
void life_died(struct life_table *t, uint64_t ino, uint64_t lifetime);

/**
 * life_remaining() - how many checkpoints a block may still be expected to live
 * @t: what was seen
 * @ino: its file
 * @age: how long it has lived
 *
 * A block that has outlived its file's others is expected to live as long again as it has:
 * so old blocks are never taken for ones about to die.
 */
uint64_t life_remaining(const struct life_table *t, uint64_t ino, uint64_t age);

#endif /* MLPROXY_NILFS2_LIFE_H */
