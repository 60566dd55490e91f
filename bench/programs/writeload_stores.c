// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs of writeload that are stores: a log-structured merge tree's files without its data, and
 * SQLite itself, on many databases.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>
#include <unistd.h>

#include "writeload.h"

#define VARIANTS	4

/* --- lsm: a write-ahead log, tables of level 0, levels of sorted tables that are merged --- */

#define LEVELS		4
#define MAX_TABLES	8192
#define KEYS		(1ull << 32)

struct table {
	uint32_t id;
	uint64_t low, high;	/* keys */
	uint64_t bytes;
};

struct level {
	struct table *tables;
	uint32_t nr;
	uint64_t bytes, from;	/* the key that the next merge begins at */
};

struct lsm {
	const struct lsm_set {
		uint32_t memory, table, ratio, sync_percent;
	} *set;
	struct level levels[LEVELS];
	uint32_t next, log;
	uint64_t log_bytes;
};

static const struct lsm_set lsm_sets[VARIANTS] = {
	{ 1 << 20, 512 << 10, 5, 5 }, { 512 << 10, 256 << 10, 8, 20 },
	{ 2 << 20, 1 << 20, 4, 0 }, { 1 << 20, 256 << 10, 6, 10 },
};

static void table_name(char *name, size_t size, uint32_t id)
{
	snprintf(name, size, "%u.sst", id);
}

static void add_table(struct job *job, struct level *level, uint64_t low, uint64_t high,
		      uint64_t bytes)
{
	struct lsm *s = job->state;
	struct table t = { s->next++, low, high, bytes };
	char name[32];
	uint32_t i;

	if (level->nr == MAX_TABLES)
		fail("lsm: too many tables");
	table_name(name, sizeof(name), t.id);
	put_file(job, name, bytes, true);
	for (i = level->nr; i > 0 && level->tables[i - 1].low > low; i--)
		level->tables[i] = level->tables[i - 1];
	level->tables[i] = t;
	level->nr++;
	level->bytes += bytes;
	job->alive += bytes;
}

static void drop_table(struct job *job, struct level *level, uint32_t which)
{
	char name[32];

	table_name(name, sizeof(name), level->tables[which].id);
	unlink_file(name);
	job->alive -= level->tables[which].bytes;
	level->bytes -= level->tables[which].bytes;
	level->nr--;
	memmove(level->tables + which, level->tables + which + 1,
		(level->nr - which) * sizeof(*level->tables));
}

static bool overlaps(const struct table *t, uint64_t low, uint64_t high)
{
	return t->low < high && t->high > low;
}

/* What keys from @low to @high take at most, all of them being there once. */
static uint64_t full(const struct job *job, uint64_t low, uint64_t high)
{
	return (high - low) / 4096 * (job->target / 4096) / (KEYS >> 24);
}

/* Reads what lies in a range of two levels, writes it once into the lower one. */
static void merge(struct job *job, unsigned int to, uint64_t low, uint64_t high)
{
	struct lsm *s = job->state;
	uint64_t bytes = 0, most, piece, from = low;
	struct table doomed[64];
	unsigned int nr = 0;
	char name[32];

	for (unsigned int l = to - 1; l <= to; l++) {
		struct level *level = &s->levels[l];

		for (uint32_t i = 0; i < level->nr && nr < 64; i++) {
			if (!overlaps(&level->tables[i], low, high))
				continue;
			table_name(name, sizeof(name), level->tables[i].id);
			read_all(name);
			bytes += level->tables[i].bytes;
			doomed[nr++] = level->tables[i];
		}
	}
	most = full(job, low, high);
	if (bytes > most && most)
		bytes = most;
	bytes = bytes / BLOCK * BLOCK;
	while (bytes) {
		piece = bytes < s->set->table * 3ull / 2 ? bytes : s->set->table;
		add_table(job, &s->levels[to], from, from + (high - from) * piece / bytes, piece);
		from += (high - from) * piece / bytes;
		bytes -= piece;
	}
	for (unsigned int d = 0; d < nr; d++)
		for (unsigned int l = to - 1; l <= to; l++)
			for (uint32_t i = 0; i < s->levels[l].nr; i++)
				if (s->levels[l].tables[i].id == doomed[d].id)
					drop_table(job, &s->levels[l], i--);
}

/* A range that holds every table it touches, of the level below. */
static void widen(const struct level *level, uint64_t *low, uint64_t *high)
{
	for (uint32_t i = 0; i < level->nr; i++) {
		if (!overlaps(&level->tables[i], *low, *high))
			continue;
		if (level->tables[i].low < *low)
			*low = level->tables[i].low;
		if (level->tables[i].high > *high)
			*high = level->tables[i].high;
	}
}

static void compact(struct job *job)
{
	struct lsm *s = job->state;
	uint64_t limit = 4ull * s->set->memory;

	if (s->levels[0].nr >= 4)
		merge(job, 1, 0, KEYS);
	for (unsigned int l = 1; l < LEVELS - 1; l++, limit *= s->set->ratio) {
		struct level *level = &s->levels[l];
		uint64_t low, high;
		uint32_t i;

		while (level->nr && level->bytes > limit) {
			for (i = 0; i < level->nr - 1; i++)
				if (level->tables[i].low >= level->from)
					break;
			low = level->tables[i].low;
			high = level->tables[i].high;
			level->from = i == level->nr - 1 ? 0 : high;
			widen(&s->levels[l + 1], &low, &high);
			widen(level, &low, &high);
			widen(&s->levels[l + 1], &low, &high);
			merge(job, l + 1, low, high);
		}
	}
}

static void lsm_flush(struct job *job)
{
	struct lsm *s = job->state;
	char name[32];

	add_table(job, &s->levels[0], 0, KEYS, s->set->memory);
	snprintf(name, sizeof(name), "%u.log", s->log++);
	unlink_file(name);
	job->alive -= s->log_bytes;
	s->log_bytes = 0;
	compact(job);
}

static void lsm_step(struct job *job)
{
	struct lsm *s = job->state;
	uint64_t bytes = (1 + draw(job, 16)) * BLOCK;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%u.log", s->log);
	fd = create(name, 0);
	put(job, fd, s->log_bytes, bytes);
	if (chance(job, s->set->sync_percent))
		sync_file(fd);
	close(fd);
	s->log_bytes += bytes;
	job->alive += bytes;
	if (s->log_bytes >= s->set->memory)
		lsm_flush(job);
}

static void lsm_fill(struct job *job)
{
	struct lsm *s = job->state = zalloc(sizeof(*s));
	uint64_t tables, i, below;

	s->set = &lsm_sets[job->variant % VARIANTS];
	for (unsigned int l = 0; l < LEVELS; l++)
		s->levels[l].tables = zalloc(MAX_TABLES * sizeof(struct table));
	/* a tenth for the levels above, what a merge holds twice, and the log */
	below = job->target * 9 / 10;
	tables = below / s->set->table;
	job->target = below;
	for (i = 0; i < tables; i++)
		add_table(job, &s->levels[LEVELS - 1], KEYS * i / tables, KEYS * (i + 1) / tables,
			  s->set->table);
}

const struct job_kind lsm_kind = { "lsm", lsm_fill, lsm_step };

/* --- sqlite: many databases, some with a write-ahead log, some with a rollback journal --- */

struct base {
	sqlite3 *db;
	sqlite3_stmt *update, *insert, *remove;
	uint64_t rows;
};

struct databases {
	const struct sqlite_set {
		unsigned int nr, wal_percent, row, most_rows, skew;
	} *set;
	struct base *bases;
};

static const struct sqlite_set sqlite_sets[VARIANTS] = {
	{ 24, 50, 300, 6, 2 }, { 8, 100, 1000, 2, 3 }, { 40, 0, 150, 12, 2 }, { 16, 70, 500, 4, 2 },
};

static void query(sqlite3 *db, const char *sql)
{
	char *message;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail("sqlite: %s: %s", sql, message);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail("sqlite: %s: %s", sql, sqlite3_errmsg(db));
	return statement;
}

static void change(sqlite3_stmt *statement, uint64_t key, int bytes)
{
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
	if (bytes)
		sqlite3_bind_zeroblob(statement, 2, bytes);
	if (sqlite3_step(statement) != SQLITE_DONE)
		fail("sqlite: %s", sqlite3_errmsg(sqlite3_db_handle(statement)));
	sqlite3_reset(statement);
}

static void open_base(struct job *job, struct base *b, unsigned int n)
{
	struct databases *s = job->state;
	char name[32];

	snprintf(name, sizeof(name), "%u.sqlite", n);
	if (sqlite3_open(name, &b->db) != SQLITE_OK)
		fail("sqlite: cannot open %s", name);
	query(b->db, "PRAGMA page_size=4096; PRAGMA cache_size=200");
	query(b->db, n * 100 < s->set->nr * s->set->wal_percent ?
	      "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=200" :
	      "PRAGMA journal_mode=DELETE");
	query(b->db, "PRAGMA synchronous=NORMAL; CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)");
	b->update = prepare(b->db, "UPDATE t SET v = ?2 WHERE k = ?1");
	b->insert = prepare(b->db, "INSERT OR REPLACE INTO t VALUES (?1, ?2)");
	b->remove = prepare(b->db, "DELETE FROM t WHERE k = ?1");
}

/* Since this was last asked. */
static uint64_t pages_written(sqlite3 *db)
{
	int now = 0, most;

	sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &now, &most, 1);
	return (uint64_t)now;
}

static void sqlite_fill(struct job *job)
{
	struct databases *s = job->state = zalloc(sizeof(*s));
	uint64_t each, rows;

	s->set = &sqlite_sets[job->variant % VARIANTS];
	s->bases = zalloc(s->set->nr * sizeof(*s->bases));
	/* logs of up to 200 pages beside them */
	each = job->target / s->set->nr - 200 * BLOCK * s->set->wal_percent / 100;
	rows = each / BLOCK * (4080 / (s->set->row + 12u));
	for (unsigned int n = 0; n < s->set->nr; n++) {
		struct base *b = &s->bases[n];

		open_base(job, b, n);
		query(b->db, "BEGIN");
		for (b->rows = 0; b->rows < rows; b->rows++) {
			change(b->insert, b->rows, (int)s->set->row);
			if (b->rows % 2000 == 1999)
				query(b->db, "COMMIT; BEGIN");
		}
		query(b->db, "COMMIT");
		pages_written(b->db);
	}
	job->alive = job->target;
}

static void sqlite_step(struct job *job)
{
	struct databases *s = job->state;
	struct base *b = &s->bases[draw_skewed(job, s->set->nr, 2)];
	unsigned int rows = 1 + (unsigned int)draw(job, s->set->most_rows), i;
	uint64_t start, key;

	query(b->db, "BEGIN IMMEDIATE");
	for (i = 0; i < rows; i++) {
		key = draw_skewed(job, b->rows, s->set->skew) * 1000003 % b->rows;
		if (chance(job, 10)) {
			change(b->remove, key, 0);
			change(b->insert, key, (int)s->set->row);
		} else {
			change(b->update, key, (int)s->set->row);
		}
	}
	start = now_ns();
	query(b->db, "COMMIT");
	start = now_ns() - start;
	/* each page in its place, and once in the log or the journal */
	account(job, 2ull * pages_written(b->db) * BLOCK, start);
}

const struct job_kind sqlite_kind = { "sqlite", sqlite_fill, sqlite_step };
