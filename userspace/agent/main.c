// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxyd: the agent that keeps learning. Options, signals and the one loop over
 * all proxies; see mlproxyd(8).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "log.h"
#include "loop.h"
#include "service.h"

/* Exit codes, documented in mlproxyd(8); the first ones as of the mlproxy tool. */
enum {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NO_DEVICE,
	EXIT_REFUSED,
	EXIT_CONFIG,
};

#define MAX_WAIT_MS	1000

/**
 * struct daemon - the whole of it
 * @path: of the configuration
 * @config: configuration
 * @proxies: an agent for each proxy
 * @worker: trains and saves
 * @signals: signalfd
 * @once: leave after a refit of each proxy
 * @leave: a signal asked for it
 */
struct daemon {
	const char *path;
	struct agent_config config;
	struct learner *proxies;
	struct worker worker;
	int signals;
	bool once;
	bool leave;
};

static const char usage_text[] =
	"usage: mlproxyd [-c FILE] [-f] [-v] [--once] [--check-config]\n"
	"\n"
	"Keeps the models of kernel proxies learning: see mlproxyd(8).\n"
	"\n"
	"  -c, --config=FILE   configuration, default " CONFIG_DEFAULT_PATH "\n"
	"  -f, --foreground    plain messages on stderr, even under systemd\n"
	"  -v, --verbose       say more\n"
	"      --once          leave after one refit of each proxy\n"
	"      --check-config  read the configuration and leave\n"
	"  -h, --help          this text\n"
	"  -V, --version       version\n";

static int load_config(struct agent_config *config, const char *path)
{
	char error[1200];
	int err = config_load(config, path, error, sizeof(error));

	if (err)
		log_say(LOG_ERR, NULL, "%s", error);
	return err;
}

static void start_proxies(struct daemon *d)
{
	unsigned int i;

	d->proxies = calloc(d->config.nr_proxies, sizeof(*d->proxies));
	if (!d->proxies)
		abort();
	for (i = 0; i < d->config.nr_proxies; i++)
		learner_init(&d->proxies[i], &d->config.proxy[i], &d->config, &d->worker);
}

/* Saves; the kernel is told that nothing more is to be expected. */
static void stop_proxies(struct daemon *d)
{
	unsigned int i;

	worker_stop(&d->worker);
	for (i = 0; i < d->config.nr_proxies; i++)
		learner_close(&d->proxies[i]);
	free(d->proxies);
	d->proxies = NULL;
}

static int start_worker(struct daemon *d)
{
	int err = worker_start(&d->worker, d->config.nice);

	if (err)
		log_say(LOG_ERR, NULL, "can't start the training thread: %s", strerror(-err));
	return err;
}

/* A configuration that is wrong changes nothing. */
static int reload(struct daemon *d)
{
	struct agent_config config;

	service_reloading();
	if (load_config(&config, d->path)) {
		log_say(LOG_WARNING, NULL, "the old configuration stays");
		service_ready();
		return 0;
	}
	/* What is known of the present one can't be changed without its privileges. */
	strcpy(config.user, d->config.user);
	stop_proxies(d);
	config_free(&d->config);
	d->config = config;
	if (start_worker(d))
		return -1;
	start_proxies(d);
	log_say(LOG_INFO, NULL, "configuration read again");
	service_ready();
	return 0;
}

static int take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;
	bool again = false;

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			again = true;
		else
			d->leave = true;
	}
	return again && !d->leave ? reload(d) : 0;
}

static int wait_ms(const struct daemon *d)
{
	uint32_t ms = MAX_WAIT_MS, watchdog = service_watchdog_ms(), one;
	unsigned int i;

	for (i = 0; i < d->config.nr_proxies; i++) {
		one = learner_wait_ms(&d->proxies[i]);
		if (one < ms)
			ms = one;
	}
	return watchdog && watchdog < ms ? watchdog : ms;
}

static void wait_for_something(struct daemon *d)
{
	struct pollfd fds[CONFIG_MAX_PROXIES + 2] = {
		{ .fd = d->signals, .events = POLLIN },
		{ .fd = d->worker.event, .events = POLLIN },
	};
	unsigned int i;

	for (i = 0; i < d->config.nr_proxies; i++) {
		const struct learner *ln = &d->proxies[i];

		fds[i + 2].fd = ln->s && !ln->failed ? mlproxy_fd(ln->s) : -1;
		fds[i + 2].events = POLLIN;
	}
	if (poll(fds, d->config.nr_proxies + 2, wait_ms(d)) < 0 && errno != EINTR)
		log_say(LOG_ERR, NULL, "poll: %s", strerror(errno));
}

static bool all_fitted(const struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < d->config.nr_proxies; i++)
		if (!d->proxies[i].fitted || d->proxies[i].busy)
			return false;
	return true;
}

static void tell_status(const struct daemon *d)
{
	static uint64_t next_ns;
	uint64_t now_ns = clock_ns_now(), rows = 0, swaps = 0;
	unsigned int bound = 0, i;

	service_alive();
	if (now_ns < next_ns)
		return;
	next_ns = now_ns + d->config.status_ms * 1000000ULL;
	for (i = 0; i < d->config.nr_proxies; i++) {
		bound += d->proxies[i].s != NULL;
		rows += d->proxies[i].state.rows;
		swaps += d->proxies[i].state.swaps;
	}
	service_status("%u of %u proxies, %llu outcomes, %llu models taken into use", bound,
		       d->config.nr_proxies, (unsigned long long)rows, (unsigned long long)swaps);
}

static int run_loop(struct daemon *d)
{
	unsigned int i;

	while (!d->leave) {
		wait_for_something(d);
		if (take_signals(d))
			return EXIT_FAILED;
		for (i = 0; i < d->config.nr_proxies; i++)
			learner_step(&d->proxies[i]);
		worker_reap(&d->worker);
		tell_status(d);
		if (d->once && all_fitted(d))
			break;
	}
	return EXIT_OK;
}

static int block_signals(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return d->signals < 0 ? -errno : 0;
}

/* What will not be better at the next attempt. */
static int hopeless(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
	case -ENOTTY:
		return EXIT_NO_DEVICE;
	case -EPROTO:
		return EXIT_REFUSED;
	default:
		return EXIT_OK;
	}
}

static int open_proxies(struct daemon *d)
{
	unsigned int i;
	int code = EXIT_OK;

	for (i = 0; i < d->config.nr_proxies && !code; i++)
		code = hopeless(learner_open(&d->proxies[i]));
	return code;
}

static int run(struct daemon *d)
{
	int err, code;

	err = service_own_dir(d->config.state_dir, d->config.user);
	if (err) {
		log_say(LOG_ERR, NULL, "can't use %s for user \"%s\": %s; see state_dir and user",
			d->config.state_dir, d->config.user, strerror(-err));
		return EXIT_FAILED;
	}
	if (block_signals(d))
		return EXIT_FAILED;
	start_proxies(d);
	code = open_proxies(d);
	/* Before there is a second thread, whose privileges would be its own. */
	err = code ? 0 : service_drop_privileges(d->config.user);
	if (err) {
		log_say(LOG_ERR, NULL, "can't become user \"%s\": %s", d->config.user,
			strerror(-err));
		code = EXIT_FAILED;
	}
	if (!code && start_worker(d))
		code = EXIT_FAILED;
	if (!code) {
		service_ready();
		code = run_loop(d);
		service_stopping();
	}
	stop_proxies(d);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "once", no_argument, NULL, 'o' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct daemon d = { .path = CONFIG_DEFAULT_PATH, .signals = -1 };
	bool foreground = false, verbose = false, check = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "c:fvhV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			d.path = optarg;
			break;
		case 'f':
			foreground = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'o':
			d.once = true;
			break;
		case 'k':
			check = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_OK;
		case 'V':
			printf("mlproxyd %s\n", mlproxy_version());
			return EXIT_OK;
		default:
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	log_setup(!foreground && service_under_journal(), verbose);
	if (load_config(&d.config, d.path))
		return EXIT_CONFIG;
	code = check ? EXIT_OK : run(&d);
	config_free(&d.config);
	return code;
}
