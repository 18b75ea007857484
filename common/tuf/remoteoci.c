// remoteoci.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/sourcelayout.h"
#include "tuf/names.h"
#include "tuf/remoteoci.h"
#include "tuf/tufoci.h"

struct remoteoci {
	struct source source;
	char *tag; // the one read last, and its layers
	json_t *layers;
};

struct remoteoci *remoteoci_open(const char *directory, struct sandbox *s, struct err *e)
{
	struct files files = { .fd = -1 };
	struct remoteoci *o = mem_alloc(sizeof *o);
	texts_add(&s->reads, directory);
	if (files_open_directory(&files, directory, e) == 0 && sourcelayout_open(&o->source, &files, e) == 0)
		return o;
	remoteoci_close(o);
	return NULL;
}

void remoteoci_close(struct remoteoci *o)
{
	if (!o)
		return;
	source_close(&o->source);
	free(o->tag);
	json_decref(o->layers);
	free(o);
}

// ---- bytes ----

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

static int read_blob(struct remoteoci *o, const struct descriptor *d, const struct remote_request *q, struct err *e)
{
	struct bounded b = { q, q->limit - q->resume_from };
	if (q->begin)
		q->begin(q->context, d->size, q->resume_from);
	return source_blob(&o->source, d, q->resume_from, pass, &b, e);
}

int remoteoci_data(struct remoteoci *o, const char *hash, const struct remote_request *q, struct err *e)
{
	mem_auto char *digest = mem_format("sha256:%s", hash ? hash : "");
	struct descriptor d = { TUFOCI_TARGET, digest, -1 };
	if (!digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_REFUSED,
			"a layout has only targets with a sha256, of repositories with consistent snapshots");
	return read_blob(o, &d, q, e);
}

// ---- metadata ----

static int read_tag(struct remoteoci *o, const char *tag, struct err *e)
{
	if (o->tag && !strcmp(o->tag, tag))
		return 0;
	json_decref(o->layers);
	free(o->tag);
	o->tag = NULL;
	o->layers = tufoci_layers(&o->source, tag, e);
	o->tag = o->layers ? mem_text(tag) : NULL;
	return o->layers ? 0 : -1;
}

int remoteoci_metadata(struct remoteoci *o, const char *role, int64_t version, const struct remote_request *q, struct err *e)
{
	struct descriptor d;
	mem_auto char *tag = tufoci_role_tag(role);
	mem_auto char *name = names_role_url(role, version);
	if (read_tag(o, tag, e) < 0)
		return -1;
	const json_t *layer = tufoci_find(o->layers, name);
	if (!layer)
		return err_set(e, STATUS_NOT_FOUND, "'%s': no such file under the tag '%s'", name, tag);
	return descriptor_parse(layer, "layers", &d, e) < 0 ? -1 : read_blob(o, &d, q, e);
}
