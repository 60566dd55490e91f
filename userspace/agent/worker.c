// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker thread; see worker.h.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker.h"

static void append(struct work **list, struct work *work)
{
	while (*list)
		list = &(*list)->next;
	work->next = NULL;
	*list = work;
}

static struct work *take_first(struct work **list)
{
	struct work *work = *list;

	if (work)
		*list = work->next;
	return work;
}

static void *work_on(void *arg)
{
	const struct sched_param batch = { 0 };
	struct worker *w = arg;

	/* On Linux both are of the calling thread; a refusal costs no more than time. */
	sched_setscheduler(0, SCHED_BATCH, &batch);
	if (setpriority(PRIO_PROCESS, 0, w->nice))
		errno = 0;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct work *work;
		uint64_t one = 1;

		while (!w->todo && !w->stop)
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->stop)
			break;
		work = take_first(&w->todo);
		pthread_mutex_unlock(&w->lock);
		work->run(work);
		pthread_mutex_lock(&w->lock);
		append(&w->finished, work);
		if (write(w->event, &one, sizeof(one)) < 0)
			errno = 0;	/* the counter is not 0, then: that does */
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int worker_start(struct worker *w, int nice)
{
	sigset_t all, before;
	int err;

	memset(w, 0, sizeof(*w));
	w->nice = nice;
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event < 0)
		return -errno;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, work_on, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		close(w->event);
		return -err;
	}
	w->started = true;
	return 0;
}

void worker_add(struct worker *w, struct work *work)
{
	pthread_mutex_lock(&w->lock);
	append(&w->todo, work);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void worker_reap(struct worker *w)
{
	struct work *work;
	uint64_t count;

	if (read(w->event, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	for (;;) {
		pthread_mutex_lock(&w->lock);
		work = take_first(&w->finished);
		pthread_mutex_unlock(&w->lock);
		if (!work)
			return;
		work->done(work);
	}
}

void worker_stop(struct worker *w)
{
	struct work *work;

	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->started = false;
	/* Those that never ran have nothing to show, but must be freed, too. */
	while ((work = take_first(&w->todo)))
		append(&w->finished, work);
	while ((work = take_first(&w->finished)))
		work->done(work);
	close(w->event);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
}
