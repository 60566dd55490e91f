// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy recommend: tell the kernel which action to take for a key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define RING_ENTRIES	1024
#define MAX_WORDS	5
#define DEFAULT_TTL_MS	10000

/**
 * struct batch - recommendations on their way
 * @cli: options
 * @path: -f, or NULL
 * @operands: key and action, where there is no @path
 * @s: session with a ring
 * @schema: to find actions by name
 * @confidence: where a line has none
 * @ttl_ms: where a line has none
 * @version: where a line has none
 * @queued: in the ring, not submitted
 * @accepted: by the kernel
 * @refused: by the kernel
 * @first: number of the first that is queued, for messages
 */
struct batch {
	const struct cli *cli;
	const char *path;
	char *const *operands;
	struct mlproxy_session *s;
	struct mlproxy_schema_desc *schema;
	uint64_t confidence;
	uint64_t ttl_ms;
	uint64_t version;
	unsigned int queued;
	uint64_t accepted;
	uint64_t refused;
	uint64_t first;
};

static const char *why_refused(int err)
{
	switch (-err) {
	case ERANGE:
		return "the time to live is not within 1 ms to 1 hour";
	case EDOM:
		return "there is no such action";
	default:
		return strerror(-err);
	}
}

static int submit(struct batch *batch)
{
	struct mlproxy_recommend_drain drain;
	int32_t results[RING_ENTRIES];
	int ret, i;

	while (batch->queued) {
		ret = mlproxy_submit(batch->s, &drain, results, RING_ENTRIES);
		if (ret < 0)
			return cli_fail(batch->s, ret);
		if (ret == 0)
			return cli_error("the kernel takes no recommendations");
		for (i = 0; i < ret && i < RING_ENTRIES; i++) {
			if (results[i])
				cli_error("recommendation %llu was refused: %s",
					  (unsigned long long)batch->first + i,
					  why_refused(results[i]));
		}
		batch->accepted += drain.accepted;
		batch->refused += drain.rejected;
		batch->first += ret;
		batch->queued -= ret;
	}
	return CLI_OK;
}

static int parse_action(const struct batch *batch, const char *text, uint64_t *action)
{
	int index = mlproxy_schema_action(batch->schema, text);

	if (index >= 0) {
		*action = index;
		return CLI_OK;
	}
	if (parse_u64(text, UINT16_MAX, action))
		return cli_usage(batch->cli, "'%s' is no action of %s: its name or its number, see "
				 "'mlproxy schema %s'", text, batch->schema->proxy,
				 batch->schema->proxy);
	return CLI_OK;
}

/* Words: KEY ACTION [CONFIDENCE [TTL_MS [VERSION]]] */
static int queue(struct batch *batch, char *const *words, unsigned int nr_words)
{
	uint64_t key, action, confidence = batch->confidence;
	uint64_t ttl_ms = batch->ttl_ms, version = batch->version;
	int ret;

	if (parse_u64(words[0], UINT64_MAX, &key))
		return cli_usage(batch->cli, "'%s' is no key: a number, decimal or 0x...",
				 words[0]);
	ret = parse_action(batch, words[1], &action);
	if (ret)
		return ret;
	if (nr_words > 2 && parse_u64(words[2], UINT16_MAX, &confidence))
		return cli_usage(batch->cli, "'%s' is no confidence: 0 to 65535 are", words[2]);
	if (nr_words > 3 && parse_u64(words[3], UINT32_MAX, &ttl_ms))
		return cli_usage(batch->cli, "'%s' is no time to live in ms", words[3]);
	if (nr_words > 4 && parse_u64(words[4], UINT32_MAX, &version))
		return cli_usage(batch->cli, "'%s' is no version", words[4]);
	if (batch->queued == RING_ENTRIES) {
		ret = submit(batch);
		if (ret)
			return ret;
	}
	ret = mlproxy_recommend(batch->s, key, action, confidence, ttl_ms, version);
	if (ret)
		return cli_fail(batch->s, ret);
	batch->queued++;
	return CLI_OK;
}

static unsigned int split_words(char *line, char **words)
{
	unsigned int nr = 0;
	char *rest, *word;

	line[strcspn(line, "#\n")] = '\0';
	for (word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (nr == MAX_WORDS)
			return nr + 1;
		words[nr++] = word;
	}
	return nr;
}

static int queue_file(struct batch *batch, const char *path)
{
	unsigned long long line_nr = 0;
	char *words[MAX_WORDS], *line = NULL;
	int ret = CLI_OK;
	size_t room = 0;
	FILE *file;

	file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file)
		return cli_error("cannot open %s: %s", path, strerror(errno));
	while (ret == CLI_OK && getline(&line, &room, file) >= 0) {
		unsigned int nr = split_words(line, words);

		line_nr++;
		if (nr == 0)
			continue;
		if (nr < 2 || nr > MAX_WORDS)
			ret = cli_usage(batch->cli, "%s:%llu: a line is KEY ACTION [CONFIDENCE "
					"[TTL_MS [VERSION]]]", path, line_nr);
		else
			ret = queue(batch, words, nr);
	}
	if (ret == CLI_OK && ferror(file))
		ret = cli_error("cannot read %s: %s", path, strerror(errno));
	free(line);
	if (file != stdin)
		fclose(file);
	return ret;
}

static int print_batch(const struct batch *batch)
{
	int ret = CLI_OK;

	if (batch->cli->json)
		ret = cli_print_json(json_pack("{s:s, s:o, s:o}", "proxy", batch->schema->proxy,
					       "accepted", cli_uint(batch->accepted),
					       "refused", cli_uint(batch->refused)));
	else
		printf("%s: %llu accepted, %llu refused\n", batch->schema->proxy,
		       (unsigned long long)batch->accepted, (unsigned long long)batch->refused);
	return ret == CLI_OK && batch->refused ? CLI_REFUSED : ret;
}

static int run_batch(const struct cli *cli, struct mlproxy_session *s, void *arg)
{
	struct batch *batch = arg;
	int ret;

	(void)cli;
	batch->s = s;
	ret = mlproxy_recommend_setup(batch->s, RING_ENTRIES);
	if (ret)
		return cli_fail(batch->s, ret);
	ret = mlproxy_schema_get(batch->s, &batch->schema);
	if (ret)
		return cli_fail(batch->s, ret);
	ret = batch->path ? queue_file(batch, batch->path) : queue(batch, batch->operands, 2);
	if (ret == CLI_OK)
		ret = submit(batch);
	if (ret == CLI_OK)
		ret = print_batch(batch);
	mlproxy_schema_free(batch->schema);
	return ret;
}

static int recommend(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "confidence", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'f' },
		{ "ttl", required_argument, NULL, 't' },
		{ "model-version", required_argument, NULL, 'm' },
		{ 0 }
	};
	struct batch batch = {
		.cli = cli,
		.confidence = UINT16_MAX,
		.ttl_ms = DEFAULT_TTL_MS,
		.first = 1,
	};
	int opt, ret, nr;

	while ((opt = cli_getopt(cli, argc, argv, "c:f:t:m:", options, &ret)) != -1) {
		uint64_t ttl_ns;

		if (opt == '?')
			return ret;
		if (opt == 'f')
			batch.path = optarg;
		if (opt == 'c' && parse_u64(optarg, UINT16_MAX, &batch.confidence))
			return cli_usage(cli, "'%s' is no confidence: 0 to 65535 are", optarg);
		if (opt == 'm' && parse_u64(optarg, UINT32_MAX, &batch.version))
			return cli_usage(cli, "'%s' is no version", optarg);
		if (opt != 't')
			continue;
		if (parse_ns(optarg, "ms", &ttl_ns) || ttl_ns / 1000000 > UINT32_MAX)
			return cli_usage(cli, "'%s' is no time to live: 500ms or 10s are", optarg);
		batch.ttl_ms = ttl_ns / 1000000;
	}
	nr = batch.path ? 1 : 3;
	ret = cli_check_operands(cli, argc, argv, nr, nr);
	if (ret)
		return ret;
	batch.operands = argv + optind + 1;
	return cli_run(cli, argv[optind], CLI_ADVISE, run_batch, &batch);
}

const struct cli_verb verb_recommend = {
	.name = "recommend",
	.fn = recommend,
	.summary = "recommend an action for a key, for some time",
	.synopsis = "PROXY {KEY ACTION | -f FILE} [-t TTL] [-c CONFIDENCE] [-m VERSION]",
	.help = "A decision about the key takes the action, if it is legal there and while the\n"
		"recommendation is fresh, in the share of operations that the mode allows. KEY\n"
		"is what the proxy says an entity is (an inode number, say), ACTION a name or\n"
		"number out of 'mlproxy schema'.\n"
		"\n"
		"  -f, --file=FILE      take them from FILE (- for the standard input), a line\n"
		"                       each: KEY ACTION [CONFIDENCE [TTL_MS [VERSION]]]\n"
		"  -t, --ttl=TIME       time to live, up to 1h; ms without a unit; default 10s\n"
		"  -c, --confidence=N   0 to 65535, default 65535\n"
		"  -m, --model-version=N  batch number, shown in decision records; default 0\n"
		"\n"
		"Example: action 3 for the entity 42 during a minute\n"
		"  mlproxy recommend synth 42 3 -t 1m\n",
};
