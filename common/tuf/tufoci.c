// tufoci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "tuf/names.h"
#include "tuf/tufoci.h"

enum { SHORT_HASH = 56 };

static bool looks_hashed(const char *text)
{
	return strspn(text, "0123456789abcdef") == NAMES_HASH_MAX - 1 && text[NAMES_HASH_MAX - 1] == '.';
}

char *tufoci_role_tag(const char *role)
{
	char hash[NAMES_HASH_MAX];
	if (names_is_top_level(role))
		return mem_text(TUFOCI_LATEST);
	if (ref_is_tag(role) && strcmp(role, TUFOCI_LATEST) != 0 && strncmp(role, "_r.", 3) != 0 && !looks_hashed(role))
		return mem_text(role);
	names_path_hash(role, hash);
	return mem_format("_r.%s", hash);
}

char *tufoci_target_tag(const char *path, const char *hash)
{
	char path_hash[NAMES_HASH_MAX];
	char *tag = mem_format("%s.%s", hash, path_base(path));
	if (ref_is_tag(tag))
		return tag;
	free(tag);
	names_path_hash(path, path_hash);
	return mem_format("%s._%.*s", hash, SHORT_HASH, path_hash);
}

bool tufoci_is_registry(const char *place)
{
	return !strncmp(place, "docker://", strlen("docker://"));
}

struct registry *tufoci_registry(const char *place, const char *actions, struct err *e)
{
	jsonio_auto json_t *r = ref_parse(place, e);
	const char *name = path_base(place);
	if (!r)
		return NULL;
	if (strpbrk(name, ":@")) {
		err_set(e, STATUS_USAGE, "'%s': with a tag or a digest: a TUF repository is a whole repository of the registry",
			place);
		return NULL;
	}
	return registry_open(json_string_value(json_object_get(r, "registry")),
		json_string_value(json_object_get(r, "repository")), actions, e);
}

char *tufoci_mount_from(struct registry *to, const char *place)
{
	struct err why = { 0 };
	jsonio_auto json_t *r = tufoci_is_registry(place) ? ref_parse(place, &why) : NULL;
	const char *from = r ? registry_mount_from(to, json_string_value(json_object_get(r, "registry")),
				       json_string_value(json_object_get(r, "repository")))
			     : NULL;
	return from ? mem_text(from) : NULL;
}

// ---- writing ----

json_t *tufoci_layer(const char *media_type, const char *digest, int64_t size, const char *filename)
{
	json_t *layer = descriptor_json(media_type, digest, size);
	if (filename)
		json_object_set_new(layer, "annotations", json_pack("{s:s}", TUFOCI_FILENAME, filename));
	return layer;
}

void tufoci_manifest(json_t *layers, const char *filename, struct buf *manifest)
{
	json_t *config = tufoci_layer(MEDIA_EMPTY, TUFOCI_EMPTY_DIGEST, (int64_t)strlen(TUFOCI_EMPTY), NULL);
	json_object_set_new(config, "data", json_string("e30="));
	jsonio_auto json_t *m = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST, "config",
		config, "layers", layers);
	if (filename)
		json_object_set_new(m, "annotations", json_pack("{s:s}", TUFOCI_FILENAME, filename));
	mem_auto char *text = jsonio_text(m);
	buf_add_text(manifest, text);
}

void tufoci_target_manifest(const char *path, const char *digest, int64_t size, struct buf *manifest)
{
	mem_auto char *name = mem_format("%s.%s", digest_digits(digest), path_base(path));
	tufoci_manifest(json_pack("[o]", tufoci_layer(TUFOCI_TARGET, digest, size, name)), NULL, manifest);
}

// ---- reading ----

json_t *tufoci_layers(struct source *s, const char *tag, struct err *e)
{
	source_document_auto d = { 0 };
	manifest_auto m = { 0 };
	if (source_manifest(s, tag, &d, e) < 0 || manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return NULL;
	if (!m.is_index)
		return json_incref(manifest_layers(&m));
	err_set(e, STATUS_REFUSED, "the tag '%s': an index: expected a manifest", tag);
	return NULL;
}

static const char *filename_of(const json_t *layer)
{
	return json_string_value(json_object_get(json_object_get(layer, "annotations"), TUFOCI_FILENAME));
}

const json_t *tufoci_find(const json_t *layers, const char *filename)
{
	size_t i;
	json_t *layer;
	json_array_foreach(layers, i, layer) {
		const char *name = filename_of(layer);
		if (name && !strcmp(name, filename))
			return layer;
	}
	return NULL;
}

int64_t tufoci_version(const json_t *layer)
{
	const char *file = filename_of(layer);
	return file ? names_file_version(file) : 0;
}

const json_t *tufoci_newest(const json_t *layers, const char *name, int64_t but)
{
	size_t i;
	json_t *layer, *newest = NULL;
	int64_t highest = 0;
	json_array_foreach(layers, i, layer) {
		int64_t version = tufoci_version(layer);
		if (version <= highest || version == but || strcmp(strchr(filename_of(layer), '.') + 1, name) != 0)
			continue;
		highest = version;
		newest = layer;
	}
	return newest;
}
