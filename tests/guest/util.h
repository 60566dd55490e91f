/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest programs share: raw ioctls of /dev/mlproxy, a ring reader that
 * accounts for every record, and the knobs of the test modules.
 *
 * Nothing here uses libmlproxy: these tests judge the ABI itself.
 */
#ifndef _TESTS_GUEST_UTIL_H
#define _TESTS_GUEST_UTIL_H

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/mlproxy.h>
#include <linux/mlproxy_model.h>

#include "ktap.h"

#define DEVICE "/dev/mlproxy"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SYSFS_DIR "/sys/class/misc/mlproxy/"

/* Every call returns 0 or more, or a negative errno. */
int dev_open(int flags);		/* ASSERTs success */
int dev_bound(const char *proxy);	/* O_RDWR and bound; ASSERTs success */
int xioctl(int fd, unsigned long cmd, void *arg);
int dev_bind(int fd, const char *proxy);
int dev_control(int fd, uint32_t op);
int dev_set_mode(int fd, uint32_t mode);
int dev_set_param(int fd, uint32_t param, uint32_t index, uint64_t value);
int dev_model_ctl(int fd, uint32_t op, uint32_t version);
int dev_model_load(int fd, const void *data, uint32_t len, struct mlproxy_model_load *out);
uint32_t dev_state(int fd, const char *proxy);
void dev_stats(int fd, struct mlproxy_stats *stats);
void dev_fresh(int fd);			/* stopped, re-initialised */

/* Loops are shorter on a debug kernel. */
bool on_debug_kernel(void);
static inline unsigned long scaled(unsigned long n)
{
	return on_debug_kernel() ? n / 10 : n;
}

unsigned int nr_cpus(void);		/* possible */
bool cpu_online(unsigned int cpu);	/* one of the first 64 */
void pin_to(unsigned int cpu);
uint64_t now_ns(void);
void sleep_ms(unsigned int ms);

/* Files with one value; 0 or -errno. */
int file_write(const char *path, const char *text);
int file_read(const char *path, char *buf, size_t size);
uint64_t file_u64(const char *path);

/* mlproxy_synth */
int synth_run(unsigned int n);

/*
 * mlproxy_ctxtest: N decisions of the proxy "ctx-<unit>" on each CPU of a mask, in
 * a context: task, irqoff, softirq, hardirq, nmi, mixed. Fails if the module saw
 * an illegal decision.
 */
int ctx_run(const char *unit, const char *context, unsigned int n, uint64_t cpu_mask);
int ctx_set(const char *param, long long value);
long long ctx_get(const char *param);
uint64_t online_mask(void);	/* of the first 64 */
/* A decision record of its proxies, which have two features. */
#define CTX_REC_BYTES (sizeof(struct mlproxy_rec_decision) + 2 * sizeof(__s64))
/* The same in a helper process, to be waited for by ktap_join() or load_running(). */
pid_t load_start(const char *unit, const char *context, unsigned int n,
		 uint64_t cpu_mask);
bool load_running(pid_t *pid);	/* at its end takes the verdict over, *pid is 0 */

/**
 * struct ring - one mapped dataset ring and what was seen on it
 * @cons: consumer page
 * @prod: producer page
 * @data: data, twice in a row
 * @size: bytes of data
 * @pos: own position
 * @seq: last sequence number, 0 at the start
 * @seen: records seen
 * @gaps: records missing between them
 * @last_ns: time of the last record
 */
struct ring {
	volatile struct mlproxy_ring_page *cons;
	const volatile struct mlproxy_ring_page *prod;
	const uint8_t *data;
	uint64_t size;
	uint64_t pos;
	uint64_t seq;
	uint64_t seen;
	uint64_t gaps;
	uint64_t last_ns;
};

int ring_setup(int fd, uint32_t data_bytes, uint32_t watermark, uint32_t timeout_us,
	       uint32_t type_mask, struct mlproxy_ring_setup *setup);
int ring_map(int fd, const struct mlproxy_ring_setup *setup, unsigned int cpu,
	     struct ring *ring);
int ring_stats(int fd, unsigned int cpu, struct mlproxy_ring_stats *stats);

typedef void (*record_fn)(const struct mlproxy_rec_hdr *rec, void *arg);

/* Check one record's header and account for it; shared by mmap and read(). */
void ring_account(struct ring *ring, const struct mlproxy_rec_hdr *rec);
/* Take at most @max records (0: all there are). Return how many. */
unsigned int ring_consume(struct ring *ring, unsigned int max, record_fn fn, void *arg);
/* All published records are seen, lost, or both counted: asserts it. */
void ring_check(int fd, unsigned int cpu, const struct ring *ring);
/* Take what read() gives now into the rings' accounts. Return bytes or -errno. */
ssize_t read_consume(int fd, struct ring *rings, unsigned int *cpu_of_record, void *buf,
		     size_t size, record_fn fn, void *arg);

/**
 * struct recs - a mapped recommendation ring
 */
struct recs {
	volatile struct mlproxy_ring_page *prod;
	struct mlproxy_recommendation *entries;
	const volatile struct mlproxy_ring_page *cons;
	const volatile int32_t *results;
	uint32_t nr;
	struct mlproxy_recommend_setup setup;
};

int recs_map(int fd, uint32_t entries, struct recs *recs);
int recs_drain(int fd, uint32_t max, struct mlproxy_recommend_drain *out);
/* One recommendation, put in and drained: its result. Of version 7, unless told. */
int recommend(int fd, struct recs *recs, uint64_t key, uint32_t action, uint32_t ttl_ms);
int recommend_version(int fd, struct recs *recs, uint64_t key, uint32_t action,
		      uint32_t ttl_ms, uint32_t version);

/*
 * A model file for @fd's proxy whose score of each action is constant: it always
 * prefers @best. To be freed.
 */
void *model_constant(int fd, unsigned int best, uint32_t *len);

#endif /* _TESTS_GUEST_UTIL_H */
