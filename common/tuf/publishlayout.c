// publishkind.h says what these promise: an OCI image layout, whose index.json is written last.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/sourcelayout.h"
#include "tuf/bars.h"
#include "tuf/publishfile.h"
#include "tuf/publishkind.h"
#include "tuf/publishuse.h"
#include "tuf/tufoci.h"

struct layout {
	int directory;
	json_t *index;
	json_t *tags; // tag to position in index
	struct source blobs;
	struct publishuse dropped;
};

static const char *tag_of(const json_t *entry)
{
	return json_string_value(json_object_get(json_object_get(entry, "annotations"), LAYOUT_REF_NAME));
}

static json_t *manifests_of(const struct layout *l)
{
	return json_object_get(l->index, "manifests");
}

static char *blob_path(const char *digest)
{
	return mem_format("blobs/sha256/%s", digest_digits(digest));
}

static int read_manifest(void *context, const char *tag, struct source_document *d, struct err *e)
{
	struct layout *l = context;
	struct descriptor of;
	const json_t *at = json_object_get(l->tags, tag);
	if (!at)
		return 1;
	if (descriptor_parse(json_array_get(manifests_of(l), (size_t)json_integer_value(at)), "manifests", &of, e) < 0)
		return -1;
	d->media_type = mem_text(of.media_type);
	snprintf(d->digest, sizeof d->digest, "%s", of.digest);
	return source_small_blob(&l->blobs, &of, MANIFEST_BYTES_MAX, &d->text, e);
}

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	const struct layout *l = context;
	mem_auto char *path = blob_path(b->digest);
	return publishfile_copy(l->directory, path, b, e);
}

// 1 when it is there already.
static int put_text(const struct layout *l, const void *data, size_t length, char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	hash_bytes(DIGEST_SHA256, data, length, digest);
	mem_auto char *path = blob_path(digest);
	if (publishfile_is_there(l->directory, path, (int64_t)length))
		return 1;
	return publishfile_write(l->directory, path, data, length, false, e);
}

static int put_manifest(void *context, const char *tag, const char *media_type, const struct buf *manifest, struct err *e)
{
	struct layout *l = context;
	char digest[DIGEST_TEXT_MAX], empty[DIGEST_TEXT_MAX];
	int had = put_text(l, TUFOCI_EMPTY, strlen(TUFOCI_EMPTY), empty, e);
	if (had < 0 || put_text(l, manifest->data, manifest->length, digest, e) < 0)
		return -1;
	if (!had)
		bars_whole(TUFOCI_EMPTY, strlen(TUFOCI_EMPTY));
	const json_t *at = json_object_get(l->tags, tag);
	json_t *entry = descriptor_json(media_type, digest, (int64_t)manifest->length);
	json_object_set_new(entry, "annotations", json_pack("{s:s}", LAYOUT_REF_NAME, tag));
	if (at)
		return json_array_set_new(manifests_of(l), (size_t)json_integer_value(at), entry);
	json_object_set_new(l->tags, tag, json_integer((json_int_t)json_array_size(manifests_of(l))));
	return json_array_append_new(manifests_of(l), entry);
}

static void number_tags(struct layout *l)
{
	size_t i;
	json_t *entry;
	json_object_clear(l->tags);
	json_array_foreach(manifests_of(l), i, entry)
		if (tag_of(entry))
			json_object_set_new(l->tags, tag_of(entry), json_integer((json_int_t)i));
}

static int drop(void *context, const char *tag, struct err *e)
{
	struct layout *l = context;
	source_document_auto d = { 0 };
	int absent = read_manifest(l, tag, &d, e);
	if (absent)
		return absent;
	publishuse_add_manifest(&l->dropped, d.digest, buf_text(&d.text), d.text.length);
	json_array_remove(manifests_of(l), (size_t)json_integer_value(json_object_get(l->tags, tag)));
	number_tags(l);
	return 0;
}

static int commit(void *context, struct err *e)
{
	struct layout *l = context;
	if (layout_write_index(l->directory, l->index, e) < 0)
		return -1;
	publishuse_mark_index(&l->dropped, l->index, &l->blobs);
	return publishuse_sweep(&l->dropped, l->directory, "blobs/sha256", e);
}

static void close_layout(void *context)
{
	struct layout *l = context;
	close(l->directory);
	json_decref(l->index);
	json_decref(l->tags);
	publishuse_free(&l->dropped);
	source_close(&l->blobs);
	free(l);
}

int publishlayout_open(struct publish *p, int directory, const char *path, struct err *e)
{
	static const struct publish_tags tags = { read_manifest, put_blob, put_manifest, drop, commit, close_layout };
	struct files files = { .fd = -1 };
	struct layout *l = mem_alloc(sizeof *l);
	struct source blobs = { 0 };
	*l = (struct layout){ .directory = directory, .tags = json_object() };
	bool good = layout_make(directory, e) == 0 && (l->index = layout_read_index(directory, e)) &&
		files_open_directory(&files, path, e) == 0 && sourcelayout_open(&blobs, &files, e) == 0;
	if (!good) {
		close_layout(l);
		return -1;
	}
	l->blobs = blobs;
	number_tags(l);
	publishoci_open(p, &tags, l, &l->blobs);
	return 0;
}
