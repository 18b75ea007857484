// pull.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/progress.h"
#include "crypto/digest.h"
#include "image/download.h"
#include "image/pull.h"

struct pull_item {
	struct registry *from;
	char *digest, *label;
	int64_t size;
};

struct crew { // one pull_run
	const struct pull *pull;
	pthread_mutex_t lock; // guards the rest
	size_t next;
	struct progress progress;
	struct err failed; // the first failure
};

void pull_add(struct pull *p, struct registry *from, const struct descriptor *d, const char *label)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->items[i].digest, d->digest))
			return;
	p->items = mem_resize(p->items, p->count + 1, sizeof *p->items);
	p->items[p->count++] =
		(struct pull_item){ .from = from, .digest = mem_text(d->digest), .label = mem_text(label), .size = d->size };
}

void pull_free(struct pull *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].digest);
		free(p->items[i].label);
	}
	free(p->items);
	p->items = NULL;
	p->count = 0;
}

// ---- what each thread does ----

static int ask(void *context, const struct http_request *q, struct http_response *response, struct err *e)
{
	return registry_ask(context, q, response, e);
}

static int tell(void *context, int64_t bytes, struct err *e)
{
	struct crew *c = context;
	pthread_mutex_lock(&c->lock);
	progress_add(&c->progress, bytes);
	bool stop = c->failed.status;
	pthread_mutex_unlock(&c->lock);
	return stop ? err_set(e, STATUS_TEMPORARY, "another blob failed") : 0;
}

static int fetch(struct crew *c, const struct pull_item *item, struct err *e)
{
	struct store *s = c->pull->store;
	struct download d;
	mem_auto char *url = registry_blob_url(item->from, item->digest, e);
	struct download_request q = { .url = url,
		.source = -1,
		.limit = c->pull->limit,
		.size = item->size,
		.digest = item->digest,
		.ask = ask,
		.ask_context = item->from,
		.told = tell,
		.told_context = c };
	if (!url)
		return -1;
	int failed = download_run(s, &q, &d, e);
	if (!failed)
		failed = download_commit(s, &d, e);
	if (!failed && d.is.sha512[0])
		failed = store_alias_blob(s, d.is.sha512, d.is.sha256, e);
	download_discard(&d);
	return failed ? err_context(e, "%s", item->label) : 0;
}

static const struct pull_item *next(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	const struct pull_item *item = !c->failed.status && c->next < c->pull->count ? &c->pull->items[c->next++] : NULL;
	pthread_mutex_unlock(&c->lock);
	return item;
}

static void *work(void *context)
{
	struct crew *c = context;
	const struct pull_item *item;
	while ((item = next(c))) {
		struct err e = { 0 };
		if (fetch(c, item, &e) == 0)
			continue;
		pthread_mutex_lock(&c->lock);
		if (!c->failed.status)
			c->failed = e;
		pthread_mutex_unlock(&c->lock);
	}
	http_end_thread();
	return NULL;
}

// ---- all of them ----

static void announce(const struct pull *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strncmp(p->items[i].label, "layer", 5))
			progress_note("Downloading layer: %s", digest_digits(p->items[i].digest));
}

int pull_run(struct pull *p, struct err *e)
{
	struct crew c = { .pull = p, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[PULL_JOBS_MAX];
	size_t started = 0;
	int64_t total = 0;
	for (size_t i = 0; i < p->count; i++)
		total = p->items[i].size >= 0 && total >= 0 ? total + p->items[i].size : -1;
	if (!p->count)
		return 0;
	announce(p);
	progress_start(&c.progress, "Downloading image", total);
	size_t jobs = p->jobs < PULL_JOBS_MAX ? p->jobs : PULL_JOBS_MAX;
	while (started < jobs && started < p->count && !pthread_create(&threads[started], NULL, work, &c))
		started++;
	if (!started)
		work(&c);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (c.failed.status) {
		progress_abort(&c.progress);
		*e = c.failed;
		return -1;
	}
	progress_end(&c.progress);
	return 0;
}
