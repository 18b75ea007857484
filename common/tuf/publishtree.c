// publish.h says what these promise: a plain tree (dtuf:O16).
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "tuf/bars.h"
#include "tuf/names.h"
#include "tuf/publishfile.h"
#include "tuf/publishkind.h"
#include "tuf/publishuse.h"

#define TIMESTAMP "metadata/timestamp.json"

struct tree {
	int directory;
	char *timestamp; // the text to be written last
	bool plain;      // targets are under their plain names
};

static void plain_names(void *context)
{
	((struct tree *)context)->plain = true;
}

static char *target_path(const struct tree *t, const char *path, const char *digest)
{
	mem_auto char *file = names_target_file(path, t->plain ? NULL : digest_digits(digest));
	return mem_format("targets/%s", file);
}

static char *blob_path(const char *digest)
{
	return mem_format("targets/blobs/sha256/%s", digest_digits(digest));
}

static int write_text(const struct tree *t, const char *path, const void *data, size_t length, bool later, struct err *e)
{
	if (publishfile_write(t->directory, path, data, length, later, e) < 0)
		return -1;
	bars_whole(data, length);
	return 0;
}

static int read_timestamp(void *context, size_t limit, struct buf *out, struct err *e)
{
	const struct tree *t = context;
	io_auto int fd = publishfile_open(t->directory, TIMESTAMP, e);
	if (fd >= 0)
		return io_read_stream(fd, limit, TIMESTAMP, out, e);
	if (e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	return 1;
}

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	const struct tree *t = context;
	mem_auto char *path = blob_path(b->digest);
	return publishfile_copy(t->directory, path, b, e);
}

// A second name for a blob that is there costs nothing. What is under a plain name may be another version.
static int put_target(void *context, const char *path, struct target_blob *b, struct err *e)
{
	const struct tree *t = context;
	mem_auto char *file = target_path(t, path, b->digest);
	mem_auto char *blob = blob_path(b->digest);
	b->how = TARGET_THERE;
	if (!publishfile_is_there(t->directory, file, b->size) && publishfile_link(t->directory, blob, file))
		return 0;
	return t->plain && !publishfile_has_digest(t->directory, file, b->digest) ? publishfile_replace(t->directory, file, b, e)
										  : publishfile_copy(t->directory, file, b, e);
}

static int put_manifest(void *context, const char *path, const struct buf *manifest, const char *digest, struct err *e)
{
	const struct tree *t = context;
	mem_auto char *file = target_path(t, path, digest);
	return publishfile_has(t->directory, file, manifest->data, manifest->length)
		? 0
		: write_text(t, file, manifest->data, manifest->length, false, e);
}

// Readers of a tree need none.
static int put_index(void *context, const char *role, const struct buf *index, struct err *e)
{
	(void)context;
	(void)role;
	(void)index;
	(void)e;
	return 0;
}

static int sweep(const struct tree *t, struct publishuse *dropped, struct err *e)
{
	io_auto int targets = openat(t->directory, "targets", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (targets < 0)
		return err_open(e, "targets");
	publishuse_mark_tree(dropped, targets);
	return publishuse_sweep(dropped, targets, "blobs/sha256", e);
}

static int drop(void *context, const char *path, const char *digest, struct err *e)
{
	const struct tree *t = context;
	buf_auto text = { 0 };
	struct publishuse dropped = { 0 };
	mem_auto char *file = target_path(t, path, digest);
	io_auto int fd = publishfile_open(t->directory, file, e);
	if (fd < 0 && e->status != STATUS_NOT_FOUND)
		return -1;
	*e = (struct err){ 0 };
	if (fd < 0)
		return 1;
	bool is_small = io_read_stream(fd, MANIFEST_BYTES_MAX, file, &text, &(struct err){ 0 }) == 0;
	publishuse_add_manifest(&dropped, digest, buf_text(&text), is_small ? text.length : 0);
	int failed = unlinkat(t->directory, file, 0) < 0 ? err_system(e, "'%s': cannot remove", file) : sweep(t, &dropped, e);
	publishuse_free(&dropped);
	return failed;
}

// Only the timestamp leads readers to a file that was not there: commit syncs them all, thousands of bins, before it has its name. A root
// they ask for without being led there.
static int put_metadata(void *context, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	struct tree *t = context;
	if (!strcmp(role, "timestamp")) {
		free(t->timestamp);
		t->timestamp = mem_text(text->data);
		return 0;
	}
	mem_auto char *name = names_role_file(role, version);
	mem_auto char *path = mem_format("metadata/%s", name);
	if (publishfile_has(t->directory, path, text->data, text->length))
		return 0;
	return write_text(t, path, text->data, text->length, strcmp(role, "root") != 0, e);
}

static int commit(void *context, struct err *e)
{
	const struct tree *t = context;
	if (!t->timestamp)
		return 0;
	if (publishfile_sync(t->directory, e) < 0) // also of what a push that was killed has left
		return -1;
	return write_text(t, TIMESTAMP, t->timestamp, strlen(t->timestamp), false, e);
}

static void close_tree(void *context)
{
	struct tree *t = context;
	close(t->directory);
	free(t->timestamp);
	free(t);
}

static const struct publish_kind kind = {
	NULL,
	plain_names,
	read_timestamp,
	put_blob,
	put_target,
	put_manifest,
	put_index,
	drop,
	put_metadata,
	put_metadata, // it is one more file
	commit,
	close_tree,
};

int publishtree_open(struct publish *p, int directory, const char *path, struct err *e)
{
	struct tree *t = mem_alloc(sizeof *t);
	t->directory = directory;
	*p = (struct publish){ &kind, t };
	return mkdirat(directory, "metadata", 0755) < 0 && errno != EEXIST ? err_system(e, "'%s': cannot make metadata/", path)
									   : 0;
}

bool publish_is_tree(const struct publish *p)
{
	return p->kind == &kind;
}
