// sourceregistry.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oci/sourceregistry.h"

struct place {
	struct registry *registry;
	char *repository;
	struct lookaside lookaside; // or none
};

static int get_manifest(void *context, const char *reference, struct source_document *d, struct err *e)
{
	struct place *place = context;
	return registry_manifest(place->registry, reference ? reference : "latest", &d->text, &d->media_type, d->digest, e);
}

struct passing { // bytes on their way to a sink that cannot begin again
	source_sink *sink;
	void *context;
	int64_t passed; // to the sink, of the whole blob
	int64_t at;     // in the whole blob
};

static int pass(void *context, const void *data, size_t length, struct err *e)
{
	struct passing *p = context;
	int64_t known = p->passed - p->at; // of these bytes, when the server began again
	size_t skip = known <= 0 ? 0 : known < (int64_t)length ? (size_t)known : length;
	p->at += (int64_t)length;
	if (skip == length)
		return 0;
	p->passed = p->at;
	return p->sink(p->context, (const char *)data + skip, length - skip, e);
}

static int begin_again(void *context, struct err *e)
{
	(void)e;
	((struct passing *)context)->at = 0;
	return 0;
}

static int get_blob(void *context, const struct descriptor *d, int64_t from, source_sink *sink, void *sink_context, struct err *e)
{
	struct registry *registry = ((struct place *)context)->registry;
	struct passing p = { .sink = sink, .context = sink_context, .passed = from, .at = from };
	struct http_response response = { 0 };
	mem_auto char *url = registry_blob_url(registry, d->digest, e);
	struct http_request q = { .url = url,
		.limit = d->size >= 0 ? d->size : INT64_MAX,
		.resume_from = from,
		.by_digest = true,
		.sink = pass,
		.context = &p,
		.restart = begin_again };
	int result = url ? registry_ask(registry, &q, &response, e) : -1;
	http_response_free(&response);
	if (result < 0 && e->status == STATUS_LIMIT && d->size >= 0)
		err_set(e, STATUS_REFUSED, "size mismatch: more bytes than announced");
	return result;
}

static int get_signature(void *context, const char *digest, int number, struct buf *out, struct err *e)
{
	struct place *p = context;
	return p->lookaside.url ? lookaside_read(&p->lookaside, p->repository, digest, number, out, e) : 0;
}

static void close_place(void *context)
{
	struct place *p = context;
	registry_close(p->registry);
	lookaside_close(&p->lookaside);
	free(p->repository);
	free(p);
}

static const struct source_kind kind = { get_manifest, get_blob, get_signature, close_place };

void sourceregistry_take(struct source *s, struct registry *r)
{
	struct place *p = mem_alloc(sizeof *p);
	p->registry = r;
	*s = (struct source){ &kind, p };
}

int sourceregistry_open(struct source *s, const char *host, const char *repository, struct err *e)
{
	struct registry *r = registry_open(host, repository, REGISTRY_PULL, e);
	if (!r)
		return -1;
	sourceregistry_take(s, r);
	((struct place *)s->context)->repository = mem_text(repository);
	return 0;
}

void sourceregistry_set_lookaside(struct source *s, struct lookaside *lookaside)
{
	struct place *p = s->context;
	p->lookaside = *lookaside;
}

struct registry *sourceregistry_of(const struct source *s)
{
	return s->kind == &kind ? ((const struct place *)s->context)->registry : NULL;
}
