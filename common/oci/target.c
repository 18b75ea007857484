// target.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "oci/registry.h"
#include "oci/target.h"

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	return registry_put_blob(context, b, e);
}

static int put_manifest(void *context, const char *tag, const char *media_type, const char *digest, const struct buf *text,
	bool *lists, struct err *e)
{
	return registry_put_manifest(context, tag ? tag : digest, media_type, text, lists, e);
}

static void close_registry(void *context)
{
	registry_close(context);
}

void target_open_registry(struct target *t, struct registry *registry)
{
	static const struct target_kind kind = { put_blob, put_manifest, close_registry };
	*t = (struct target){ &kind, registry };
}

int target_blob(struct target *t, struct target_blob *b, struct err *e)
{
	return t->kind->blob(t->context, b, e) < 0 ? err_context(e, "blob %s", b->digest) : 0;
}

int target_manifest(struct target *t, const char *tag, const char *media_type, const char *digest, const struct buf *text,
	bool *lists, struct err *e)
{
	return t->kind->manifest(t->context, tag, media_type, digest, text, lists, e);
}

void target_close(struct target *t)
{
	if (t->kind)
		t->kind->close(t->context);
	*t = (struct target){ 0 };
}
