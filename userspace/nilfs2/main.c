// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy-nilfs2: a cleaner for NILFS2, in place of nilfs_cleanerd.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "common/parse.h"
#include "peer.h"

#define SUSPEND_EVERY_MS	60000
#define DAY			(24 * 3600)

struct options {
	struct cleaner *c;
	uint64_t low, high, once;
	bool resume;
};

static volatile int stopped, asked;

static void note(int signal)
{
	if (signal == SIGUSR1)
		asked = 1;
	else
		stopped = 1;
}

static void usage(FILE *out)
{
	fprintf(out,
"usage: mlproxy-nilfs2 [OPTION]... DIRECTORY\n"
"\n"
"Cleans the NILFS2 file system that is mounted at DIRECTORY, and keeps nilfs_cleanerd suspended\n"
"meanwhile. Runs until SIGINT or SIGTERM; SIGUSR1 has it say what it did so far.\n"
"\n"
"  --policy NAME      which segments first: timestamp, greedy, cost-benefit or lifetime\n"
"                     (greedy)\n"
"  --order NAME       of blocks that are copied: disk, age or life (disk)\n"
"  --protect SECONDS  checkpoints of so many seconds are kept (3600); snapshots always are\n"
"  --low PERCENT      clean when less than this part of the segments is clean (10)\n"
"  --high PERCENT     until this part is (20)\n"
"  --most N           segments in one call, 1 to 32 (8)\n"
"  --interval MS      between calls (1000)\n"
"  --least PERCENT    of a segment that cleaning it must give (10)\n"
"  --once N           clean up to N segments now, whatever is clean, and leave\n"
"  --resume           resume nilfs_cleanerd if a cleaner that was killed had suspended it\n"
"  --verbose          a line for each call\n"
"  --help\n");
}

static int number(const char *name, const char *text, uint64_t least, uint64_t most,
		  uint64_t *value)
{
	if (!parse_u64(text, most, value) && *value >= least)
		return 0;
	fprintf(stderr, "--%s wants a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"\n",
		name, least, most, text);
	return -EINVAL;
}

static int set_policy(struct options *o, const char *name)
{
	o->c->decider.policy = policy_find(name);
	if (o->c->decider.policy)
		return 0;
	fprintf(stderr, "there is no policy \"%s\"\n", name);
	return -EINVAL;
}

static int set_order(struct options *o, const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_ORDERS; i++) {
		if (!strcmp(order_names[i], name)) {
			o->c->order = i;
			return 0;
		}
	}
	fprintf(stderr, "there is no order \"%s\"\n", name);
	return -EINVAL;
}

static const struct option long_options[] = {
	{ "policy", required_argument, NULL, 'p' },
	{ "order", required_argument, NULL, 'o' },
	{ "protect", required_argument, NULL, 't' },
	{ "low", required_argument, NULL, 'l' },
	{ "high", required_argument, NULL, 'u' },
	{ "most", required_argument, NULL, 'm' },
	{ "interval", required_argument, NULL, 'i' },
	{ "least", required_argument, NULL, 'e' },
	{ "once", required_argument, NULL, 'n' },
	{ "resume", no_argument, NULL, 'r' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int one_option(struct options *o, int opt)
{
	struct cleaner *c = o->c;
	uint64_t v;
	int ret;

	switch (opt) {
	case 'p':
		return set_policy(o, optarg);
	case 'o':
		return set_order(o, optarg);
	case 't':
		return number("protect", optarg, 0, 36500ULL * DAY, &c->protect_seconds);
	case 'l':
		return number("low", optarg, 0, 100, &o->low);
	case 'u':
		return number("high", optarg, 0, 100, &o->high);
	case 'm':
		ret = number("most", optarg, 1, CLEAN_MOST, &v);
		c->limits.most = ret ? 0 : v;
		return ret;
	case 'i':
		ret = number("interval", optarg, 10, 3600 * 1000, &v);
		c->limits.interval_ms = ret ? 0 : v;
		return ret;
	case 'e':
		ret = number("least", optarg, 1, 100, &v);
		c->min_reclaimable = ret ? 0 : v;
		return ret;
	case 'n':
		return number("once", optarg, 1, UINT32_MAX, &o->once);
	case 'r':
		o->resume = true;
		return 0;
	case 'v':
		c->verbose = true;
		return 0;
	case 'h':
		usage(stdout);
		exit(0);
	}
	return -EINVAL;
}

static int read_options(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		if (one_option(o, opt))
			return -EINVAL;
	if (o->high < o->low) {
		fprintf(stderr, "--high is below --low\n");
		return -EINVAL;
	}
	if (optind != argc - 1) {
		usage(stderr);
		return -EINVAL;
	}
	return 0;
}

static sigset_t signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	return set;
}

/* A signal that comes just before the wait ends it as well. */
static void wait_ms(uint32_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	sigset_t set = signals(), open;

	sigprocmask(SIG_BLOCK, &set, &open);
	if (!stopped && !asked)
		pselect(0, NULL, NULL, NULL, &t, &open);
	sigprocmask(SIG_SETMASK, &open, NULL);
}

static void print_totals(const struct cleaner *c)
{
	printf("calls=%" PRIu64 " segments=%" PRIu64 " copied=%" PRIu64 " freed=%" PRIu64
	       " emergencies=%" PRIu64 "\n", c->totals.calls, c->totals.segments,
	       c->totals.copied, c->totals.freed, c->totals.emergencies);
	fflush(stdout);
}

static int run(struct cleaner *c)
{
	uint32_t wait = 0, since = 0;
	int ret;

	while (!stopped) {
		ret = clean_step(c, &wait);
		if (ret)
			return ret;
		fflush(stdout);
		wait_ms(wait);
		if (asked) {
			asked = 0;
			print_totals(c);
		}
		/* a mount may have brought one */
		since += wait + 1;
		if (since >= SUSPEND_EVERY_MS) {
			peer_suspend(&c->fs, &c->lock);
			since = 0;
		}
	}
	return 0;
}

static int run_once(struct cleaner *c, uint64_t segments)
{
	int ret;

	while (segments && !stopped) {
		ret = clean_now(c, segments < c->limits.most ? segments : c->limits.most);
		if (ret <= 0)
			return ret;
		segments -= ret;
		fflush(stdout);
	}
	return 0;
}

static void set_signals(void)
{
	const struct sigaction act = { .sa_handler = note };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
}

static int work(struct options *o, const char *dir)
{
	struct cleaner *c = o->c;
	sigset_t set = signals();
	int ret;

	set_signals();
	ret = fs_open(&c->fs, dir);
	if (ret)
		return ret;
	ret = lock_open(&c->lock, &c->fs);
	if (ret)
		goto out_fs;
	if (o->resume)
		goto out_resume;
	pace_limits_init(&c->limits, c->fs.nr_segments, c->fs.reserved, o->low, o->high);
	peer_suspend(&c->fs, &c->lock);
	ret = o->once ? run_once(c, o->once) : run(c);
	print_totals(c);
	clean_free(c);
out_resume:
	/* a second signal must not keep it from that */
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (peer_resume(&c->fs, &c->lock) && !ret)
		ret = -EIO;
	lock_close(&c->lock);
out_fs:
	fs_close(&c->fs);
	return ret;
}

int main(int argc, char **argv)
{
	static struct cleaner c = {
		.limits = { .most = 8, .interval_ms = 1000, .check_ms = 5000 },
		.decider.policy = &policies[POLICY_GREEDY],
		.protect_seconds = 3600,
		.min_reclaimable = 10,
		.stop = &stopped,
	};
	struct options o = { .c = &c, .low = 10, .high = 20 };

	if (read_options(&o, argc, argv))
		return 2;
	return work(&o, argv[optind]) ? 1 : 0;
}
