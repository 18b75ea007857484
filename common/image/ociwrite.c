// ociwrite.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "image/image.h"
#include "image/ociwrite.h"
#include "oci/descriptor.h"

// The blob of a JSON text, and its descriptor; a new reference.
static json_t *put_json(struct store *s, const json_t *value, const char *media_type, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *text = jsonio_text(value);
	if (store_put_blob(s, text, strlen(text), digest, e) < 0)
		return NULL;
	return descriptor_json(media_type, digest, (int64_t)strlen(text));
}

json_t *ociwrite_image(struct store *s, const json_t *config, const json_t *layers, const json_t *manifest, struct err *e)
{
	const struct config c = { .json = (json_t *)(uintptr_t)config };
	jsonio_auto json_t *config_at = put_json(s, config, MEDIA_CONFIG, e);
	if (!config_at)
		return NULL;
	jsonio_auto json_t *outer = manifest ? json_copy((json_t *)(uintptr_t)manifest) : json_object();
	json_object_set_new(outer, "schemaVersion", json_integer(2));
	json_object_set_new(outer, "mediaType", json_string(MEDIA_MANIFEST));
	json_object_set(outer, "config", config_at);
	json_object_set(outer, "layers", (json_t *)(uintptr_t)layers);
	json_t *manifest_at = put_json(s, outer, MEDIA_MANIFEST, e);
	if (!manifest_at)
		return NULL;
	return json_pack("{s:s, s:o, s:O, s:O, s:o}", "kind", "image", "manifest", manifest_at, "config", config_at, "layers",
		layers, "platform", config_platform(&c));
}

// ---- one more layer ----

// Docker's media types for layers, as OCI has them.
static void rename_type(json_t *layer)
{
	static const char *const types[][2] = {
		{ "application/vnd.docker.image.rootfs.diff.tar", MEDIA_TAR },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_TAR "+gzip" },
		{ "application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_TAR "+zstd" },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
	};
	const char *type = json_string_value(json_object_get(layer, "mediaType"));
	for (size_t i = 0; type && i < ARRAY_LENGTH(types); i++)
		if (!strcmp(type, types[i][0])) {
			json_object_set_new(layer, "mediaType", json_string(types[i][1]));
			return;
		}
}

static bool is_layer_type(const char *type)
{
	return type && (!strcmp(type, MEDIA_TAR) || !strcmp(type, MEDIA_TAR "+gzip") || !strcmp(type, MEDIA_TAR "+zstd"));
}

static json_t *add_to_layers(const struct ociimage *image, const json_t *layer)
{
	json_t *layers = json_deep_copy(manifest_layers(&image->manifest));
	size_t i;
	json_t *old;
	json_array_foreach(layers, i, old)
		rename_type(old);
	json_array_append(layers, (json_t *)(uintptr_t)layer);
	return layers;
}

// A time that nobody told is not told: the same image and layer give the same image.
static void put_created(json_t *object, const int64_t *seconds)
{
	char text[DATE_TEXT_MAX];
	if (seconds)
		json_object_set_new(object, "created", json_string(date_format(*seconds, text)));
	else
		json_object_del(object, "created");
}

// The history says something of every layer, or nothing of any.
static json_t *add_to_config(const struct ociimage *image, const char *diff_id, struct err *e)
{
	int64_t seconds;
	int told = date_source_epoch(&seconds, e);
	if (told < 0)
		return NULL;
	json_t *config = json_deep_copy(image->config.json), *history = json_object_get(config, "history");
	json_array_append_new(json_object_get(json_object_get(config, "rootfs"), "diff_ids"), json_string(diff_id));
	put_created(config, told ? &seconds : NULL);
	if (json_array_size(history)) {
		json_t *step = json_pack("{s:s}", "created_by", "tackle: store-put --base");
		put_created(step, told ? &seconds : NULL);
		json_array_append_new(history, step);
	}
	return config;
}

json_t *ociwrite_add_layer(struct store *s, const json_t *base, const json_t *layer, const char *diff_id, struct err *e)
{
	ociimage_auto image = { 0 };
	const char *type = json_string_value(json_object_get(layer, "mediaType"));
	if (!diff_id || !is_layer_type(type)) {
		err_set(e, STATUS_REFUSED,
			"the layer: of the media type '%s', which no layer has: a tar is one, plain or with gzip or zstd", type);
		return NULL;
	}
	if (ociimage_read(s, base, &image, e) == 0 && ociimage_layers(&image) >= MANIFEST_LAYERS_MAX)
		err_set(e, STATUS_LIMIT, "it has %d layers already, and nobody reads more", MANIFEST_LAYERS_MAX);
	if (e->status) {
		err_context(e, "the base");
		return NULL;
	}
	jsonio_auto json_t *config = add_to_config(&image, diff_id, e);
	if (!config)
		return NULL;
	jsonio_auto json_t *layers = add_to_layers(&image, layer);
	jsonio_auto json_t *rest = json_copy(image.manifest.json);
	json_object_del(rest, "subject"); // what the base was about
	json_t *record = ociwrite_image(s, config, layers, rest, e);
	if (record)
		image_derive(record, base);
	json_object_del(record, "ref"); // it is another image
	return record;
}
