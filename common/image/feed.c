// feed.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "image/feed.h"

enum { SLOTS = 8, SLOT_BYTES = 256 << 10 };

struct slot {
	char *data;
	ssize_t length;     // 0 at the end, -1 after an error
	atomic_int readers; // who still uses it: the hasher and the caller
};

struct feed {
	int fd;
	int wake; // an eventfd that ends the filler's wait for input; -1 for a regular file, which never waits
	atomic_bool stopping;
	const struct codec_limits *limits;
	struct slot slots[SLOTS];
	char *memory;
	sem_t empty, to_hash, to_read; // counts of slots
	pthread_t filler, hasher;
	bool filling, hashing; // these threads run
	struct hash *source_hash, *archive_hash;
	struct err error; // of the filler, when a slot says -1
	unsigned next;    // slot the caller takes next
	bool holding;     // the caller uses the slot before it
	bool ended;
};

// ---- the filler: source, first hash, decompressor ----

static ssize_t read_input(struct feed *f, void *data, size_t length, struct err *e)
{
	struct pollfd waits[] = { { .fd = f->fd, .events = POLLIN }, { .fd = f->wake, .events = POLLIN } };
	if (f->wake >= 0 && poll(waits, ARRAY_LENGTH(waits), -1) < 0 && errno != EINTR)
		return err_system(e, "cannot wait for input");
	if (f->stopping)
		return err_set(e, STATUS_SYSTEM, "stopped");
	ssize_t n;
	do
		n = read(f->fd, data, length);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_system(e, "cannot read") : n;
}

static ssize_t hashed_input(void *context, void *data, size_t length, struct err *e)
{
	struct feed *f = context;
	ssize_t n = read_input(f, data, length, e);
	if (n > 0)
		hash_add(f->source_hash, data, (size_t)n);
	return n;
}

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

// A slot is filled whole, so that few blocks lie across two.
static ssize_t fill_slot(struct codec_reader *codec, char *data, struct err *e)
{
	ssize_t filled = 0, n = 1;
	while (filled < SLOT_BYTES && n > 0) {
		n = codec_read(codec, data + filled, (size_t)(SLOT_BYTES - filled), e);
		filled += n > 0 ? n : 0;
	}
	return n < 0 ? -1 : filled;
}

static void hand_on(struct feed *f, struct slot *slot, ssize_t length)
{
	slot->length = length;
	atomic_store(&slot->readers, 2);
	sem_post(&f->to_hash);
	sem_post(&f->to_read);
}

static void *fill(void *context)
{
	struct feed *f = context;
	ssize_t length = -1;
	struct codec_reader *codec = codec_open(hashed_input, f, f->limits, &f->error);
	for (unsigned i = 0; (!i || length > 0) && !f->stopping; i++) {
		struct slot *slot = &f->slots[i % SLOTS];
		wait_for(&f->empty);
		length = codec ? fill_slot(codec, slot->data, &f->error) : -1;
		hand_on(f, slot, length);
	}
	codec_close(codec);
	return NULL;
}

// ---- the hasher ----

static void let_go(struct feed *f, struct slot *slot)
{
	if (atomic_fetch_sub(&slot->readers, 1) == 1)
		sem_post(&f->empty);
}

static void *hash(void *context)
{
	struct feed *f = context;
	ssize_t length = 1;
	for (unsigned i = 0; length > 0; i++) {
		struct slot *slot = &f->slots[i % SLOTS];
		wait_for(&f->to_hash);
		if (f->stopping)
			break;
		length = slot->length;
		if (length > 0)
			hash_add(f->archive_hash, slot->data, (size_t)length);
		let_go(f, slot);
	}
	return NULL;
}

// ---- the caller ----

// Signals are the caller's: they shall wake it, not these.
static bool start_thread(pthread_t *thread, void *(*work)(void *), struct feed *f)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bool started = pthread_create(thread, NULL, work, f) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

struct feed *feed_start(int fd, const struct codec_limits *limits, enum digest_algorithm archive, struct err *e)
{
	struct stat st;
	struct feed *f = mem_alloc(sizeof *f);
	f->fd = fd;
	f->wake = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? -1 : eventfd(0, EFD_CLOEXEC);
	f->limits = limits;
	f->memory = mem_alloc((size_t)SLOTS * SLOT_BYTES);
	for (int i = 0; i < SLOTS; i++)
		f->slots[i].data = f->memory + (size_t)i * SLOT_BYTES;
	f->source_hash = hash_start(DIGEST_SHA256);
	f->archive_hash = hash_start(archive);
	sem_init(&f->empty, 0, SLOTS);
	sem_init(&f->to_hash, 0, 0);
	sem_init(&f->to_read, 0, 0);
	f->hashing = start_thread(&f->hasher, hash, f);
	f->filling = f->hashing && start_thread(&f->filler, fill, f);
	if (f->filling)
		return f;
	err_set(e, STATUS_SYSTEM, "cannot start a thread");
	feed_free(f);
	return NULL;
}

ssize_t feed_pieces(void *context, const char **data, struct err *e)
{
	struct feed *f = context;
	if (f->ended)
		return 0;
	if (f->holding)
		let_go(f, &f->slots[(f->next - 1) % SLOTS]);
	f->holding = false;
	while (sem_wait(&f->to_read) < 0)
		if (interrupt_check(e) < 0)
			return -1;
	struct slot *slot = &f->slots[f->next++ % SLOTS];
	f->holding = true;
	f->ended = slot->length <= 0;
	*data = slot->data;
	if (slot->length < 0)
		*e = f->error;
	return slot->length;
}

void feed_digests(struct feed *f, struct feed_digests *digests)
{
	pthread_join(f->hasher, NULL);
	f->hashing = false;
	hash_finish(f->source_hash, digests->source);
	hash_finish(f->archive_hash, digests->archive);
	f->source_hash = f->archive_hash = NULL;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	f->stopping = true;
	sem_post(&f->empty);
	sem_post(&f->to_hash);
	if (f->wake >= 0)
		eventfd_write(f->wake, 1);
	if (f->filling)
		pthread_join(f->filler, NULL);
	if (f->hashing)
		pthread_join(f->hasher, NULL);
	if (f->wake >= 0)
		close(f->wake);
	hash_free(f->source_hash);
	hash_free(f->archive_hash);
	sem_destroy(&f->empty);
	sem_destroy(&f->to_hash);
	sem_destroy(&f->to_read);
	free(f->memory);
	free(f);
}
