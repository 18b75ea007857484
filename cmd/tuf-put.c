// tuf-put - put the data of a target where a TUF repository is published
// SPDX-License-Identifier: Apache-2.0
//
// PLACE: as for tuf-push. DATA: files, and `@MANIFEST` for the blobs of another target that are there. stdout: the target's record, as
// tuf-add reads it: clients see it once metadata that lists it is published. One blob is a target as every client knows it; of several
// the target is a manifest that names them (dtuf:B2, B3).
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/progress.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "oci/manifest.h"
#include "oci/registry.h"
#include "tuf/draft.h"
#include "tuf/names.h"
#include "tuf/publish.h"
#include "tuf/tufoci.h"

static struct {
	const char *manifest;
	bool drop;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "manifest", "FILE", &user.manifest, "write the manifest of the target there, too"),
	CMD_FLAG(0, "drop", &user.drop, "take the target away instead; DATA is its `@MANIFEST'"),
	CMD_GROUP(registry_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-put",
	.operands = "PLACE TARGET DATA ...",
	.summary = "put the data of a target where a TUF repository is published",
	.reads = CMD_NONE,
	.writes = CMD_RECORD,
	.least_operands = 3,
	.most_operands = -1,
	.options = options,
};

struct blob {
	char *path; // for messages
	int fd;
	int64_t size;
	char digest[DIGEST_TEXT_MAX];
};

struct blobs {
	struct blob *items;
	size_t count;
};

static struct blob *add_blob(struct blobs *b, const char *path)
{
	b->items = mem_resize(b->items, b->count + 1, sizeof *b->items);
	b->items[b->count] = (struct blob){ .path = mem_text(path), .fd = -1 };
	return &b->items[b->count++];
}

static void free_blobs(struct blobs *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->items[i].path);
		io_close_indirect(&b->items[i].fd);
	}
	free(b->items);
}

// Opened before the sandbox is entered.
static int open_file(struct blobs *b, const char *path, struct err *e)
{
	struct stat st;
	struct blob *blob = add_blob(b, path);
	blob->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (blob->fd < 0)
		return err_open(e, path);
	if (fstat(blob->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_REFUSED, "'%s': not a regular file", path);
	blob->size = st.st_size;
	return 0;
}

static int open_manifest(struct blobs *b, const char *path, struct err *e)
{
	size_t i;
	json_t *layer;
	manifest_auto m = { 0 };
	buf_auto text = { 0 };
	struct descriptor d;
	if (io_read_file(path, MANIFEST_BYTES_MAX, &text, e) < 0 || manifest_parse(buf_text(&text), text.length, NULL, &m, e) < 0)
		return err_context(e, "'%s'", path);
	json_array_foreach(manifest_layers(&m), i, layer) {
		struct blob *blob = add_blob(b, path);
		if (descriptor_parse(layer, "layers", &d, e) < 0)
			return -1;
		blob->size = d.size;
		snprintf(blob->digest, sizeof blob->digest, "%s", d.digest);
	}
	return 0;
}

static int open_all(struct blobs *b, const struct cmd_operands *what, struct err *e)
{
	for (int i = 2; i < what->count; i++) {
		const char *path = what->items[i];
		if ((*path == '@' ? open_manifest(b, path + 1, e) : open_file(b, path, e)) < 0)
			return -1;
	}
	return b->items ? 0 : err_set(e, STATUS_MALFORMED, "'%s': no layers", what->items[2]);
}

static int read_blob(struct blob *b, struct err *e)
{
	struct progress p;
	ssize_t n;
	int64_t size = 0;
	if (b->digest[0])
		return 0;
	struct hash *h = hash_start(DIGEST_SHA256);
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	progress_start(&p, b->path, b->size);
	while ((n = io_read_full(b->fd, chunk, IO_CHUNK)) > 0) {
		hash_add(h, chunk, (size_t)n);
		size += n;
		progress_add(&p, n);
	}
	progress_end(&p);
	hash_finish(h, b->digest);
	b->size = size;
	return n < 0 ? err_system(e, "'%s': cannot read", b->path) : 0;
}

static json_t *record_of(const char *target, const char *digest, int64_t size, size_t blobs)
{
	json_t *r = json_pack("{s:s, s:s, s:I, s:{s:s}}", "kind", "target", "path", target, "length", (json_int_t)size, "hashes",
		"sha256", digest_digits(digest));
	if (blobs > 1)
		json_object_set_new(r, "custom", json_pack("{s:i}", "blobs", (int)blobs));
	return r;
}

static void make_manifest(const char *target, const struct blobs *b, struct buf *manifest)
{
	json_t *layers = json_array();
	mem_auto char *name = mem_format("%s.%s", digest_digits(b->items->digest), path_base(target));
	for (size_t i = 0; i < b->count; i++)
		json_array_append_new(layers,
			tufoci_layer(TUFOCI_TARGET, b->items[i].digest, b->items[i].size, b->count == 1 ? name : NULL));
	tufoci_manifest(layers, b->count == 1 ? NULL : target, manifest);
}

// What is not read from a file is there already.
static struct target_blob blob_of(struct blob *b)
{
	return (struct target_blob){ .digest = b->digest,
		.size = b->size,
		.open = b->fd < 0 ? NULL : target_open_file,
		.open_context = &b->fd };
}

static int write_manifest(const struct io_output *o, const struct buf *manifest, struct err *e)
{
	return io_write_all(o->fd, manifest->data, manifest->length) < 0 ? err_system(e, "'%s': cannot write", user.manifest) : 0;
}

// Every file is read whole before the place changes (dtuf:B5).
static json_t *put(struct publish *p, const char *target, struct blobs *b, struct io_output *o, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	buf_auto manifest = { 0 };
	for (size_t i = 0; i < b->count; i++)
		if (read_blob(&b->items[i], e) < 0)
			return NULL;
	make_manifest(target, b, &manifest);
	hash_bytes(DIGEST_SHA256, manifest.data, manifest.length, digest);
	if (user.manifest && write_manifest(o, &manifest, e) < 0)
		return NULL;
	for (size_t i = 0; i < b->count && (b->count > 1 || publish_is_tree(p)); i++) {
		struct target_blob blob = blob_of(&b->items[i]);
		if (publish_blob(p, &blob, e) < 0)
			return NULL;
	}
	struct target_blob only = blob_of(b->items);
	int failed = b->count > 1 ? publish_manifest(p, target, &manifest, digest, e) : publish_target(p, target, &only, e);
	if (failed || publish_commit(p, e) < 0 || (user.manifest && io_commit(o, e) < 0))
		return NULL;
	return b->count > 1 ? record_of(target, digest, (int64_t)manifest.length, b->count)
			    : record_of(target, only.digest, only.size, 1);
}

static json_t *drop(struct publish *p, const char *target, const struct blobs *b, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	buf_auto manifest = { 0 };
	make_manifest(target, b, &manifest);
	hash_bytes(DIGEST_SHA256, manifest.data, manifest.length, digest);
	bool several = b->count > 1;
	const char *dropped = several ? digest : b->items->digest;
	int gone = publish_drop_target(p, target, dropped, e);
	if (gone > 0)
		err_set(e, STATUS_NOT_FOUND, "the target '%s': not there", target);
	if (gone || publish_commit(p, e) < 0)
		return NULL;
	return record_of(target, dropped, several ? (int64_t)manifest.length : b->items->size, b->count);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct blobs blobs = { 0 };
	struct io_output o = { .fd = -1 };
	struct publish place = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	const char *target = what.items[1];
	if (user.drop && (what.count != 3 || what.items[2][0] != '@' || user.manifest))
		cmd_usage("option --drop: takes the target's `@MANIFEST' as its only DATA, and no --manifest");
	if (user.manifest) {
		mem_auto char *parent = draft_beside(user.manifest, ".");
		texts_add(&sandbox.writes, parent);
	}
	bool ready = names_check_target(target, &e) == 0 && open_all(&blobs, &what, &e) == 0 &&
		(!user.manifest || io_create(&o, AT_FDCWD, user.manifest, 0644, &e) == 0) &&
		publish_open(&place, what.items[0], user.drop ? PUBLISH_TO_DROP : PUBLISH_TO_PUT, &sandbox, &e) == 0 &&
		sandbox_enter(&sandbox, &e) == 0;
	jsonio_auto json_t *record = !ready ? NULL
		: user.drop                 ? drop(&place, target, &blobs, &e)
					    : put(&place, target, &blobs, &o, &e);
	io_discard(&o);
	publish_close(&place);
	registry_end();
	free_blobs(&blobs);
	if (!record)
		return cmd_fail(&e);
	record_write(record);
	return cmd_finish();
}
