// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own rings take for what ours do: one program is attached at a time, to
 * the tracepoint of mlproxy_pathtest, or to the decision.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/mlproxy_bpf.h>

#define RING_BYTES	(8 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} perf SEC(".maps");

/* A record of @bytes that begins with the time. */
#define RESERVE(bytes)								\
SEC("raw_tp/mlproxy_pathtest")							\
int reserve_##bytes(struct bpf_raw_tracepoint_args *args)			\
{										\
	__u64 *rec = bpf_ringbuf_reserve(&ring, bytes, 0);			\
	int i;									\
										\
	if (!rec)								\
		return 0;							\
	rec[0] = bpf_ktime_get_ns();						\
	for (i = 1; i < bytes / 8; i++)						\
		rec[i] = i;							\
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);				\
	return 0;								\
}

RESERVE(48)
RESERVE(64)
RESERVE(256)

SEC("raw_tp/mlproxy_pathtest")
int output_64(struct bpf_raw_tracepoint_args *args)
{
	__u64 rec[8] = { bpf_ktime_get_ns(), 1, 2, 3, 4, 5, 6, 7 };

	bpf_ringbuf_output(&ring, rec, sizeof(rec), BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("raw_tp/mlproxy_pathtest")
int perf_64(struct bpf_raw_tracepoint_args *args)
{
	__u64 rec[8] = { bpf_ktime_get_ns(), 1, 2, 3, 4, 5, 6, 7 };

	bpf_perf_event_output(args, &perf, BPF_F_CURRENT_CPU, rec, sizeof(rec));
	return 0;
}

SEC("raw_tp/mlproxy_pathtest")
int empty(struct bpf_raw_tracepoint_args *args)
{
	return 0;
}

SEC("raw_tracepoint.w/" MLPROXY_BPF_TRACEPOINT)
int decide(struct bpf_raw_tracepoint_args *args)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
