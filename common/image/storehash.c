// storehash.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "image/storehash.h"

struct crew {
	const struct storehash *what;
	atomic_size_t next;
	pthread_mutex_t lock; // of progress and reports
	struct progress progress;
};

// Reading is cut into chunks so that progress moves.
static int hash_blob(struct crew *c, int fd, char digest[static DIGEST_TEXT_MAX])
{
	ssize_t n;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	struct hash *h = hash_start(DIGEST_SHA256);
	while ((n = io_read_full(fd, chunk, IO_CHUNK)) > 0) {
		hash_add(h, chunk, (size_t)n);
		pthread_mutex_lock(&c->lock);
		progress_add(&c->progress, n);
		pthread_mutex_unlock(&c->lock);
	}
	int saved = errno;
	hash_finish(h, digest);
	errno = saved;
	return n < 0 ? -1 : 0;
}

static void check_blob(struct crew *c, const char *hex)
{
	struct err e = { 0 };
	char found[DIGEST_TEXT_MAX];
	mem_auto char *digest = mem_format("sha256:%s", hex);
	io_auto int fd = store_open_blob(c->what->store, digest, NULL, &e);
	if (fd >= 0 && hash_blob(c, fd, found) < 0)
		err_system(&e, "blob %s: cannot read", digest);
	if (e.status == STATUS_NOT_FOUND || (!e.status && !strcmp(found, digest)))
		return;
	pthread_mutex_lock(&c->lock);
	c->what->report(c->what->context, digest, e.status ? NULL : found, &e);
	pthread_mutex_unlock(&c->lock);
}

static void *work(void *crew)
{
	struct crew *c = crew;
	for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->what->blobs->count;)
		check_blob(c, c->what->blobs->items[i]);
	return NULL;
}

void storehash(const struct storehash *what)
{
	struct crew c = { .what = what };
	pthread_t threads[STOREHASH_JOBS_MAX];
	char unused[DIGEST_TEXT_MAX];
	int64_t started = 0;
	hash_bytes(DIGEST_SHA256, "", 0, unused); // loads what the threads then share
	pthread_mutex_init(&c.lock, NULL);
	progress_start(&c.progress, what->label, -1);
	while (started + 1 < what->jobs && !pthread_create(&threads[started], NULL, work, &c))
		started++;
	work(&c);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	progress_end(&c.progress);
	pthread_mutex_destroy(&c.lock);
}
