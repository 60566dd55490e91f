// SPDX-License-Identifier: GPL-2.0-only
/*
 * A helper of independence.sh, not a test: an agent that reads a proxy's records and
 * sends heartbeats, in ways that depend on the very file system the proxy decides
 * about.
 *
 *	dependent PROXY beat TIMEOUT_MS		map the rings, take records, beat
 *	dependent PROXY dirty FILE ROUNDS	copy records into a mapping of FILE, and
 *						write them to it out of the ring
 *	dependent PROXY read FILE ROUNDS	read() records into a mapping of FILE, and
 *						take counters into it
 *
 * Says "ready" once it is set up. Each round of the last two forces the pages out and
 * drops them, so that the next one faults and dirties them again.
 *
 * guest-test: helper
 */
#include "util.h"

#define FILE_BYTES (1U << 20)

static void beat(int fd, uint32_t timeout_ms)
{
	struct mlproxy_heartbeat hb = { .size = sizeof(hb), .timeout_ms = timeout_ms };

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_HEARTBEAT, &hb), 0);
}

static void ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

static unsigned int map_rings(int fd, struct ring *rings)
{
	struct mlproxy_ring_setup setup;
	unsigned int cpu;

	ASSERT_RET(ring_setup(fd, 64 << 10, 0, 0, 0, &setup), 0);
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		ASSERT_RET(ring_map(fd, &setup, cpu, &rings[cpu]), 0);
	return nr_cpus();
}

static void agent(int fd, uint32_t timeout_ms)
{
	struct ring rings[32];
	unsigned int cpu, nr = map_rings(fd, rings);

	beat(fd, timeout_ms);
	ready();
	for (;;) {
		beat(fd, timeout_ms);
		for (cpu = 0; cpu < nr; cpu++)
			ring_consume(&rings[cpu], 0, NULL, NULL);
		sleep_ms(timeout_ms / 8);
	}
}

static uint8_t *map_file(const char *path, int *file)
{
	uint8_t *map;

	*file = open(path, O_RDWR | O_CREAT, 0600);
	ASSERT(*file >= 0);
	ASSERT(!ftruncate(*file, FILE_BYTES));
	map = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
	ASSERT(map != MAP_FAILED);
	return map;
}

/* The next round begins with nothing of the file in memory. */
static void force_out(int file, uint8_t *map)
{
	ASSERT(!msync(map, FILE_BYTES, MS_SYNC));
	ASSERT(!madvise(map, FILE_BYTES, MADV_DONTNEED));
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

struct copy {
	uint8_t *map;
	int file;
	uint64_t records;
};

static void copy_record(const struct mlproxy_rec_hdr *rec, void *arg)
{
	struct copy *c = arg;
	size_t at = c->records++ * 4096 % (FILE_BYTES / 2);

	memcpy(c->map + at, rec, rec->len);
	/* The kernel reads the ring's page to fill the file's. */
	ASSERT_EQ(pwrite(c->file, rec, rec->len, FILE_BYTES / 2 + at), rec->len);
}

static void dirty(int fd, const char *path, unsigned int rounds)
{
	struct ring rings[32];
	unsigned int cpu, nr = map_rings(fd, rings);
	struct copy c = { .map = map_file(path, &c.file) };

	ready();
	while (rounds--) {
		uint64_t before = c.records;

		while (c.records == before) {
			for (cpu = 0; cpu < nr; cpu++)
				ring_consume(&rings[cpu], 64, copy_record, &c);
			sleep_ms(1);
		}
		force_out(c.file, c.map);
	}
	printf("copied %llu records\n", (unsigned long long)c.records);
}

static void read_into(int fd, const char *path, unsigned int rounds)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_stats *stats;
	uint64_t bytes = 0;
	ssize_t len;
	uint8_t *map;
	int file;

	map = map_file(path, &file);
	stats = (void *)map;
	ASSERT_RET(ring_setup(fd, 64 << 10, 0, 0, 0, &setup), 0);
	ready();
	while (rounds--) {
		len = read(fd, map + 4096, FILE_BYTES - 4096);
		ASSERT(len > 0, "(read() %zd, errno %d)", len, errno);
		bytes += len;
		stats->size = sizeof(*stats);
		stats->flags = 0;
		ASSERT_RET(xioctl(fd, MLPROXY_IOC_STATS, stats), 0);
		force_out(file, map);
	}
	printf("read %llu bytes\n", (unsigned long long)bytes);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 4) {
		fprintf(stderr, "usage: %s PROXY beat MS | dirty FILE ROUNDS | read FILE ROUNDS\n",
			argv[0]);
		return 2;
	}
	fd = dev_bound(argv[1]);
	if (!strcmp(argv[2], "beat"))
		agent(fd, atoi(argv[3]));
	else if (!strcmp(argv[2], "dirty") && argc == 5)
		dirty(fd, argv[3], atoi(argv[4]));
	else if (!strcmp(argv[2], "read") && argc == 5)
		read_into(fd, argv[3], atoi(argv[4]));
	else
		return 2;
	return ktap_status();
}
