/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of core_cost show to one another. */
#ifndef BENCH_CORE_COST_H
#define BENCH_CORE_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <mlproxy/mlproxy.h>

/**
 * struct path_times - instructions of each call of a run
 * @call: of a call
 * @outcome: of the outcome of a decision
 */
struct path_times {
	double call;
	double outcome;
};

/* path.c: calls in the kernel. Failures end the program. */
void die(const char *what) __attribute__((noreturn));
void check(struct mlproxy_session *s, int ret, const char *what);
struct mlproxy_session *session(const char *proxy);
uint64_t now_ns(void);
void path_run(const char *proxy, const char *what, unsigned int n, unsigned long arg,
	      struct path_times *t);
void path_mark(bool on);

/* peers.c: the kernel's own rings. */
void peers_open(void);
void peer_attach(const char *program);
void peer_detach(void);
double peer_call(const char *program);
double peer_consume(void);

/* fake.c: our reader on plain memory, and callbacks that do nothing with a record, or with many. */
int nothing(const struct mlproxy_rec_hdr *rec, unsigned int cpu, uint64_t lost, void *ctx);
int nothing_of_many(const struct mlproxy_record_ref *records, unsigned int nr, void *ctx);
double consume_fake(unsigned int nr_rings, bool batch);

#endif /* BENCH_CORE_COST_H */
