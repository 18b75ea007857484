// pushblobs.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "image/pushblobs.h"
#include "image/uploadnote.h"
#include "net/http.h"
#include "oci/sourceregistry.h"

struct item {
	struct descriptor d;
	enum target_how how;
};

struct crew {
	struct push *push;
	struct item *items;
	size_t count;
	pthread_mutex_t source_lock; // a place on this machine is read by one thread at a time
	pthread_mutex_t lock;        // guards the rest
	size_t next;
	struct progress progress;
	struct err failed;
};

struct opening { // what target_blob.open is called with
	struct crew *crew;
	const struct item *item;
};

// ---- the bytes of one blob ----

struct spool {
	int fd;
	struct hash *hash;
	int64_t size;
};

static int to_spool(void *context, const void *data, size_t length, struct err *e)
{
	struct spool *s = context;
	hash_add(s->hash, data, length);
	s->size += (int64_t)length;
	return io_write_all(s->fd, data, length) < 0 ? err_system(e, "cannot write a temporary file") : 0;
}

// From the place the image came from to a nameless file, and only if it is what it should be.
static int spool_blob(struct source *from, const struct descriptor *d, struct err *e)
{
	enum digest_algorithm algorithm;
	char found[DIGEST_TEXT_MAX];
	digest_valid(d->digest, &algorithm, NULL);
	struct spool s = { .fd = io_spool(e), .hash = hash_start(algorithm) };
	int result = s.fd < 0 ? -1 : source_blob(from, d, 0, to_spool, &s, e);
	hash_finish(s.hash, found);
	if (!result && (strcmp(found, d->digest) != 0 || (d->size >= 0 && s.size != d->size)))
		result = err_set(e, STATUS_REFUSED, "digest mismatch: expected %s, found %s", d->digest, found);
	if (result < 0 && s.fd >= 0)
		close(s.fd);
	return result < 0 ? -1 : s.fd;
}

static int open_blob(void *context, struct err *e)
{
	const struct opening *o = context;
	struct push *p = o->crew->push;
	int64_t size;
	if (p->store && store_has_blob(p->store, o->item->d.digest)) {
		int fd = store_open_blob(p->store, o->item->d.digest, &size, e);
		if (fd < 0 || size == o->item->d.size)
			return fd;
		close(fd);
		return err_set(e, STATUS_REFUSED, "size mismatch: expected %" PRId64 " bytes, found %" PRId64, o->item->d.size,
			size);
	}
	if (p->source) {
		bool shared = sourceregistry_of(p->source);
		if (!shared)
			pthread_mutex_lock(&o->crew->source_lock);
		int fd = spool_blob(p->source, &o->item->d, e);
		if (!shared)
			pthread_mutex_unlock(&o->crew->source_lock);
		return fd;
	}
	err_set(e, STATUS_NOT_FOUND, "not in the store");
	return err_hint(e, "put fetch-blob before this stage");
}

// ---- what each thread does ----

static void tell(void *context, int64_t bytes)
{
	struct crew *c = context;
	pthread_mutex_lock(&c->lock);
	progress_add(&c->progress, bytes);
	pthread_mutex_unlock(&c->lock);
}

static struct item *next(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	struct item *item = !c->failed.status && c->next < c->count ? &c->items[c->next++] : NULL;
	pthread_mutex_unlock(&c->lock);
	return item;
}

static int put(struct crew *c, struct item *item, struct err *e)
{
	const struct push *p = c->push;
	struct opening o = { c, item };
	struct uploadnote note = { .store = p->place ? p->store : NULL, .place = p->place, .digest = item->d.digest, .fd = -1 };
	struct target_blob b = { .digest = item->d.digest,
		.size = item->d.size,
		.open = open_blob,
		.open_context = &o,
		.mount_from = p->mount_from,
		.told = tell,
		.told_context = c,
		.recall = uploadnote_recall,
		.remember = uploadnote_remember,
		.memory = &note };
	int result = target_blob(p->target, &b, e);
	item->how = b.how;
	uploadnote_close(&note);
	return result;
}

static void *work(void *context)
{
	struct crew *c = context;
	struct item *item;
	while ((item = next(c))) {
		struct err e = { 0 };
		int failed = put(c, item, &e);
		pthread_mutex_lock(&c->lock);
		if (failed && !c->failed.status)
			c->failed = e;
		pthread_mutex_unlock(&c->lock);
	}
	http_end_thread();
	return NULL;
}

// ---- all of them ----

static int add_item(struct crew *c, const json_t *json, const char *what, struct err *e)
{
	struct descriptor d;
	if (descriptor_parse(json, what, &d, e) < 0)
		return -1;
	if (d.size < 0)
		return err_set(e, STATUS_MALFORMED, "field '%s': no size", what);
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->items[i].d.digest, d.digest))
			return 0;
	if (manifest_is_foreign(d.media_type))
		return 0;
	c->items = mem_resize(c->items, c->count + 1, sizeof *c->items);
	c->items[c->count++] = (struct item){ .d = d };
	return 0;
}

static int run(struct crew *c, struct err *e)
{
	pthread_t threads[PUSH_JOBS_MAX];
	size_t started = 0, jobs = c->push->jobs < PUSH_JOBS_MAX ? c->push->jobs : PUSH_JOBS_MAX;
	int64_t total = 0;
	for (size_t i = 0; i < c->count; i++)
		total += c->items[i].d.size;
	progress_start(&c->progress, "Uploading image", total);
	while (started < jobs && started < c->count && !pthread_create(&threads[started], NULL, work, c))
		started++;
	if (!started)
		work(c);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (!c->failed.status) {
		progress_end(&c->progress);
		return 0;
	}
	progress_abort(&c->progress);
	*e = c->failed;
	return -1;
}

static void note(const struct crew *c)
{
	static const char *const how[] = { "uploaded", "there already", "mounted" };
	for (size_t i = 0; i < c->count; i++)
		progress_note("%s: %s", c->items[i].d.digest, how[c->items[i].how]);
}

int pushblobs_run(struct push *p, const struct manifest *m, struct err *e)
{
	struct crew c = { .push = p, .source_lock = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };
	size_t i;
	json_t *layer;
	int result = add_item(&c, manifest_config(m), "config", e);
	json_array_foreach(manifest_layers(m), i, layer)
		if (!result)
			result = add_item(&c, layer, "layers", e);
	if (!result)
		result = run(&c, e);
	if (!result)
		note(&c);
	free(c.items);
	return result;
}
