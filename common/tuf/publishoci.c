// publish.h says what these promise: what lies under which tag, in a layout and in a registry (dtuf:O1 to O12).
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/manifest.h"
#include "oci/sourceregistry.h"
#include "tuf/bars.h"
#include "tuf/names.h"
#include "tuf/publishkind.h"
#include "tuf/role.h"
#include "tuf/tufoci.h"

struct tagged {                       // what a tag leads to
	json_t *layers;               // an array; empty when there is no such tag
	char digest[DIGEST_TEXT_MAX]; // of its manifest; "" when there is none
};

struct oci {
	const struct publish_tags *tags;
	void *place;
	struct source *blobs;
	char *mount_from;   // a repository of the same registry, or NULL
	struct tagged base; // `latest`, when it was first looked at; layers NULL before
	json_t *versions;   // `ROLE.json` to version, of what is published at base; NULL before
	json_t *latest;     // the layers that it shall have
	json_t *former;     // a layer that put_former gave for the next file, or NULL
	bool changes_roles; // the tag of a delegated role may have changed
};

// ---- what is published ----

static int read_tag(const struct oci *o, const char *tag, struct tagged *t, struct err *e)
{
	source_document_auto d = { 0 };
	manifest_auto m = { 0 };
	*t = (struct tagged){ 0 };
	int absent = o->tags->read(o->place, tag, &d, e);
	if (absent < 0 && e->status == STATUS_NOT_FOUND) { // of a layout that lost it
		*e = (struct err){ 0 };
		absent = 1;
	}
	if (absent < 0 || (!absent && manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0))
		return -1;
	memcpy(t->digest, d.digest, sizeof t->digest);
	t->layers = absent || m.is_index ? json_array() : json_incref(manifest_layers(&m));
	return 0;
}

static int read_base(struct oci *o, struct err *e)
{
	return o->base.layers ? 0 : read_tag(o, TUFOCI_LATEST, &o->base, e);
}

// Appends a file that latest has; 1 when it has none of this name.
static int read_file(struct oci *o, const char *name, size_t limit, struct buf *out, struct err *e)
{
	struct descriptor d;
	if (read_base(o, e) < 0)
		return -1;
	const json_t *layer = tufoci_find(o->base.layers, name);
	if (!layer)
		return 1;
	return descriptor_parse(layer, "layers", &d, e) < 0 ? -1 : source_small_blob(o->blobs, &d, limit, out, e);
}

static int read_timestamp(void *context, size_t limit, struct buf *out, struct err *e)
{
	return read_file(context, "timestamp.json", limit, out, e);
}

// Adds what a published file lists. What cannot be read lists nothing.
static void add_versions(struct oci *o, const char *file)
{
	const char *name;
	json_t *entry;
	buf_auto text = { 0 };
	role_auto r = { 0 };
	struct err why = { 0 };
	if (read_file(o, file, ROLE_OWN_BYTES_MAX, &text, &why) || role_parse(buf_text(&text), text.length, file, &r, &why) < 0)
		return;
	json_object_foreach(json_object_get(r.body, "meta"), name, entry)
		json_object_set(o->versions, name, json_object_get(entry, "version"));
}

static int64_t published_version(struct oci *o, const char *role)
{
	mem_auto char *file = mem_format("%s.json", role);
	if (!o->versions) {
		o->versions = json_object();
		add_versions(o, "timestamp.json");
		mem_auto char *snapshot =
			names_role_url("snapshot", json_integer_value(json_object_get(o->versions, "snapshot.json")));
		add_versions(o, snapshot);
	}
	return json_integer_value(json_object_get(o->versions, file));
}

// The version that readers may be about to ask for (dtuf:O3, O4): the published one; when that is this one, the other one that is there.
// With none published, the one that was given.
static const json_t *former_layer(struct oci *o, const char *role, int64_t version, const json_t *layers)
{
	int64_t published = published_version(o, role);
	mem_auto char *plain = names_role_url(role, 0);
	mem_auto char *name = names_role_url(role, published);
	const json_t *there =
		published && published != version ? tufoci_find(layers, name) : tufoci_newest(layers, plain, version);
	return there || published ? there : o->former;
}

// ---- data ----

static void mount_from(void *context, const char *place)
{
	struct oci *o = context;
	struct registry *to = sourceregistry_of(o->blobs);
	if (to && !o->mount_from)
		o->mount_from = tufoci_mount_from(to, place);
}

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	const struct oci *o = context;
	b->mount_from = o->mount_from;
	return o->tags->blob(o->place, b, e);
}

// A tag that leads there already stays as it is.
static int put_tag(const struct oci *o, const char *tag, const char *media_type, const struct buf *manifest, const char *is,
	struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, manifest->data, manifest->length, digest);
	if (!strcmp(is, digest))
		return 0;
	if (o->tags->put(o->place, tag, media_type, manifest, e) < 0)
		return -1;
	bars_whole(manifest->data, manifest->length);
	return 0;
}

static int change_tag(const struct oci *o, const char *tag, const char *media_type, const struct buf *manifest, struct err *e)
{
	struct tagged t;
	if (read_tag(o, tag, &t, e) < 0)
		return -1;
	json_decref(t.layers);
	return put_tag(o, tag, media_type, manifest, t.digest, e);
}

static int put_target_tag(const struct oci *o, const char *path, const char *digest, const struct buf *text, struct err *e)
{
	manifest_auto m = { 0 };
	mem_auto char *tag = tufoci_target_tag(path, digest_digits(digest));
	return manifest_parse(buf_text(text), text->length, NULL, &m, e) < 0 ? -1 : change_tag(o, tag, m.media_type, text, e);
}

static int put_index(void *context, const char *role, const struct buf *index, struct err *e)
{
	mem_auto char *tag = tufoci_role_tag(role);
	return change_tag(context, tag, MEDIA_INDEX, index, e);
}

static int put_target(void *context, const char *path, struct target_blob *b, struct err *e)
{
	buf_auto manifest = { 0 };
	if (put_blob(context, b, e) < 0)
		return -1;
	tufoci_target_manifest(path, b->digest, b->size, &manifest);
	return put_target_tag(context, path, b->digest, &manifest, e);
}

static int put_manifest(void *context, const char *path, const struct buf *manifest, const char *digest, struct err *e)
{
	return put_target_tag(context, path, digest, manifest, e);
}

static int drop(void *context, const char *path, const char *digest, struct err *e)
{
	const struct oci *o = context;
	mem_auto char *tag = tufoci_target_tag(path, digest_digits(digest));
	return o->tags->drop(o->place, tag, e);
}

// ---- metadata ----

static int check_base(struct oci *o, const char *expected, struct err *e)
{
	struct tagged now;
	if (read_tag(o, TUFOCI_LATEST, &now, e) < 0)
		return -1;
	json_decref(now.layers);
	if (!strcmp(now.digest, expected))
		return 0;
	err_set(e, STATUS_REFUSED, "the tag '%s' changed: somebody else published meanwhile", TUFOCI_LATEST);
	return err_hint(e, "make a newer one of what is published, and publish that");
}

// The layer of this file, whose blob is there afterwards; a new reference.
static json_t *put_file(const struct oci *o, const char *name, const struct buf *text, const json_t *layers, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, text->data, text->length, digest);
	struct target_blob b = { .digest = digest,
		.size = (int64_t)text->length,
		.open = target_open_text,
		.open_context = (void *)(uintptr_t)text };
	const json_t *known = tufoci_find(layers, name);
	const char *is = json_string_value(json_object_get(known, "digest"));
	bool there = is && !strcmp(is, digest);
	if (!there && o->tags->blob(o->place, &b, e) < 0)
		return NULL;
	if (!there)
		bars_whole(text->data, text->length);
	return tufoci_layer(TUFOCI_METADATA, digest, b.size, name);
}

static int put_delegated(struct oci *o, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	struct tagged t;
	buf_auto manifest = { 0 };
	mem_auto char *tag = tufoci_role_tag(role);
	mem_auto char *name = names_role_url(role, version);
	if ((!o->changes_roles && check_base(o, o->base.digest, e) < 0) || read_tag(o, tag, &t, e) < 0)
		return -1;
	o->changes_roles = true;
	jsonio_auto json_t *had = t.layers;
	jsonio_auto json_t *layer = put_file(o, name, text, had, e);
	if (!layer)
		return -1;
	const json_t *former = former_layer(o, role, version, had);
	tufoci_manifest(former ? json_pack("[OO]", former, layer) : json_pack("[O]", layer), NULL, &manifest);
	return put_tag(o, tag, MEDIA_MANIFEST, &manifest, t.digest, e);
}

static int put_former(void *context, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	struct oci *o = context;
	mem_auto char *name = names_role_url(role, version);
	if (read_base(o, e) < 0 || published_version(o, role))
		return e->status ? -1 : 0;
	json_decref(o->former);
	o->former = put_file(o, name, text, NULL, e);
	return o->former ? 0 : -1;
}

static int put_next(struct oci *o, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	if (read_base(o, e) < 0)
		return -1;
	if (!names_is_top_level(role))
		return put_delegated(o, role, version, text, e);
	mem_auto char *name = names_role_url(role, version);
	json_t *layer = put_file(o, name, text, o->base.layers, e);
	if (!layer)
		return -1;
	const json_t *former = version && strcmp(role, "root") ? former_layer(o, role, version, o->base.layers) : NULL;
	if (former)
		json_array_append(o->latest, (json_t *)(uintptr_t)former);
	return json_array_append_new(o->latest, layer);
}

static int put_metadata(void *context, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	struct oci *o = context;
	int result = put_next(o, role, version, text, e);
	json_decref(o->former);
	o->former = NULL;
	return result;
}

static int commit(void *context, struct err *e)
{
	struct oci *o = context;
	buf_auto manifest = { 0 };
	char digest[DIGEST_TEXT_MAX];
	if (!json_array_size(o->latest))
		return o->tags->commit(o->place, e);
	tufoci_manifest(json_incref(o->latest), NULL, &manifest);
	hash_bytes(DIGEST_SHA256, manifest.data, manifest.length, digest);
	if (check_base(o, o->base.digest, e) < 0 || put_tag(o, TUFOCI_LATEST, MEDIA_MANIFEST, &manifest, o->base.digest, e) < 0 ||
		o->tags->commit(o->place, e) < 0)
		return -1;
	return check_base(o, digest, e);
}

// ---- the kind ----

static void close_oci(void *context)
{
	struct oci *o = context;
	json_decref(o->base.layers);
	json_decref(o->versions);
	json_decref(o->latest);
	json_decref(o->former);
	o->tags->close(o->place);
	free(o->mount_from);
	free(o);
}

void publishoci_open(struct publish *p, const struct publish_tags *tags, void *context, struct source *blobs)
{
	static const struct publish_kind kind = {
		mount_from,
		NULL,
		read_timestamp,
		put_blob,
		put_target,
		put_manifest,
		put_index,
		drop,
		put_metadata,
		put_former,
		commit,
		close_oci,
	};
	struct oci *o = mem_alloc(sizeof *o);
	*o = (struct oci){ .tags = tags, .place = context, .blobs = blobs, .latest = json_array() };
	*p = (struct publish){ &kind, o };
}
