// remoteoci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/sourcelayout.h"
#include "oci/sourceregistry.h"
#include "tuf/names.h"
#include "tuf/remoteoci.h"
#include "tuf/tufoci.h"

struct tagged { // what was found under a tag; no tag: nothing was looked for yet
	char *tag;
	json_t *layers;    // empty where there is no such tag
	struct source own; // of Docker's nested form, where the blobs are with the tag
};

struct remoteoci {
	struct source source;
	char *directory; // of a layout; NULL for a registry
	struct tagged latest,
		other; // the tag of the top-level roles, once a run (dtuf:O14), and the other one that was read last
};

// ---- opening ----

static int open_layout(struct source *source, const char *directory, struct err *e)
{
	struct files files = { .fd = -1 };
	return files_open_directory(&files, directory, e) < 0 ? -1 : sourcelayout_open(source, &files, e);
}

static int open_source(struct remoteoci *o, const char *place, struct sandbox *s, struct err *e)
{
	if (tufoci_is_registry(place)) {
		struct registry *r = tufoci_registry(place, REGISTRY_PULL, e);
		if (r)
			sourceregistry_take(&o->source, r);
		return r ? 0 : -1;
	}
	o->directory = mem_text(place + strlen("oci:"));
	texts_add(&s->reads, o->directory);
	return open_layout(&o->source, o->directory, e);
}

struct remoteoci *remoteoci_open(const char *place, struct sandbox *s, struct err *e)
{
	struct remoteoci *o = mem_alloc(sizeof *o);
	if (open_source(o, place, s, e) == 0)
		return o;
	remoteoci_close(o);
	return NULL;
}

static void forget(struct tagged *t)
{
	free(t->tag);
	json_decref(t->layers);
	source_close(&t->own);
	*t = (struct tagged){ 0 };
}

void remoteoci_close(struct remoteoci *o)
{
	if (!o)
		return;
	forget(&o->latest);
	forget(&o->other);
	source_close(&o->source);
	free(o->directory);
	free(o);
}

// Docker's nested form: a layout of its own for each tag, which does not name it (dtuf:O15). STATUS_NOT_FOUND when there is none.
static int open_nested(const struct remoteoci *o, const char *tag, struct source *nested, struct err *e)
{
	mem_auto char *path = mem_format("%s/%s", o->directory, tag);
	return open_layout(nested, path, e);
}

// ---- tags ----

static int look_up(struct remoteoci *o, const char *tag, struct tagged *t, struct err *e)
{
	struct err why = { 0 };
	t->layers = tufoci_layers(&o->source, tag, e);
	if (t->layers || e->status != STATUS_NOT_FOUND || !o->directory)
		return t->layers ? 0 : -1;
	if (!strcmp(tag, TUFOCI_LATEST))
		t->layers = tufoci_layers(&o->source, NULL, &why);
	else if (open_nested(o, tag, &t->own, &why) == 0)
		t->layers = tufoci_layers(&t->own, NULL, &why);
	if (t->layers)
		*e = (struct err){ 0 };
	return t->layers ? 0 : -1;
}

static struct tagged *read_tag(struct remoteoci *o, const char *tag, struct err *e)
{
	struct tagged *t = strcmp(tag, TUFOCI_LATEST) ? &o->other : &o->latest;
	if (t->tag && !strcmp(t->tag, tag))
		return t;
	forget(t);
	if (look_up(o, tag, t, e) < 0 && e->status != STATUS_NOT_FOUND) {
		forget(t);
		return NULL;
	}
	*e = (struct err){ 0 };
	t->tag = mem_text(tag);
	t->layers = t->layers ? t->layers : json_array();
	return t;
}

int remoteoci_metadata(struct remoteoci *o, const char *role, int64_t version, const struct remote_request *q, struct err *e)
{
	struct descriptor d;
	buf_auto text = { 0 };
	mem_auto char *tag = tufoci_role_tag(role);
	mem_auto char *name = names_role_url(role, version);
	struct tagged *t = read_tag(o, tag, e);
	if (!t)
		return -1;
	const json_t *layer = tufoci_find(t->layers, name);
	if (!layer)
		return err_set(e, STATUS_NOT_FOUND, "'%s': no such file under the tag '%s'", name, tag);
	if (descriptor_parse(layer, "layers", &d, e) < 0)
		return err_context(e, "'%s'", name);
	if (d.size > q->limit)
		return err_set(e, STATUS_LIMIT, "'%s': more than %lld bytes", name, (long long)q->limit);
	if (source_small_blob(t->own.kind ? &t->own : &o->source, &d, (size_t)q->limit, &text, e) < 0)
		return err_context(e, "'%s'", name);
	return q->sink(q->context, buf_text(&text), text.length, e);
}

int64_t remoteoci_former(struct remoteoci *o, const char *role, int64_t version)
{
	struct err why = { 0 };
	mem_auto char *tag = tufoci_role_tag(role);
	mem_auto char *plain = names_role_url(role, 0);
	const struct tagged *t = read_tag(o, tag, &why);
	return t ? tufoci_version(tufoci_newest(t->layers, plain, version)) : 0;
}

// ---- data ----

struct bounded { // no more than was asked for goes to the sink
	const struct remote_request *q;
	int64_t left;
};

static int pass(void *context, const void *data, size_t length, struct err *e)
{
	struct bounded *b = context;
	if ((int64_t)length > b->left)
		return err_set(e, STATUS_LIMIT, "blob: more than %lld bytes", (long long)b->q->limit);
	b->left -= (int64_t)length;
	return b->q->sink(b->q->context, data, length, e);
}

static int read_blob(struct source *source, const char *digest, const struct remote_request *q, struct err *e)
{
	struct bounded b = { q, q->limit - q->resume_from };
	struct descriptor d = { TUFOCI_TARGET, digest, -1 };
	if (q->begin)
		q->begin(q->context, q->limit, q->resume_from);
	return source_blob(source, &d, q->resume_from, pass, &b, e);
}

// In the nested form a target lies with its own tag, or with that of the role whose directory its path begins with (dtuf:O7).
static int read_nested(const struct remoteoci *o, const char *path, const char *hash, const char *digest,
	const struct remote_request *q, struct err *e)
{
	mem_auto char *tag = tufoci_target_tag(path, hash);
	mem_auto char *first = mem_text_n(path, strcspn(path, "/"));
	const char *const tags[] = { tag, first };
	for (size_t i = 0; i < ARRAY_LENGTH(tags); i++) {
		source_auto nested = { 0 };
		struct err why = { 0 };
		if (!ref_is_tag(tags[i]) || open_nested(o, tags[i], &nested, &why) < 0)
			continue;
		if (read_blob(&nested, digest, q, &why) == 0) {
			*e = (struct err){ 0 };
			return 0;
		}
		if (why.status != STATUS_NOT_FOUND) {
			*e = why;
			return -1;
		}
	}
	return -1;
}

int remoteoci_data(struct remoteoci *o, const char *path, const char *hash, const struct remote_request *q, struct err *e)
{
	mem_auto char *digest = mem_format("sha256:%s", hash ? hash : "");
	if (!digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_REFUSED,
			"a registry or layout has only targets with a sha256, of repositories with consistent snapshots");
	int result = read_blob(&o->source, digest, q, e);
	return result < 0 && e->status == STATUS_NOT_FOUND && o->directory && path ? read_nested(o, path, hash, digest, q, e)
										   : result;
}

int remoteoci_manifest(struct remoteoci *o, const char *hash, const struct remote_request *q, struct err *e)
{
	source_document_auto d = { 0 };
	manifest_auto m = { 0 };
	mem_auto char *digest = mem_format("sha256:%s", hash ? hash : "");
	if (!digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_REFUSED, "a target of several blobs has a sha256");
	if (source_manifest(&o->source, digest, &d, e) < 0 ||
		manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return -1;
	if ((int64_t)d.text.length > q->limit)
		return err_set(e, STATUS_LIMIT, "manifest: more than %lld bytes", (long long)q->limit);
	if (q->resume_from && q->restart(q->context, e) < 0)
		return -1;
	return q->sink(q->context, buf_text(&d.text), d.text.length, e);
}

int64_t remoteoci_blob_size(struct remoteoci *o, const char *hash, struct err *e)
{
	struct registry *registry = sourceregistry_of(&o->source);
	mem_auto char *digest = mem_format("sha256:%s", hash);
	return registry ? registry_blob_size(registry, digest, e)
			: err_set(e, STATUS_REFUSED, "blob %s: a layout does not tell sizes", digest);
}

int remoteoci_ask(struct remoteoci *o, const char *path, const char *hash, struct err *e)
{
	struct tagged t = { 0 };
	mem_auto char *tag = tufoci_target_tag(path, hash ? hash : "");
	int result = look_up(o, tag, &t, e);
	forget(&t);
	return result;
}
