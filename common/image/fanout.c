// fanout.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/fanout.h"

enum { PIECE = 256 * 1024, PIECES = 16 };

struct worker {
	struct fanout *fanout;
	struct fanout_consumer consumer;
	pthread_t thread;
	size_t taken; // pieces it is done with
};

struct fanout {
	char *ring;             // PIECES pieces; number i lies at i % PIECES
	size_t lengths[PIECES]; // of each piece handed over
	size_t filled;          // bytes in the piece that is being filled: the producer's own
	size_t given;           // pieces handed over
	bool ended;
	struct err error; // of the first consumer that failed
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker workers[FANOUT_CONSUMERS_MAX];
	size_t count;
};

static char *piece(const struct fanout *f, size_t number)
{
	return f->ring + number % PIECES * PIECE;
}

// Waits for the next piece. False at the end of the stream.
static bool next_piece(struct worker *w)
{
	struct fanout *f = w->fanout;
	pthread_mutex_lock(&f->lock);
	while (w->taken == f->given && !f->ended)
		pthread_cond_wait(&f->changed, &f->lock);
	bool more = w->taken < f->given;
	pthread_mutex_unlock(&f->lock);
	return more;
}

static void *work(void *worker)
{
	struct worker *w = worker;
	struct fanout *f = w->fanout;
	bool failed = false;
	while (next_piece(w)) {
		struct err e = { 0 };
		if (!failed)
			failed = w->consumer.take(w->consumer.context, piece(f, w->taken), f->lengths[w->taken % PIECES], &e) < 0;
		pthread_mutex_lock(&f->lock);
		w->taken++;
		if (e.status && !f->error.status)
			f->error = e;
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

static int start_thread(struct worker *w)
{
	sigset_t most, before;
	sigfillset(&most);
	sigdelset(&most, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &most, &before);
	int error = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct fanout *fanout_start(const struct fanout_consumer *consumers, size_t count, struct err *e)
{
	struct fanout *f = mem_alloc(sizeof *f);
	f->ring = mem_alloc((size_t)PIECES * PIECE);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	for (; f->count < count; f->count++) {
		struct worker *w = &f->workers[f->count];
		*w = (struct worker){ .fanout = f, .consumer = consumers[f->count] };
		errno = start_thread(w);
		if (errno) {
			err_system(e, "cannot start a thread");
			fanout_finish(f, &(struct err){ 0 });
			return NULL;
		}
	}
	return f;
}

static size_t slowest(const struct fanout *f)
{
	size_t least = f->given;
	for (size_t i = 0; i < f->count; i++)
		if (f->workers[i].taken < least)
			least = f->workers[i].taken;
	return least;
}

// Hands the piece that was filled to the workers and waits until the next one is free.
static int hand_over(struct fanout *f, struct err *e)
{
	pthread_mutex_lock(&f->lock);
	f->lengths[f->given % PIECES] = f->filled;
	f->given++;
	f->filled = 0;
	pthread_cond_broadcast(&f->changed);
	while (f->given - slowest(f) >= PIECES)
		pthread_cond_wait(&f->changed, &f->lock);
	int failed = f->error.status != STATUS_OK;
	if (failed)
		*e = f->error;
	pthread_mutex_unlock(&f->lock);
	return failed ? -1 : 0;
}

void *fanout_room(struct fanout *f, size_t *length)
{
	*length = PIECE - f->filled;
	return piece(f, f->given) + f->filled;
}

int fanout_add(struct fanout *f, const void *data, size_t length, struct err *e)
{
	while (length) {
		size_t room;
		char *to = fanout_room(f, &room);
		size_t n = length < room ? length : room;
		if (data != to)
			memcpy(to, data, n);
		data = (const char *)data + n;
		length -= n;
		f->filled += n;
		if (f->filled == PIECE && hand_over(f, e) < 0)
			return -1;
	}
	return 0;
}

int fanout_cut(struct fanout *f, struct err *e)
{
	return f->filled ? hand_over(f, e) : 0;
}

int fanout_finish(struct fanout *f, struct err *e)
{
	int failed = fanout_cut(f, e);
	pthread_mutex_lock(&f->lock);
	f->ended = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	for (size_t i = 0; i < f->count; i++)
		pthread_join(f->workers[i].thread, NULL);
	if (f->error.status) {
		*e = f->error;
		failed = -1;
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f->ring);
	free(f);
	return failed;
}
