// sourcedocker.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/config.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/sourcedocker.h"

#define IMAGES_MAX 1000 // of one archive

struct docker {
	struct files files;
	json_t *images; // [{"tags": [...], "manifest": TEXT, "digest": ...}]
	json_t *blobs;  // digest: path
};

static void close_docker(void *context)
{
	struct docker *d = context;
	files_close(&d->files);
	json_decref(d->images);
	json_decref(d->blobs);
	free(d);
}

// ---- making the manifest of an image ----

static int add_hash(void *hash, const void *data, size_t length, struct err *e)
{
	(void)e;
	hash_add(hash, data, length);
	return 0;
}

static const char *layer_type(const struct files_extent *x)
{
	unsigned char magic[4] = { 0 };
	if (x->size < (int64_t)sizeof magic || pread(x->fd, magic, sizeof magic, x->offset) != sizeof magic)
		return MEDIA_TAR;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		return MEDIA_TAR "+gzip";
	return !memcmp(magic, "\x28\xb5\x2f\xfd", 4) ? MEDIA_TAR "+zstd" : MEDIA_TAR;
}

static int add_layer(struct docker *d, const char *path, const char *diff_id, json_t *layers, struct err *e)
{
	struct files_extent x;
	char digest[DIGEST_TEXT_MAX];
	if (files_open(&d->files, path, &x, e) < 0)
		return -1;
	const char *type = layer_type(&x);
	int failed = 0;
	if (strcmp(type, MEDIA_TAR) != 0) {
		struct hash *h = hash_start(DIGEST_SHA256);
		failed = files_copy(&x, 0, add_hash, h, e);
		diff_id = hash_finish(h, digest);
	}
	files_release(&x);
	if (failed)
		return -1;
	json_array_append_new(layers, descriptor_json(type, diff_id, x.size));
	json_object_set_new(d->blobs, diff_id, json_string(path));
	return 0;
}

static int make_manifest(struct docker *d, const json_t *image, const char *config_path, const json_t *paths, struct err *e)
{
	buf_auto text = { 0 };
	config_auto config = { 0 };
	char digest[DIGEST_TEXT_MAX];
	if (files_read(&d->files, config_path, CONFIG_BYTES_MAX, &text, e) < 0 ||
		config_parse(buf_text(&text), text.length, json_array_size(paths), &config, e) < 0)
		return -1;
	hash_bytes(DIGEST_SHA256, text.data, text.length, digest);
	json_object_set_new(d->blobs, digest, json_string(config_path));
	jsonio_auto json_t *layers = json_array();
	size_t i;
	json_t *path;
	json_array_foreach(paths, i, path) {
		if (!json_is_string(path))
			return err_set(e, STATUS_MALFORMED, "'manifest.json': field 'Layers': not of strings");
		if (add_layer(d, json_string_value(path), config_diff_id(&config, i), layers, e) < 0)
			return -1;
	}
	jsonio_auto json_t *manifest = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST,
		"config", descriptor_json(MEDIA_CONFIG, digest, (int64_t)text.length), "layers", layers);
	mem_auto char *made = jsonio_text(manifest);
	hash_bytes(DIGEST_SHA256, made, strlen(made), digest);
	json_t *tags = json_object_get(image, "RepoTags");
	json_array_append_new(d->images,
		json_pack("{s:O?, s:s, s:s}", "tags", json_is_array(tags) ? tags : NULL, "manifest", made, "digest", digest));
	return 0;
}

static int read_images(struct docker *d, struct err *e)
{
	buf_auto text = { 0 };
	if (files_read(&d->files, "manifest.json", MANIFEST_BYTES_MAX, &text, e) < 0)
		return -1;
	jsonio_auto json_t *list = jsonio_parse(buf_text(&text), text.length, "'manifest.json'", e);
	size_t i;
	json_t *image;
	if (!list)
		return -1;
	if (!json_array_size(list) || json_array_size(list) > IMAGES_MAX)
		return err_set(e, STATUS_MALFORMED, "'manifest.json': not an array of one to %d images", IMAGES_MAX);
	d->images = json_array();
	d->blobs = json_object();
	json_array_foreach(list, i, image) {
		const char *config = json_string_value(json_object_get(image, "Config"));
		const json_t *layers = json_object_get(image, "Layers");
		if (!config || !json_is_array(layers) || json_array_size(layers) > MANIFEST_LAYERS_MAX)
			return err_set(e, STATUS_MALFORMED, "'manifest.json': image %zu: no Config, or no Layers", i + 1);
		if (make_manifest(d, image, config, layers, e) < 0)
			return -1;
	}
	return 0;
}

// ---- finding ----

// NAME:TAG as Docker completes it; malloced, or NULL for what is no reference.
static char *complete(const char *name)
{
	struct err ignored = { 0 };
	mem_auto char *reference = mem_format("docker://%s", name);
	jsonio_auto json_t *record = ref_parse(reference, &ignored);
	const char *tag = json_string_value(json_object_get(record, "tag"));
	return tag ? mem_format("%s:%s", json_string_value(json_object_get(record, "name")), tag) : NULL;
}

static bool has_tag(const json_t *image, const char *wanted)
{
	size_t i;
	json_t *tag;
	json_array_foreach(json_object_get(image, "tags"), i, tag) {
		mem_auto char *full = json_is_string(tag) ? complete(json_string_value(tag)) : NULL;
		if (full && !strcmp(full, wanted))
			return true;
	}
	return false;
}

static int read_manifest(void *context, const char *reference, struct source_document *out, struct err *e)
{
	struct docker *d = context;
	bool by_digest = reference && digest_valid(reference, NULL, NULL);
	mem_auto char *wanted = by_digest || !reference ? NULL : complete(reference);
	const json_t *found = NULL, *image;
	size_t i, count = 0;
	json_array_foreach(d->images, i, image) {
		const char *digest = json_string_value(json_object_get(image, "digest"));
		if (reference && !(by_digest ? !strcmp(digest, reference) : wanted && has_tag(image, wanted)))
			continue;
		found = image;
		count++;
	}
	if (!count)
		return err_set(e, STATUS_NOT_FOUND, "%s: no image of the name '%s' in it", d->files.subject, reference);
	if (count > 1 && !by_digest)
		return err_set(e, STATUS_USAGE, "%s: %zu images in it: which one is not said", d->files.subject, count);
	buf_add_text(&out->text, json_string_value(json_object_get(found, "manifest")));
	out->media_type = mem_text(MEDIA_MANIFEST);
	return 0;
}

static int read_blob(void *context, const struct descriptor *d, int64_t from, source_sink *sink, void *sink_context,
	struct err *e)
{
	struct docker *docker = context;
	struct files_extent x;
	const char *path = json_string_value(json_object_get(docker->blobs, d->digest));
	if (!path)
		return err_set(e, STATUS_NOT_FOUND, "%s: no blob %s in it", docker->files.subject, d->digest);
	if (files_open(&docker->files, path, &x, e) < 0)
		return err_context(e, "%s", docker->files.subject);
	int failed = files_copy(&x, from, sink, sink_context, e);
	files_release(&x);
	return failed;
}

int sourcedocker_open(struct source *s, struct files *files, struct err *e)
{
	static const struct source_kind kind = { .manifest = read_manifest, .blob = read_blob, .close = close_docker };
	struct docker *d = mem_alloc(sizeof *d);
	d->files = *files;
	*files = (struct files){ .fd = -1 };
	*s = (struct source){ &kind, d };
	if (read_images(d, e) == 0)
		return 0;
	err_context(e, "%s", d->files.subject);
	source_close(s);
	return -1;
}
