// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon; see daemon.h. What is not there yet, a device or a proxy, is waited for:
 * the device's directory is watched, proxies are asked for every second.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"

#include "daemon.h"
#include "device_watch.h"
#include "exit_codes.h"
#include "log.h"
#include "loop.h"
#include "service.h"

#define MAX_WAIT_MS	1000
#define DISCOVER_NS	1000000000ULL
/* After the learners' descriptors, those of signals, worker and device. */
#define NR_OTHER_FDS	3

/**
 * struct daemon - the whole of it
 * @path: of the configuration
 * @config: configuration
 * @learners: one a proxy, room for CONFIG_MAX_PROXIES
 * @nr_learners: how many
 * @worker: trains and saves
 * @device: watch for the device
 * @signals: signalfd
 * @next_discover_ns: when to look for more proxies
 * @no_device: why the device can't be asked for proxies, to be told once
 * @once: leave after a refit of each proxy
 * @leave: a signal asked for it
 */
struct daemon {
	const char *path;
	struct agent_config config;
	struct learner *learners;
	unsigned int nr_learners;
	struct worker *worker;
	struct device_watch device;
	int signals;
	uint64_t next_discover_ns;
	char no_device[300];
	bool once;
	bool leave;
};

static const char *device_of(const struct daemon *d)
{
	return *d->config.device ? d->config.device : NULL;
}

/* ------------------------------------------------------------------ */
/* Learners                                                            */

static struct learner *find_learner(struct daemon *d, const char *name)
{
	unsigned int i;

	for (i = 0; i < d->nr_learners; i++)
		if (!strcmp(d->learners[i].config.name, name))
			return &d->learners[i];
	return NULL;
}

/* @p is NULL for one that is none of ours. */
static void add_learner(struct daemon *d, const struct proxy_config *p, const char *name)
{
	struct proxy_config own;

	if (!p || d->nr_learners == CONFIG_MAX_PROXIES || find_learner(d, name))
		return;
	own = *p;
	snprintf(own.name, sizeof(own.name), "%s", name);
	learner_init(&d->learners[d->nr_learners++], &own, &d->config, d->worker);
}

static void say_no_device(struct daemon *d, const char *text)
{
	if (strcmp(text, d->no_device))
		log_say(LOG_WARNING, NULL, "%s; waiting for it", text);
	snprintf(d->no_device, sizeof(d->no_device), "%s", text);
}

/* The configuration is about any proxy: which are there? */
static int discover(struct daemon *d)
{
	struct mlproxy_list_entry *entries = NULL;
	struct mlproxy_session *s;
	unsigned int nr = 0, i;
	int err;

	d->next_discover_ns = clock_ns_now() + DISCOVER_NS;
	/* Not kept open: it would keep the module from being unloaded. */
	err = mlproxy_open(&s, device_of(d), MLPROXY_OPEN_RDONLY);
	if (err) {
		say_no_device(d, mlproxy_errmsg(NULL));
		return err;
	}
	d->no_device[0] = '\0';
	err = mlproxy_get_list(s, &entries, &nr);
	mlproxy_close(s);
	for (i = 0; i < nr; i++)
		add_learner(d, config_find(&d->config, entries[i].name), entries[i].name);
	free(entries);
	return err;
}

static void start_learners(struct daemon *d)
{
	unsigned int i;

	d->nr_learners = 0;
	d->next_discover_ns = 0;
	d->no_device[0] = '\0';
	for (i = 0; i < d->config.nr_proxies; i++)
		add_learner(d, &d->config.proxy[i], d->config.proxy[i].name);
}

/* Saves; the kernel is told that nothing more is to be expected. */
static void stop_learners(struct daemon *d)
{
	unsigned int i;

	worker_stop(d->worker);
	for (i = 0; i < d->nr_learners; i++)
		learner_close(&d->learners[i]);
	d->nr_learners = 0;
}

static struct worker *new_worker(const struct agent_config *config)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err = w ? worker_start(w, config->nice) : -ENOMEM;

	if (!err)
		return w;
	log_say(LOG_ERR, NULL, "can't start the training thread: %s", strerror(-err));
	free(w);
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Configuration                                                       */

static int load_config(struct agent_config *config, const char *path)
{
	char error[1600];
	int err = config_load(config, path, error, sizeof(error));

	if (err)
		log_say(LOG_ERR, NULL, "%s", error);
	return err;
}

/* A configuration that is wrong changes nothing, nor does one without a thread for it. */
static void reload(struct daemon *d)
{
	struct agent_config config = { 0 };
	struct worker *worker = NULL;

	service_reloading();
	if (!load_config(&config, d->path))
		worker = new_worker(&config);
	if (!worker) {
		config_free(&config);
		log_say(LOG_WARNING, NULL, "the old configuration stays");
		service_ready();
		return;
	}
	/* What is known of the present ones can't be changed without privileges. */
	strcpy(config.user, d->config.user);
	stop_learners(d);
	free(d->worker);
	d->worker = worker;
	config_free(&d->config);
	d->config = config;
	device_watch_close(&d->device);
	device_watch_open(&d->device, device_of(d) ? device_of(d) : MLPROXY_DEFAULT_DEVICE);
	start_learners(d);
	log_say(LOG_INFO, NULL, "configuration read again");
	service_ready();
}

/* ------------------------------------------------------------------ */
/* Loop                                                                */

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;
	bool again = false;

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			again = true;
		else
			d->leave = true;
	}
	if (again && !d->leave)
		reload(d);
}

static int wait_ms(const struct daemon *d)
{
	uint32_t ms = MAX_WAIT_MS, watchdog = service_watchdog_ms(), one;
	unsigned int i;

	for (i = 0; i < d->nr_learners; i++) {
		one = learner_wait_ms(&d->learners[i]);
		if (one < ms)
			ms = one;
	}
	return watchdog && watchdog < ms ? watchdog : ms;
}

static void wait_for_something(struct daemon *d)
{
	struct pollfd fds[CONFIG_MAX_PROXIES + NR_OTHER_FDS];
	unsigned int i, n = d->nr_learners;

	for (i = 0; i < n; i++) {
		const struct learner *ln = &d->learners[i];

		fds[i].fd = ln->s && !ln->failed ? mlproxy_fd(ln->s) : -1;
		fds[i].events = POLLIN;
	}
	fds[n] = (struct pollfd){ .fd = d->signals, .events = POLLIN };
	fds[n + 1] = (struct pollfd){ .fd = d->worker->event, .events = POLLIN };
	fds[n + 2] = (struct pollfd){ .fd = d->device.fd, .events = POLLIN };
	if (poll(fds, n + NR_OTHER_FDS, wait_ms(d)) < 0 && errno != EINTR)
		log_say(LOG_ERR, NULL, "poll: %s", strerror(errno));
}

static bool all_fitted(const struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_learners; i++)
		if (!d->learners[i].fitted || d->learners[i].busy)
			return false;
	return d->nr_learners;
}

/* Why there is less to do than the operator may think. */
static const char *what_is_missing(const struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_learners; i++)
		if (*d->learners[i].open_error)
			return d->learners[i].open_error;
	if (*d->no_device)
		return d->no_device;
	return d->nr_learners ? NULL : "no proxy is loaded";
}

static void tell_status(const struct daemon *d)
{
	static uint64_t next_ns;
	uint64_t now_ns = clock_ns_now(), rows = 0, swaps = 0;
	const char *missing = what_is_missing(d);
	unsigned int bound = 0, i;

	service_alive();
	if (now_ns < next_ns)
		return;
	next_ns = now_ns + d->config.status_ms * 1000000ULL;
	for (i = 0; i < d->nr_learners; i++) {
		bound += d->learners[i].s != NULL;
		rows += d->learners[i].state.rows;
		swaps += d->learners[i].state.swaps;
	}
	service_status("%u of %u proxies, %llu outcomes, %llu models taken into use%s%s", bound,
		       d->nr_learners, (unsigned long long)rows, (unsigned long long)swaps,
		       missing ? "; waiting: " : "", missing ? missing : "");
}

static void look_for_more(struct daemon *d)
{
	bool changed = device_watch_event(&d->device);
	unsigned int i;

	for (i = 0; changed && i < d->nr_learners; i++)
		learner_retry(&d->learners[i]);
	if (d->config.any && (changed || clock_ns_now() >= d->next_discover_ns))
		discover(d);
}

static void run_loop(struct daemon *d)
{
	unsigned int i;

	while (!d->leave) {
		wait_for_something(d);
		take_signals(d);
		look_for_more(d);
		for (i = 0; i < d->nr_learners; i++)
			learner_step(&d->learners[i]);
		worker_reap(d->worker);
		tell_status(d);
		if (d->once && all_fitted(d))
			break;
	}
}

/* ------------------------------------------------------------------ */
/* Start                                                               */

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

/* What waiting does not mend. A permission may come, with udev's rule. */
static int hopeless(int err)
{
	switch (err) {
	case -ENOTTY:
		return EXIT_NO_DEVICE;
	case -EPROTO:
		return EXIT_REFUSED;
	case -EBUSY:
		return EXIT_BUSY;
	default:
		return EXIT_OK;
	}
}

static int open_learners(struct daemon *d)
{
	unsigned int i;
	int code = EXIT_OK;

	if (d->config.any)
		code = hopeless(discover(d));
	for (i = 0; i < d->nr_learners && !code; i++)
		code = hopeless(learner_open(&d->learners[i]));
	return code;
}

/*
 * Before the device is opened, which would otherwise be with the rights of root, and
 * before there is a second thread, whose privileges would be its own.
 */
static int become_user(const struct agent_config *c)
{
	int err = service_own_dir(c->state_dir, c->user);

	if (err) {
		log_say(LOG_ERR, NULL, "can't use %s for user \"%s\": %s; see state_dir and user",
			c->state_dir, c->user, strerror(-err));
		return err;
	}
	err = service_drop_privileges(c->user);
	if (err)
		log_say(LOG_ERR, NULL, "can't become user \"%s\": %s", c->user, strerror(-err));
	return err;
}

int daemon_run(const char *path, struct agent_config *config, bool once)
{
	struct daemon d = { .path = path, .config = *config, .once = once, .signals = -1,
			    .device.fd = -1 };
	int code = EXIT_FAILED;

	memset(config, 0, sizeof(*config));
	d.learners = calloc(CONFIG_MAX_PROXIES, sizeof(*d.learners));
	if (!d.learners || become_user(&d.config) || block_signals(&d))
		goto out;
	device_watch_open(&d.device, device_of(&d) ? device_of(&d) : MLPROXY_DEFAULT_DEVICE);
	d.worker = new_worker(&d.config);
	if (!d.worker)
		goto out;
	start_learners(&d);
	code = open_learners(&d);
	if (!code) {
		service_ready();
		run_loop(&d);
		service_stopping();
	}
	stop_learners(&d);
out:
	device_watch_close(&d.device);
	if (d.signals >= 0)
		close(d.signals);
	free(d.worker);
	free(d.learners);
	config_free(&d.config);
	return code;
}
