// push.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/push.h"
#include "image/pushblobs.h"
#include "oci/sourceregistry.h"

enum { DEPTH_MAX = 4 }; // an index, a manifest, its signature, and what refers to that

static int push_at(struct push *p, const json_t *descriptor, const char *tag, int depth, struct err *e);

// ---- reading ----

static int read_manifest(struct push *p, const struct descriptor *d, struct source_document *text, struct err *e)
{
	if (p->store && store_has_blob(p->store, d->digest)) {
		if (manifest_is_type(d->media_type))
			text->media_type = mem_text(d->media_type);
		return store_read_blob(p->store, d->digest, MANIFEST_BYTES_MAX, &text->text, e);
	}
	if (p->source)
		return source_manifest_of(p->source, d, text, e);
	err_set(e, STATUS_NOT_FOUND, "manifest %s: not in the store", d->digest);
	return err_hint(e, "put fetch-blob before this stage");
}

// What the source has under this tag, with its descriptor: 1, 0 when there is no such tag, or -1.
static int read_tag(struct push *p, const char *tag, struct source_document *text, json_t **descriptor, struct err *e)
{
	manifest_auto m = { 0 };
	if (source_manifest(p->source, tag, text, e) < 0) {
		bool absent = e->status == STATUS_NOT_FOUND;
		if (absent)
			*e = (struct err){ 0 };
		return absent ? 0 : -1;
	}
	if (manifest_parse(buf_text(&text->text), text->text.length, text->media_type, &m, e) < 0)
		return err_context(e, "tag '%s'", tag);
	*descriptor = descriptor_json(m.media_type, text->digest, (int64_t)text->text.length);
	return 1;
}

// ---- what refers to a manifest ----

static void report(struct push *p, const json_t *descriptor, const char *tag)
{
	json_t *entry = json_copy((json_t *)(uintptr_t)descriptor);
	if (tag)
		json_object_set_new(entry, "tag", json_string(tag));
	json_array_append_new(p->referrers, entry);
}

// cosign's way: sha256-HEX.sig and the like.
static int push_suffixed(struct push *p, const char *hex, int depth, struct err *e)
{
	static const char *const suffixes[] = { "sig", "att", "sbom" };
	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		source_document_auto text = { 0 };
		jsonio_auto json_t *descriptor = NULL;
		mem_auto char *tag = mem_format("sha256-%s.%s", hex, suffixes[i]);
		int found = read_tag(p, tag, &text, &descriptor, e);
		if (found < 0 || (found && push_at(p, descriptor, tag, depth, e) < 0))
			return -1;
		if (found)
			report(p, descriptor, tag);
	}
	return 0;
}

// The index of referrers: of the API where the source has it, else of the tag that stands in for it. NULL with e->status 0 for none.
static json_t *find_referrers(struct push *p, const char *digest, const char *tag, struct err *e)
{
	struct registry *r = sourceregistry_of(p->source);
	buf_auto listed = { 0 };
	manifest_auto m = { 0 };
	int got = r ? registry_referrers(r, digest, &listed, e) : 0;
	if (got < 0)
		return NULL;
	source_document_auto text = { 0 };
	jsonio_auto json_t *descriptor = NULL;
	if (!got && read_tag(p, tag, &text, &descriptor, e) <= 0)
		return NULL;
	const struct buf *index = got ? &listed : &text.text;
	if (manifest_parse(buf_text(index), index->length, NULL, &m, e) < 0 || !m.is_index)
		return NULL;
	return json_incref(manifest_entries(&m));
}

// Where the target does not list referrers itself, the tag does: its entries and the new ones, each once.
static int list_referrers(struct push *p, const json_t *entries, const char *tag, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	jsonio_auto json_t *index =
		json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_INDEX, "manifests", entries);
	mem_auto char *text = jsonio_text(index);
	struct buf body = { .data = text, .length = strlen(text) };
	hash_bytes(DIGEST_SHA256, text, body.length, digest);
	return target_manifest(p->target, tag, MEDIA_INDEX, digest, &body, NULL, e);
}

static int push_referrers(struct push *p, const char *digest, const char *hex, int depth, struct err *e)
{
	size_t i;
	json_t *entry;
	mem_auto char *tag = mem_format("sha256-%s", hex);
	jsonio_auto json_t *entries = find_referrers(p, digest, tag, e);
	bool listed = true;
	if (e->status)
		return -1;
	json_array_foreach(entries, i, entry) {
		if (push_at(p, entry, NULL, depth, e) < 0)
			return -1;
		const char *name = json_string_value(json_object_get(entry, "digest"));
		listed &= name && json_is_true(json_object_get(p->done, name));
		report(p, entry, NULL);
	}
	return json_array_size(entries) && !listed ? list_referrers(p, entries, tag, e) : 0;
}

static int push_relatives(struct push *p, const char *digest, int depth, struct err *e)
{
	const char *hex;
	enum digest_algorithm algorithm;
	if (p->alone || !p->source || !p->source_has_tags || depth >= DEPTH_MAX || !digest_valid(digest, &algorithm, &hex) ||
		algorithm != DIGEST_SHA256)
		return 0;
	return push_suffixed(p, hex, depth + 1, e) < 0 || push_referrers(p, digest, hex, depth + 1, e) < 0 ? -1 : 0;
}

// ---- one manifest ----

static int push_parts(struct push *p, const struct manifest *m, int depth, struct err *e)
{
	size_t i;
	json_t *entry;
	if (!m->is_index)
		return pushblobs_run(p, m, e);
	if (depth >= DEPTH_MAX)
		return err_set(e, STATUS_REFUSED, "indexes within indexes, more than %d deep", DEPTH_MAX);
	json_array_foreach(manifest_entries(m), i, entry)
		if (push_at(p, entry, NULL, depth + 1, e) < 0)
			return -1;
	return 0;
}

static int push_at(struct push *p, const json_t *descriptor, const char *tag, int depth, struct err *e)
{
	struct descriptor d;
	manifest_auto m = { 0 };
	source_document_auto text = { 0 };
	bool lists = false;
	if (descriptor_parse(descriptor, "manifest", &d, e) < 0)
		return -1;
	if (!tag && json_object_get(p->done, d.digest))
		return 0;
	if (read_manifest(p, &d, &text, e) < 0 ||
		manifest_parse(buf_text(&text.text), text.text.length, text.media_type, &m, e) < 0 ||
		push_parts(p, &m, depth, e) < 0 ||
		target_manifest(p->target, tag, m.media_type, d.digest, &text.text, &lists, e) < 0)
		return -1;
	bool first = !json_object_get(p->done, d.digest);
	json_object_set_new(p->done, d.digest, json_boolean(lists));
	return first ? push_relatives(p, d.digest, depth, e) : 0;
}

int push_manifest(struct push *p, const json_t *descriptor, const char *tag, struct err *e)
{
	return push_at(p, descriptor, tag, 0, e);
}
