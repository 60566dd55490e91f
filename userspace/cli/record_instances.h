/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for the instances that records carry the numbers of; see record_instances.c. */
#ifndef _MLPROXY_CLI_RECORD_INSTANCES_H
#define _MLPROXY_CLI_RECORD_INSTANCES_H

#include <stddef.h>

#include <mlproxy/mlproxy.h>

struct mlds_writer;

/**
 * struct record_instances - those that are in the data set; all zero for none
 * @number: their numbers
 * @nr: how many
 * @room: of @number
 */
struct record_instances {
	uint32_t *number;
	size_t nr;
	size_t room;
};

/**
 * record_instances_begin() - write the instances that there are
 * @in: none yet
 * @s: bound session
 * @writer: data set
 *
 * Return: 0, or a negative errno with a text: of the library or of the data set.
 */
int record_instances_begin(struct record_instances *in, struct mlproxy_session *s,
			   struct mlds_writer *writer);

/**
 * record_instances_see() - write what the instance of a record is called, if it is a new one
 * @in: those that are known
 * @s: bound session
 * @writer: data set
 * @rec: valid record
 *
 * One that is gone already stays without a name. Return: as record_instances_begin().
 */
int record_instances_see(struct record_instances *in, struct mlproxy_session *s,
			 struct mlds_writer *writer, const struct mlproxy_rec_hdr *rec);

/** record_instances_free() - free it */
void record_instances_free(struct record_instances *in);

#endif /* _MLPROXY_CLI_RECORD_INSTANCES_H */
