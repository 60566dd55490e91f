/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An array that grows. What is in it keeps its place until the next vec_add().
 */
#ifndef MLPROXY_NILFS2_VEC_H
#define MLPROXY_NILFS2_VEC_H

#include <stdlib.h>

#define VEC(type)	struct { type *at; size_t nr, room; }

/* vec_add() - room for one more element; its address, or NULL without memory */
#define vec_add(v)							\
	(vec_grow((void **)&(v)->at, (v)->nr, &(v)->room, sizeof(*(v)->at)) ?	\
		NULL : &(v)->at[(v)->nr++])

#define vec_free(v)	(free((v)->at), (v)->at = NULL, (v)->nr = (v)->room = 0)

static inline int vec_grow(void **at, size_t nr, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *p;

	if (nr < *room)
		return 0;
	p = reallocarray(*at, more, size);
	if (!p)
		return -1;
	*at = p;
	*room = more;
	return 0;
}

#endif /* MLPROXY_NILFS2_VEC_H */
