// feed.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "image/feed.h"

enum { INPUTS = 4, SLOTS = 8, SLOT_BYTES = 256 << 10 };

struct slot {
	char *data;
	ssize_t length;     // 0 at the end, -1 after an error
	atomic_int readers; // who still uses it: the hasher and the caller
};

// Bytes as they came, on their way from the reader to the filler.
struct input {
	struct {
		char *data;
		ssize_t length; // as of a slot
	} slots[INPUTS];
	sem_t empty, full; // counts of them
	unsigned next;     // the one the filler is at, or takes next
	ssize_t at;        // bytes of it that it took
	bool holding;
	struct err error; // of the reader, when a slot says -1
};

struct feed {
	int fd;
	int wake; // an eventfd that ends the reader's wait for input; -1 for a regular file, which never waits
	atomic_bool stopping;
	const struct codec_limits *limits;
	struct input input;
	struct slot slots[SLOTS];
	char *memory;
	sem_t empty, to_hash, to_read; // counts of slots
	pthread_t reader, filler, hasher;
	bool reading, filling, hashing; // these threads run
	struct hash *source_hash, *archive_hash;
	struct err error; // of the filler, when a slot says -1
	unsigned next;    // slot the caller takes next
	bool holding;     // the caller uses the slot before it
	bool ended;
};

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

// ---- the reader: source and first hash ----

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

// A slot is hashed while the filler uses it already.
static void *read_on(void *context)
{
	struct feed *f = context;
	struct input *in = &f->input;
	ssize_t length = 1;
	for (unsigned i = 0; length > 0; i++) {
		wait_for(&in->empty);
		if (f->stopping)
			break;
		char *data = in->slots[i % INPUTS].data;
		length = read_input(f, data, SLOT_BYTES, &in->error);
		in->slots[i % INPUTS].length = length;
		sem_post(&in->full);
		if (length > 0)
			hash_add(f->source_hash, data, (size_t)length);
	}
	return NULL;
}

// ---- the filler: decompressor ----

static ssize_t take_input(void *context, void *data, size_t length, struct err *e)
{
	struct feed *f = context;
	struct input *in = &f->input;
	if (!in->holding)
		wait_for(&in->full);
	if (f->stopping)
		return err_set(e, STATUS_SYSTEM, "stopped");
	in->holding = true;
	ssize_t left = in->slots[in->next % INPUTS].length - in->at;
	if (left < 0)
		*e = in->error;
	if (left <= 0) // the end, which stays
		return left;
	ssize_t n = left < (ssize_t)length ? left : (ssize_t)length;
	memcpy(data, in->slots[in->next % INPUTS].data + in->at, (size_t)n);
	in->at += n;
	if (n == left) {
		in->next++;
		in->at = 0;
		in->holding = false;
		sem_post(&in->empty);
	}
	return n;
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
	struct codec_reader *codec = codec_open(take_input, f, f->limits, &f->error);
	for (unsigned i = 0; !i || length > 0; i++) {
		struct slot *slot = &f->slots[i % SLOTS];
		wait_for(&f->empty);
		if (f->stopping)
			break;
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
	f->memory = mem_alloc((size_t)(SLOTS + INPUTS) * SLOT_BYTES);
	for (int i = 0; i < SLOTS; i++)
		f->slots[i].data = f->memory + (size_t)i * SLOT_BYTES;
	for (int i = 0; i < INPUTS; i++)
		f->input.slots[i].data = f->memory + (size_t)(SLOTS + i) * SLOT_BYTES;
	sem_init(&f->input.empty, 0, INPUTS);
	sem_init(&f->input.full, 0, 0);
	f->source_hash = hash_start(DIGEST_SHA256);
	f->archive_hash = hash_start(archive);
	sem_init(&f->empty, 0, SLOTS);
	sem_init(&f->to_hash, 0, 0);
	sem_init(&f->to_read, 0, 0);
	f->hashing = start_thread(&f->hasher, hash, f);
	f->filling = f->hashing && start_thread(&f->filler, fill, f);
	f->reading = f->filling && start_thread(&f->reader, read_on, f);
	if (f->reading)
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
	pthread_join(f->reader, NULL);
	pthread_join(f->hasher, NULL);
	f->reading = f->hashing = false;
	hash_finish(f->source_hash, digests->source);
	hash_finish(f->archive_hash, digests->archive);
	f->source_hash = f->archive_hash = NULL;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	f->stopping = true;
	sem_post(&f->input.empty);
	sem_post(&f->input.full);
	sem_post(&f->empty);
	sem_post(&f->to_hash);
	if (f->wake >= 0)
		eventfd_write(f->wake, 1);
	if (f->reading)
		pthread_join(f->reader, NULL);
	if (f->filling)
		pthread_join(f->filler, NULL);
	if (f->hashing)
		pthread_join(f->hasher, NULL);
	if (f->wake >= 0)
		close(f->wake);
	hash_free(f->source_hash);
	hash_free(f->archive_hash);
	sem_destroy(&f->input.empty);
	sem_destroy(&f->input.full);
	sem_destroy(&f->empty);
	sem_destroy(&f->to_hash);
	sem_destroy(&f->to_read);
	free(f->memory);
	free(f);
}
