// publishindex.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "tuf/names.h"
#include "tuf/publishindex.h"
#include "tuf/tufoci.h"

void publishindex_start(struct publishindex *x, const char *role)
{
	mem_auto char *tag = tufoci_role_tag(role);
	*x = (struct publishindex){ role, names_is_top_level(role) || strcmp(tag, role) != 0 ? NULL : json_array() };
}

static bool is_below(const char *path, const char *role)
{
	size_t n = strlen(role);
	return !strncmp(path, role, n) && path[n] == '/';
}

void publishindex_add(struct publishindex *x, const char *path, const char *digest, int64_t size, bool several)
{
	buf_auto manifest = { 0 };
	char own[DIGEST_TEXT_MAX];
	if (!x->entries)
		return;
	if (!is_below(path, x->role) || json_array_size(x->entries) == PUBLISHINDEX_TARGETS_MAX) {
		publishindex_free(x);
		return;
	}
	tufoci_target_manifest(path, digest, size, &manifest);
	hash_bytes(DIGEST_SHA256, manifest.data, manifest.length, own);
	int directory = (int)(strrchr(path, '/') - path);
	mem_auto char *name = mem_format("%.*s/%s.%s", directory, path, digest_digits(digest), path + directory + 1);
	json_array_append_new(x->entries,
		several ? tufoci_layer(MEDIA_MANIFEST, digest, size, name)
			: tufoci_layer(MEDIA_MANIFEST, own, (int64_t)manifest.length, name));
}

int publishindex_put(const struct publishindex *x, struct publish *p, struct err *e)
{
	if (!json_array_size(x->entries))
		return 0;
	buf_auto text = { 0 };
	jsonio_auto json_t *index =
		json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_INDEX, "manifests", x->entries);
	mem_auto char *json = jsonio_text(index);
	buf_add_text(&text, json);
	return publish_index(p, x->role, &text, e);
}

void publishindex_free(struct publishindex *x)
{
	json_decref(x->entries);
	x->entries = NULL;
}
