// source.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/manifest.h"
#include "oci/source.h"

void source_document_free(struct source_document *d)
{
	buf_free(&d->text);
	free(d->media_type);
	*d = (struct source_document){ 0 };
}

void source_close(struct source *s)
{
	if (s->kind)
		s->kind->close(s->context);
	*s = (struct source){ 0 };
}

static int check_digest(const char *what, const char *expected, const struct buf *text, struct err *e)
{
	enum digest_algorithm algorithm;
	char found[DIGEST_TEXT_MAX];
	digest_valid(expected, &algorithm, NULL);
	hash_bytes(algorithm, buf_text(text), text->length, found);
	if (!strcmp(expected, found))
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: digest mismatch: expected %s, found %s", what, expected, found);
}

static int check_size(const char *what, int64_t expected, const struct buf *text, struct err *e)
{
	if (expected < 0 || (int64_t)text->length == expected)
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: size mismatch: expected %" PRId64 " bytes, found %zu", what, expected,
		text->length);
}

int source_manifest(struct source *s, const char *reference, struct source_document *d, struct err *e)
{
	if (s->kind->manifest(s->context, reference, d, e) < 0)
		return -1;
	if (reference && digest_valid(reference, NULL, NULL) && check_digest("manifest", reference, &d->text, e) < 0)
		return -1;
	hash_bytes(DIGEST_SHA256, buf_text(&d->text), d->text.length, d->digest);
	return 0;
}

int source_manifest_of(struct source *s, const struct descriptor *of, struct source_document *d, struct err *e)
{
	if (of->size > (int64_t)MANIFEST_BYTES_MAX)
		return err_set(e, STATUS_LIMIT, "manifest: larger than the limit of %zu bytes", MANIFEST_BYTES_MAX);
	if (source_manifest(s, of->digest, d, e) < 0 || check_size("manifest", of->size, &d->text, e) < 0)
		return -1;
	if (!d->media_type && manifest_is_type(of->media_type))
		d->media_type = mem_text(of->media_type);
	return 0;
}

int source_blob(struct source *s, const struct descriptor *d, int64_t from, source_sink *sink, void *context, struct err *e)
{
	return s->kind->blob(s->context, d, from, sink, context, e);
}

int source_signature(struct source *s, const char *digest, int number, struct buf *out, struct err *e)
{
	return s->kind->signature ? s->kind->signature(s->context, digest, number, out, e) : 0;
}

struct small {
	struct buf *out;
	size_t limit, start;
};

static int add_small(void *context, const void *data, size_t length, struct err *e)
{
	struct small *s = context;
	if (length > s->limit - (s->out->length - s->start))
		return err_set(e, STATUS_LIMIT, "larger than the limit of %zu bytes", s->limit);
	buf_add(s->out, data, length);
	return 0;
}

int source_small_blob(struct source *s, const struct descriptor *d, size_t limit, struct buf *out, struct err *e)
{
	struct small small = { out, limit, out->length };
	mem_auto char *what = mem_format("blob %s", d->digest);
	if (source_blob(s, d, 0, add_small, &small, e) < 0)
		return e->status == STATUS_LIMIT ? err_context(e, "%s", what) : -1;
	struct buf added = { .data = out->data ? out->data + small.start : NULL, .length = out->length - small.start };
	return check_size(what, d->size, &added, e) < 0 ? -1 : check_digest(what, d->digest, &added, e);
}
