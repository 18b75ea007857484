// push.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "image/push.h"
#include "image/pushblobs.h"
#include "oci/referrers.h"

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

// Where the target does not list it itself, its entry is for the index that does. What its own manifest says comes first, and counts.
static void note_unlisted(struct push *p, const char *subject, const char *digest, json_t *entry)
{
	json_t *entries = json_object_get(p->unlisted, subject);
	if (!entries)
		json_object_set_new(p->unlisted, subject, entries = json_object());
	if (!json_object_get(entries, digest))
		json_object_set(entries, digest, entry);
}

static int list_unlisted(struct push *p, struct err *e)
{
	const char *subject, *digest;
	json_t *by_digest, *entry;
	json_object_foreach(p->unlisted, subject, by_digest) {
		jsonio_auto json_t *entries = json_array();
		json_object_foreach(by_digest, digest, entry)
			json_array_append(entries, entry);
		if (referrers_enter(p->target, subject, entries, e) < 0)
			return -1;
	}
	return 0;
}

static int push_referrers(struct push *p, const char *digest, int depth, struct err *e)
{
	size_t i;
	json_t *entry;
	jsonio_auto json_t *entries = referrers_find(p->source, digest, e);
	if (!entries)
		return -1;
	json_array_foreach(entries, i, entry) {
		if (push_at(p, entry, NULL, depth, e) < 0)
			return -1;
		const char *name = json_string_value(json_object_get(entry, "digest"));
		if (!json_is_true(json_object_get(p->done, name)))
			note_unlisted(p, digest, name, entry);
		report(p, entry, NULL);
	}
	return 0;
}

static int push_relatives(struct push *p, const char *digest, int depth, struct err *e)
{
	const char *hex;
	enum digest_algorithm algorithm;
	if (p->alone || !p->source || !p->source_has_tags || depth >= DEPTH_MAX || !digest_valid(digest, &algorithm, &hex))
		return 0;
	if (algorithm == DIGEST_SHA256 && push_suffixed(p, hex, depth + 1, e) < 0)
		return -1;
	return push_referrers(p, digest, depth + 1, e);
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
	const char *subject;
	jsonio_auto json_t *entry = referrers_entry(&m, d.digest, text.text.length, &subject);
	if (entry && !lists)
		note_unlisted(p, subject, d.digest, entry);
	return first ? push_relatives(p, d.digest, depth, e) : 0;
}

int push_manifest(struct push *p, const json_t *descriptor, const char *tag, struct err *e)
{
	jsonio_auto json_t *unlisted = json_object();
	p->unlisted = unlisted;
	return push_at(p, descriptor, tag, 0, e) < 0 ? -1 : list_unlisted(p, e);
}
