// ociorigin.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "image/aci.h"
#include "image/ociaci.h"
#include "image/ociorigin.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = jsonio_find_text(object, key);
	return text ? text : "";
}

static json_t *diff_ids_of(const json_t *config)
{
	return json_object_get(json_object_get(config, "rootfs"), "diff_ids");
}

static json_t *labels_of(const json_t *config)
{
	return json_object_get(json_object_get(config, "config"), "Labels");
}

// The ChainID of all layers (image-spec config.md, "Layer ChainID").
static void chain_id(const json_t *diff_ids, char id[static DIGEST_TEXT_MAX])
{
	size_t i;
	json_t *diff_id;
	*id = '\0';
	json_array_foreach(diff_ids, i, diff_id) {
		mem_auto char *both = mem_format("%s %s", id, json_string_value(diff_id));
		if (i)
			hash_bytes(DIGEST_SHA256, both, strlen(both), id);
		else
			snprintf(id, DIGEST_TEXT_MAX, "%s", json_string_value(diff_id));
	}
}

// ---- writing ----

void ociorigin_put(json_t *config, const struct buf *text, const char *own, int64_t mtime)
{
	char chain[DIGEST_TEXT_MAX];
	json_t *labels = json_pack("{s:s}", OCIORIGIN_MANIFEST, buf_text(text));
	chain_id(diff_ids_of(config), chain);
	if (own) {
		jsonio_auto json_t *rootfs =
			json_pack("{s:s, s:s, s:I}", "diff_id", own, "chain_id", chain, "mtime", (json_int_t)mtime);
		mem_auto char *where = jsonio_text(rootfs);
		json_object_set_new(labels, OCIORIGIN_ROOTFS, json_string(where));
	}
	json_object_set_new(json_object_get(config, "config"), "Labels", labels);
}

// ---- reading ----

// What a config says, without the labels of here and what no manifest has a say in.
static json_t *essence(const json_t *config)
{
	static const char *const counts[] = { "os", "architecture", "variant" };
	json_t *out = json_object(), *inner = json_deep_copy(json_object_get(config, "config"));
	json_t *labels = json_object_get(inner, "Labels");
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++)
		if (json_object_get(config, counts[i]))
			json_object_set(out, counts[i], json_object_get(config, counts[i]));
	json_object_del(labels, OCIORIGIN_MANIFEST);
	json_object_del(labels, OCIORIGIN_ROOTFS);
	if (!json_object_size(labels))
		json_object_del(inner, "Labels");
	json_object_set_new(out, "config", inner ? inner : json_object());
	return out;
}

static bool agrees(const json_t *config, const json_t *manifest)
{
	struct err ignored = { 0 };
	jsonio_auto json_t *no_layers = json_array();
	jsonio_auto json_t *would_be = ociaci_config(manifest, no_layers, &ignored);
	jsonio_auto json_t *expected = would_be ? essence(would_be) : NULL;
	jsonio_auto json_t *found = essence(config);
	return expected && json_equal(expected, found);
}

static void read_rootfs(const json_t *config, struct ociorigin *origin)
{
	struct err ignored = { 0 };
	char chain[DIGEST_TEXT_MAX];
	const char *text = text_of(labels_of(config), OCIORIGIN_ROOTFS);
	jsonio_auto json_t *rootfs = jsonio_parse(text, strlen(text), OCIORIGIN_ROOTFS, &ignored);
	const json_t *diff_ids = diff_ids_of(config);
	size_t i;
	json_t *diff_id;
	origin->layer = -1;
	chain_id(diff_ids, chain);
	if (strcmp(text_of(rootfs, "chain_id"), chain) != 0)
		return;
	json_array_foreach(diff_ids, i, diff_id)
		if (json_equal(diff_id, json_object_get(rootfs, "diff_id")))
			origin->layer = (int)i;
	if (origin->layer >= 0)
		origin->mtime = json_integer_value(json_object_get(rootfs, "mtime"));
}

bool ociorigin_read(const struct ociimage *image, struct ociorigin *origin)
{
	struct err ignored = { 0 };
	const json_t *config = image->config.json;
	const char *text = text_of(labels_of(config), OCIORIGIN_MANIFEST);
	if (!*text || strlen(text) > ACI_MANIFEST_MAX)
		return false;
	json_t *manifest = jsonio_parse(text, strlen(text), "manifest", &ignored);
	if (!manifest || aci_check_manifest(manifest, &ignored) < 0 || !agrees(config, manifest)) {
		json_decref(manifest);
		return false;
	}
	origin->manifest = manifest;
	buf_add_text(&origin->text, text);
	read_rootfs(config, origin);
	return true;
}

void ociorigin_free(struct ociorigin *origin)
{
	json_decref(origin->manifest);
	buf_free(&origin->text);
}
