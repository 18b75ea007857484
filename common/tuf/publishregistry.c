// publishkind.h says what these promise: a repository of a registry, where each tag changes at once.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "oci/manifest.h"
#include "oci/sourceregistry.h"
#include "tuf/bars.h"
#include "tuf/publishkind.h"
#include "tuf/tufoci.h"

#define TAGS_MAX 10000000 // looked at before anything is deleted

struct place {
	struct source source; // whose registry is
	struct registry *registry;
	bool has_config; // the empty one
};

static int read_manifest(void *context, const char *tag, struct source_document *d, struct err *e)
{
	struct place *p = context;
	if (registry_manifest(p->registry, tag, &d->text, &d->media_type, d->digest, e) == 0)
		return 0;
	if (e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	return 1;
}

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	struct place *p = context;
	if (b->open)
		return registry_put_blob(p->registry, b, e) < 0 ? err_context(e, "blob %s", b->digest) : 0;
	int there = registry_has_blob(p->registry, b->digest, e);
	return there < 0 ? -1 : there ? 0 : err_set(e, STATUS_NOT_FOUND, "blob %s: not there", b->digest);
}

static int put_config(struct place *p, struct err *e)
{
	static const char config[] = TUFOCI_EMPTY;
	struct target_blob b = { .digest = TUFOCI_EMPTY_DIGEST, .size = sizeof config - 1, .open = target_open_text };
	struct buf text = { .data = (char *)(uintptr_t)config, .length = sizeof config - 1 };
	b.open_context = &text;
	if (!p->has_config && put_blob(p, &b, e) < 0)
		return -1;
	if (!p->has_config && b.how == TARGET_SENT)
		bars_whole(config, sizeof config - 1);
	p->has_config = true;
	return 0;
}

static int put_manifest(void *context, const char *tag, const char *media_type, const struct buf *manifest, struct err *e)
{
	struct place *p = context;
	return put_config(p, e) < 0 ? -1 : registry_put_manifest(p->registry, tag, media_type, manifest, NULL, e);
}

// ---- taking away ----

// What nothing else leads to, first the manifest, with which its tag goes. A registry that deletes manifests alone collects blobs as garbage.
static int drop_unused(struct place *p, const char *tag, const struct registry_use *uses, size_t count, struct err *e)
{
	struct err why = { 0 };
	if (registry_delete_manifest(p->registry, uses[0].tag ? tag : uses[0].digest, e) < 0)
		return -1;
	for (size_t i = 1; i < count && !uses[0].tag; i++)
		if (!uses[i].tag && registry_delete_blob(p->registry, uses[i].digest, &why) < 0)
			msg_info("%s", why.text);
	return 0;
}

static int drop_manifest(struct place *p, const char *tag, const char *digest, const json_t *layers, struct err *e)
{
	size_t i, count = 1;
	json_t *layer;
	struct registry_use *uses = mem_resize(NULL, json_array_size(layers) + 1, sizeof *uses);
	uses[0] = (struct registry_use){ .digest = digest };
	json_array_foreach(layers, i, layer)
		uses[count++] = (struct registry_use){ .digest = json_string_value(json_object_get(layer, "digest")) };
	int result = registry_find_uses(p->registry, tag, TAGS_MAX, uses, count, e);
	if (!result)
		result = drop_unused(p, tag, uses, count, e);
	for (i = 0; i < count; i++)
		free(uses[i].tag);
	free(uses);
	return result;
}

static int drop(void *context, const char *tag, struct err *e)
{
	struct place *p = context;
	source_document_auto d = { 0 };
	manifest_auto m = { 0 };
	int absent = read_manifest(p, tag, &d, e);
	if (absent || manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return absent > 0 ? 1 : -1;
	return drop_manifest(p, tag, d.digest, manifest_layers(&m), e);
}

// ---- the kind ----

static int commit(void *context, struct err *e)
{
	(void)context;
	(void)e;
	return 0;
}

static void close_place(void *context)
{
	struct place *p = context;
	source_close(&p->source);
	free(p);
}

int publishregistry_open(struct publish *p, const char *where, enum publish_for for_what, struct err *e)
{
	static const struct publish_tags tags = { read_manifest, put_blob, put_manifest, drop, commit, close_place };
	struct registry *r = tufoci_registry(where, for_what == PUBLISH_TO_DROP ? "pull,delete" : REGISTRY_PUSH, e);
	if (!r)
		return -1;
	struct place *place = mem_alloc(sizeof *place);
	place->registry = r;
	sourceregistry_take(&place->source, r);
	publishoci_open(p, &tags, place, &place->source);
	return 0;
}
