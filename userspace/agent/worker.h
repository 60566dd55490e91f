/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one thread that trains and writes to the disk, so that the loop, which reads
 * the rings and sends heartbeats, never waits for either. Jobs run one after the
 * other, each on data of its own; libtorch and libhdf5 are used only here while it
 * runs.
 */
#ifndef MLPROXYD_WORKER_H
#define MLPROXYD_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct work - a job
 * @run: in the worker thread
 * @done: in the loop's thread, after it; owns the job from then on
 * @next: in the queue
 */
struct work {
	void (*run)(struct work *work);
	void (*done)(struct work *work);
	struct work *next;
};

/**
 * struct worker - the thread
 * @thread: it
 * @started: it runs
 * @lock: of the queues
 * @wake: there is something to do
 * @todo: jobs to run, oldest first
 * @finished: jobs whose done() is due
 * @stop: leave after the job that runs; jobs look at it, too
 * @nice: of the thread
 * @event: eventfd, readable when a job has finished
 */
struct worker {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct work *todo;
	struct work *finished;
	volatile bool stop;
	int nice;
	int event;
};

/** worker_start() - start the thread; 0 or a negative errno */
int worker_start(struct worker *w, int nice);

/** worker_add() - add a job to the queue; it must stay until its done() */
void worker_add(struct worker *w, struct work *work);

/** worker_reap() - call done() of what has finished, in the loop's thread */
void worker_reap(struct worker *w);

/** worker_stop() - cancel what runs, drop what waits, end the thread; reaps all */
void worker_stop(struct worker *w);

#endif /* MLPROXYD_WORKER_H */
