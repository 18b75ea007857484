// ocisignatures.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/buf.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "image/ocisignatures.h"
#include "oci/manifest.h"
#include "oci/referrers.h"
#include "oci/simplesigning.h"

struct search {
	struct store *store;
	struct source *from;
	json_t *found;    // descriptors
	size_t referrers; // that were asked for
};

static int keep(struct search *f, const json_t *layer, struct err *e)
{
	struct descriptor d;
	buf_auto statement = { 0 };
	char digest[DIGEST_TEXT_MAX];
	if (descriptor_parse(layer, "signature", &d, e) < 0)
		return -1;
	if (strcmp(d.media_type, SIMPLESIGNING_MEDIA) != 0)
		return 0;
	if (json_array_size(f->found) == OCISIGNATURES_MAX)
		return err_set(e, STATUS_LIMIT, "more than %d signatures", OCISIGNATURES_MAX);
	if (source_small_blob(f->from, &d, SIMPLESIGNING_MAX, &statement, e) < 0 ||
		store_put_blob(f->store, statement.data, statement.length, digest, e) < 0)
		return -1;
	json_t *kept = json_copy((json_t *)(uintptr_t)layer);
	json_object_set_new(kept, "digest", json_string(digest));
	json_array_append_new(f->found, kept);
	return 0;
}

static int keep_all(struct search *f, const struct manifest *m, struct err *e)
{
	size_t i;
	json_t *layer;
	json_array_foreach(manifest_layers(m), i, layer)
		if (keep(f, layer, e) < 0)
			return -1;
	return 0;
}

// The manifest or index under this tag: 1, or 0 when there is none.
static int read_tag(struct search *f, const char *tag, struct manifest *m, struct err *e)
{
	source_document_auto d = { 0 };
	if (source_manifest(f->from, tag, &d, e) == 0)
		return manifest_parse(buf_text(&d.text), d.text.length, d.media_type, m, e) < 0 ? -1 : 1;
	if (e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

static int keep_tagged(struct search *f, const char *tag, struct err *e)
{
	manifest_auto m = { 0 };
	int found = read_tag(f, tag, &m, e);
	return found <= 0 || m.is_index ? found : keep_all(f, &m, e);
}

static int keep_referrer(struct search *f, const json_t *entry, struct err *e)
{
	struct descriptor of;
	manifest_auto m = { 0 };
	source_document_auto d = { 0 };
	const char *type = json_string_value(json_object_get(entry, "artifactType"));
	if (!type || strcmp(type, OCISIGNATURES_ARTIFACT) != 0)
		return 0;
	if (f->referrers++ == OCISIGNATURES_MAX) // whether or not there is a signature in them
		return err_set(e, STATUS_LIMIT, "more than %d referrers with signatures", OCISIGNATURES_MAX);
	if (descriptor_parse(entry, "manifests", &of, e) < 0 || source_manifest_of(f->from, &of, &d, e) < 0 ||
		manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return -1;
	return m.is_index ? 0 : keep_all(f, &m, e);
}

static int keep_referrers(struct search *f, const char *digest, struct err *e)
{
	size_t i;
	json_t *entry;
	jsonio_auto json_t *entries = referrers_find(f->from, digest, e);
	json_array_foreach(entries, i, entry)
		if (keep_referrer(f, entry, e) < 0)
			return -1;
	return entries ? 0 : -1;
}

// A signature of another format begins with a zero octet and is passed over. What is neither ends the search as a missing one does: it is
// a server's page in place of an error.
static int keep_message(struct search *f, const struct buf *message, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	if (!message->length || (message->data[0] && !(message->data[0] & 0x80)))
		return 0;
	if (!message->data[0])
		return 1;
	if (json_array_size(f->found) == OCISIGNATURES_MAX)
		return err_set(e, STATUS_LIMIT, "more than %d signatures", OCISIGNATURES_MAX);
	if (store_put_blob(f->store, message->data, message->length, digest, e) < 0)
		return -1;
	json_array_append_new(f->found, descriptor_json(MEDIA_SIGNATURE, digest, (int64_t)message->length));
	return 1;
}

static int keep_messages(struct search *f, const char *digest, struct err *e)
{
	for (int number = 1; number <= OCISIGNATURES_MAX + 1; number++) {
		buf_auto message = { 0 };
		int found = source_signature(f->from, digest, number, &message, e);
		if (found > 0)
			found = keep_message(f, &message, e);
		if (found <= 0)
			return found;
	}
	return 0;
}

// What vouches for the descriptor at record[key].
static int search(struct search *f, const json_t *record, const char *key, struct err *e)
{
	struct descriptor d;
	enum digest_algorithm algorithm;
	const char *hex;
	if (!json_object_get(record, key))
		return 0;
	if (descriptor_read(record, key, &d, e) < 0)
		return -1;
	digest_valid(d.digest, &algorithm, &hex);
	mem_auto char *signature = mem_format("%s-%s.sig", digest_name(algorithm), hex);
	if (keep_tagged(f, signature, e) < 0 || keep_referrers(f, d.digest, e) < 0 || keep_messages(f, d.digest, e) < 0)
		return err_context(e, "signatures of %s", d.digest);
	return 0;
}

int ocisignatures_fetch(struct store *s, struct source *from, json_t *record, struct err *e)
{
	jsonio_auto json_t *found = json_array();
	struct search f = { .store = s, .from = from, .found = found };
	if (search(&f, record, "manifest", e) < 0 || search(&f, record, "index", e) < 0)
		return -1;
	json_object_del(record, "signatures");
	if (json_array_size(found))
		json_object_set(record, "signatures", found);
	return 0;
}
