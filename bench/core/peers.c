// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's own rings, by libbpf: what a record costs there, and its reader. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core_cost.h"

#define RUNS		20000
#define PERF_PAGES	1024

static struct bpf_object *object;
static struct bpf_link *link;
static struct ring_buffer *ring;
static struct perf_buffer *perf;

static int on_record(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void on_sample(void *ctx, int cpu, void *data, __u32 size)
{
	(void)ctx;
	(void)cpu;
	(void)data;
	(void)size;
}

void peers_open(void)
{
	const char *path = getenv("PEERS");

	object = bpf_object__open(path ? path : "peers.bpf.o");
	if (!object || bpf_object__load(object))
		die("load the eBPF programs");
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), on_record, NULL,
				NULL);
	perf = perf_buffer__new(bpf_object__find_map_fd_by_name(object, "perf"), PERF_PAGES,
				on_sample, NULL, NULL, NULL);
	if (!ring || !perf)
		die("set up the kernel's rings");
}

void peer_attach(const char *program)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(object, program);

	link = prog ? bpf_program__attach(prog) : NULL;
	if (!link)
		die(program);
}

void peer_detach(void)
{
	bpf_link__destroy(link);
	link = NULL;
}

static double call(unsigned int n)
{
	struct path_times t, loop;

	path_run("path", "loop", RUNS, 0, &loop);
	path_run("path", "peer", n, 0, &t);
	return t.call - loop.call;
}

double peer_call(const char *program)
{
	double ns;

	peer_attach(program);
	/* Once to have all of the ring mapped and read, once to measure. */
	call(RUNS);
	ring_buffer__consume(ring);
	perf_buffer__consume(perf);
	ns = call(RUNS);
	peer_detach();
	ring_buffer__consume(ring);
	perf_buffer__consume(perf);
	return ns;
}

double peer_consume(void)
{
	uint64_t since;
	int n, round;

	peer_attach("reserve_64");
	for (round = 0; round < 8; round++) {
		call(RUNS);
		since = now_ns();
		n = ring_buffer__consume(ring);
		since = now_ns() - since;
		if (n != RUNS)
			die("records of the BPF ring are missing");
	}
	peer_detach();
	return (double)since / n;
}
