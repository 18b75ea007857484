// target.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/io.h"
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

static int read_tag(void *context, const char *tag, struct buf *text, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	char *media_type;
	if (registry_manifest(context, tag, text, &media_type, digest, e) == 0) {
		free(media_type);
		return 1;
	}
	if (e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

static void close_registry(void *context)
{
	registry_close(context);
}

void target_open_registry(struct target *t, struct registry *registry)
{
	static const struct target_kind kind = { put_blob, put_manifest, read_tag, close_registry };
	*t = (struct target){ &kind, registry };
}

int target_open_text(void *text, struct err *e)
{
	const struct buf *b = text;
	io_auto int fd = memfd_create("blob", MFD_CLOEXEC);
	if (fd < 0 || io_write_all(fd, b->data, b->length) < 0)
		return err_system(e, "no memory for a blob");
	return io_steal(fd);
}

int target_open_file(void *fd, struct err *e)
{
	int copy = fcntl(*(const int *)fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? err_system(e, "cannot open a file again") : copy;
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

int target_read(struct target *t, const char *tag, struct buf *text, struct err *e)
{
	return t->kind->read(t->context, tag, text, e);
}

void target_close(struct target *t)
{
	if (t->kind)
		t->kind->close(t->context);
	*t = (struct target){ 0 };
}
