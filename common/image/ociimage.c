// ociimage.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/mem.h"
#include "image/ociimage.h"
#include "image/storeindex.h"

bool ociimage_is(const json_t *record)
{
	return json_object_get(record, "manifest") != NULL;
}

// The descriptor with the digest by which the store has the blob; a new reference.
static json_t *stored(struct store *s, const json_t *descriptor, struct err *e)
{
	enum digest_algorithm algorithm;
	const char *hex, *digest = json_string_value(json_object_get(descriptor, "digest"));
	char sha256[DIGEST_TEXT_MAX];
	digest_valid(digest, &algorithm, &hex);
	json_t *copy = json_copy((json_t *)(uintptr_t)descriptor);
	if (algorithm == DIGEST_SHA256)
		return copy;
	if (store_follow_alias(s, hex, sha256) < 0)
		err_set(e, STATUS_NOT_FOUND, "blob %s: not in the store '%s'", digest, store_path(s));
	else
		json_object_set_new(copy, "digest", json_string(sha256));
	return copy;
}

static int store_digests(struct store *s, struct ociimage *image, struct err *e)
{
	size_t i;
	json_t *layer;
	image->config_descriptor = stored(s, manifest_config(&image->manifest), e);
	image->layers = json_array();
	json_array_foreach(manifest_layers(&image->manifest), i, layer)
		json_array_append_new(image->layers, stored(s, layer, e));
	return e->status ? -1 : 0;
}

// A record may have the digests of the manifest or those of the store.
static bool same_digest(const json_t *a, const json_t *b)
{
	const char *x = json_string_value(json_object_get(a, "digest")), *y = json_string_value(json_object_get(b, "digest"));
	return x && y && !strcmp(x, y);
}

static bool agrees(const json_t *own, const json_t *of_manifest, const json_t *of_store)
{
	return same_digest(own, of_manifest) || same_digest(own, of_store);
}

static int compare(const json_t *record, const struct ociimage *image, struct err *e)
{
	const json_t *config = json_object_get(record, "config"), *layers = json_object_get(record, "layers"), *layer;
	const json_t *due = manifest_layers(&image->manifest);
	bool same = !config || agrees(config, manifest_config(&image->manifest), image->config_descriptor);
	size_t i;
	same = same && (!layers || json_array_size(layers) == json_array_size(due));
	json_array_foreach(same ? layers : NULL, i, layer)
		same = same && agrees(layer, json_array_get(due, i), json_array_get(image->layers, i));
	return same ? 0 : err_set(e, STATUS_REFUSED, "the record's config and layers are not those of its manifest");
}

static int read_config(struct store *s, struct ociimage *image, struct err *e)
{
	buf_auto text = { 0 };
	const char *type = json_string_value(json_object_get(image->config_descriptor, "mediaType"));
	const char *digest = json_string_value(json_object_get(image->config_descriptor, "digest"));
	if (!manifest_is_config_type(type))
		return err_set(e, STATUS_REFUSED, "an artifact of the type '%s', no image", type);
	return store_read_blob(s, digest, CONFIG_BYTES_MAX, &text, e) < 0
		? -1
		: config_parse(buf_text(&text), text.length, ociimage_layers(image), &image->config, e);
}

int ociimage_read(struct store *s, const json_t *record, struct ociimage *image, struct err *e)
{
	struct descriptor d;
	buf_auto text = { 0 };
	*image = (struct ociimage){ 0 };
	if (descriptor_read(record, "manifest", &d, e) < 0 || store_read_blob(s, d.digest, MANIFEST_BYTES_MAX, &text, e) < 0)
		return -1;
	const char *told = manifest_is_type(d.media_type) ? d.media_type : NULL;
	if (manifest_parse(buf_text(&text), text.length, told, &image->manifest, e) < 0)
		return -1;
	if (image->manifest.is_index)
		err_set(e, STATUS_MALFORMED, "field 'manifest': an index, not the manifest of an image");
	else if (store_digests(s, image, e) == 0 && compare(record, image, e) == 0 && read_config(s, image, e) == 0)
		return 0;
	ociimage_free(image);
	return -1;
}

void ociimage_free(struct ociimage *image)
{
	manifest_free(&image->manifest);
	config_free(&image->config);
	json_decref(image->config_descriptor);
	json_decref(image->layers);
	*image = (struct ociimage){ 0 };
}

size_t ociimage_layers(const struct ociimage *image)
{
	return json_array_size(manifest_layers(&image->manifest));
}

// What layer media types of both specifications begin with; how they are compressed the bytes say.
static bool is_tar(const char *type)
{
	return !strncmp(type, "application/vnd.oci.image.layer.", 32) ||
		!strncmp(type, "application/vnd.docker.image.rootfs.", 36);
}

json_t *ociimage_layer(const struct ociimage *image, size_t i, struct err *e)
{
	json_t *layer = json_array_get(image->layers, i);
	const char *type = json_string_value(json_object_get(layer, "mediaType"));
	if (is_tar(type) && !strstr(type, "+encrypted"))
		return json_pack("{s:O, s:s}", "blob", layer, "diff_id", config_diff_id(&image->config, i));
	err_set(e, STATUS_REFUSED, "layer %zu: of the media type '%s', which is no tar this program knows", i + 1, type);
	return NULL;
}
