// referrers.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/referrers.h"
#include "oci/sourceregistry.h"

enum { ROUNDS_MAX = 5 }; // of entering, while others overwrite it

char *referrers_tag(const char *digest)
{
	const char *colon = strchr(digest, ':');
	return mem_format("%.*s-%.64s", (int)(colon - digest > 32 ? 32 : colon - digest), digest, colon + 1);
}

// ---- reading ----

static json_t *find_tagged(struct source *from, const char *digest, struct err *e)
{
	source_document_auto text = { 0 };
	manifest_auto m = { 0 };
	mem_auto char *tag = referrers_tag(digest);
	if (source_manifest(from, tag, &text, e) < 0) {
		if (e->status != STATUS_NOT_FOUND)
			return NULL;
		*e = (struct err){ 0 };
		return json_array();
	}
	if (manifest_parse(buf_text(&text.text), text.text.length, text.media_type, &m, e) < 0) {
		err_context(e, "tag '%s'", tag);
		return NULL;
	}
	return m.is_index ? json_incref(manifest_entries(&m)) : json_array();
}

json_t *referrers_find(struct source *from, const char *digest, struct err *e)
{
	struct registry *r = sourceregistry_of(from);
	jsonio_auto json_t *entries = json_array();
	int known = r ? registry_referrers(r, digest, entries, e) : 0;
	if (known < 0)
		return NULL;
	return known ? json_incref(entries) : find_tagged(from, digest, e);
}

// ---- entering ----

json_t *referrers_entry(const struct manifest *m, const char *digest, size_t size, const char **subject)
{
	*subject = json_string_value(json_object_get(json_object_get(m->json, "subject"), "digest"));
	if (!*subject || !digest_valid(*subject, NULL, NULL))
		return NULL;
	json_t *entry = descriptor_json(m->media_type, digest, (int64_t)size);
	const json_t *config = m->is_index ? NULL : manifest_config(m);
	json_t *type = json_object_get(m->json, "artifactType"), *notes = json_object_get(m->json, "annotations");
	type = type ? type : json_object_get(config, "mediaType");
	if (type)
		json_object_set(entry, "artifactType", type);
	if (json_object_size(notes))
		json_object_set(entry, "annotations", notes);
	return entry;
}

static bool has(const json_t *entries, const json_t *entry)
{
	size_t i;
	json_t *item;
	json_array_foreach(entries, i, item)
		if (json_equal(json_object_get(item, "digest"), json_object_get(entry, "digest")))
			return true;
	return false;
}

// The index that is there, or a new one. A new reference or NULL.
static json_t *read_index(struct target *t, const char *tag, struct err *e)
{
	buf_auto text = { 0 };
	manifest_auto m = { 0 };
	int there = target_read(t, tag, &text, e);
	if (there < 0)
		return NULL;
	if (!there)
		return json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", MEDIA_INDEX, "manifests");
	if (manifest_parse(buf_text(&text), text.length, NULL, &m, e) < 0 || !m.is_index) {
		if (!e->status)
			err_set(e, STATUS_REFUSED, "not an index of referrers, but an image");
		err_context(e, "tag '%s' at the destination", tag);
		return NULL;
	}
	return json_incref(m.json);
}

// 1 when all were there, 0 when they have been written, or -1.
static int enter_once(struct target *t, const char *tag, const json_t *entries, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	size_t i, added = 0;
	json_t *entry;
	jsonio_auto json_t *index = read_index(t, tag, e);
	if (!index)
		return -1;
	json_t *there = json_object_get(index, "manifests");
	json_array_foreach(entries, i, entry)
		if (!has(there, entry)) {
			json_array_append(there, entry);
			added++;
		}
	if (!added)
		return 1;
	mem_auto char *text = jsonio_text(index);
	const struct buf body = { .data = text, .length = strlen(text) };
	if (body.length > MANIFEST_BYTES_MAX || json_array_size(there) > MANIFEST_ENTRIES_MAX)
		return err_set(e, STATUS_LIMIT, "tag '%s' at the destination: more referrers than an index holds", tag);
	hash_bytes(DIGEST_SHA256, text, body.length, digest);
	const char *type = json_string_value(json_object_get(index, "mediaType"));
	return target_manifest(t, tag, type ? type : MEDIA_INDEX, digest, &body, NULL, e);
}

int referrers_enter(struct target *t, const char *digest, const json_t *entries, struct err *e)
{
	mem_auto char *tag = referrers_tag(digest);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		int done = enter_once(t, tag, entries, e);
		if (done)
			return done < 0 ? -1 : 0;
	}
	return err_set(e, STATUS_TEMPORARY, "tag '%s' at the destination: others keep overwriting it", tag);
}
