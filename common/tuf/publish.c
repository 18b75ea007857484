// publish.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "oci/files.h"
#include "oci/layout.h"
#include "oci/sourcelayout.h"
#include "tuf/bars.h"
#include "tuf/names.h"
#include "tuf/publish.h"
#include "tuf/remote.h"
#include "tuf/tufoci.h"

// ---- opening ----

static const char *tag_of(const json_t *entry)
{
	return json_string_value(json_object_get(json_object_get(entry, "annotations"), LAYOUT_REF_NAME));
}

static int open_layout(struct publish *p, struct err *e)
{
	size_t i;
	json_t *entry;
	if (layout_make(p->directory, e) < 0 || !(p->index = layout_read_index(p->directory, e)))
		return -1;
	p->tags = json_object();
	p->layers = json_object();
	json_array_foreach(json_object_get(p->index, "manifests"), i, entry)
		if (tag_of(entry))
			json_object_set_new(p->tags, tag_of(entry), json_integer((json_int_t)i));
	return 0;
}

int publish_open(struct publish *p, const char *where, struct sandbox *s, struct err *e)
{
	*p = (struct publish){ .directory = -1 };
	bool is_layout = !strncmp(where, "oci:", 4);
	if (!is_layout && strncmp(where, "file:", 5) != 0)
		return err_set(e, STATUS_USAGE, "'%s': not a place to publish in: expected file:DIR or oci:DIR", where);
	const char *path = strchr(where, ':') + 1;
	if (path_make(path, 0755, e) < 0)
		return -1;
	texts_add(&s->writes, path);
	p->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->directory < 0)
		return err_open(e, path);
	if (flock(p->directory, LOCK_EX) < 0)
		return err_system(e, "'%s': cannot lock", path);
	if (is_layout)
		return open_layout(p, e);
	return mkdirat(p->directory, "metadata", 0755) < 0 && errno != EEXIST ? err_system(e, "'%s': cannot make metadata/", path)
									      : 0;
}

void publish_close(struct publish *p)
{
	if (p->directory >= 0)
		close(p->directory);
	json_decref(p->index);
	json_decref(p->tags);
	json_decref(p->layers);
	free(p->timestamp);
	*p = (struct publish){ .directory = -1 };
}

// ---- files ----

// The directories of a path below ours; a symlink on the way is not followed (dtuf:A12). A descriptor of the last one.
static int open_parent(int top, const char *path, struct err *e)
{
	io_auto int at = fcntl(top, F_DUPFD_CLOEXEC, 0);
	mem_auto char *copy = mem_text(path);
	char *part = copy;
	for (char *slash; at >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		if (mkdirat(at, part, 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s': cannot make the directory", path);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_set(e, STATUS_REFUSED, "'%s': a symbolic link or no directory is in its way", path);
		close(at);
		at = next;
	}
	return at < 0 ? err_system(e, "'%s'", path) : io_steal(at);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int write_text(int top, const char *path, const void *data, size_t length, struct err *e)
{
	struct io_output o;
	io_auto int parent = open_parent(top, path, e);
	if (parent < 0 || io_create(&o, parent, base_of(path), 0644, e) < 0)
		return -1;
	if (io_write_all(o.fd, data, length) == 0) {
		bars_whole(data, length);
		return io_commit(&o, e);
	}
	err_system(e, "'%s': cannot write", path);
	io_discard(&o);
	return -1;
}

static int copy_checked(int from, int to, const char *path, const char *hash, int64_t size, struct err *e)
{
	ssize_t n = 0;
	struct progress p;
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	struct hash *h = hash_start(DIGEST_SHA256);
	bool good = lseek(from, 0, SEEK_SET) == 0;
	mem_auto char *expected = mem_format("sha256:%s", hash);
	progress_start_blob(&p, NULL, expected, size);
	while (good && (n = io_read_full(from, chunk, IO_CHUNK)) > 0) {
		hash_add(h, chunk, (size_t)n);
		progress_add(&p, n);
		good = io_write_all(to, chunk, (size_t)n) == 0;
	}
	hash_finish(h, digest);
	if (!good || n < 0)
		err_system(e, "'%s': cannot copy", path);
	else if (p.done != size || strcmp(digest, expected) != 0)
		err_set(e, STATUS_REFUSED, "'%s': digest mismatch: expected %s, found %s: did the data change?", path, expected,
			digest);
	if (e->status)
		progress_abort(&p);
	else
		progress_end(&p);
	return e->status ? -1 : 0;
}

static bool is_there(int top, const char *path, int64_t size)
{
	struct stat st;
	return !fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && st.st_size == size;
}

// Files under the name of their hash never change: one that is there is as good as written.
static int write_copy(int top, const char *path, int fd, const char *hash, int64_t size, struct err *e)
{
	struct io_output o;
	if (is_there(top, path, size))
		return 0;
	io_auto int parent = open_parent(top, path, e);
	if (parent < 0 || io_create(&o, parent, base_of(path), 0644, e) < 0)
		return -1;
	if (copy_checked(fd, o.fd, path, hash, size, e) == 0)
		return io_commit(&o, e);
	io_discard(&o);
	return -1;
}

static char *blob_path(const struct publish *p, const char *hash)
{
	return mem_format("%sblobs/sha256/%s", p->index ? "" : "targets/", hash);
}

static char *target_path(const char *path, const char *hash)
{
	mem_auto char *file = remote_target_file(path, hash);
	return mem_format("targets/%s", file);
}

// ---- a layout ----

static int write_blob(struct publish *p, const void *data, size_t length, char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	hash_bytes(DIGEST_SHA256, data, length, digest);
	mem_auto char *path = blob_path(p, strchr(digest, ':') + 1);
	return is_there(p->directory, path, (int64_t)length) ? 0 : write_text(p->directory, path, data, length, e);
}

// Writes the manifest and has the tag point to it once index.json is written.
static int tag_manifest(struct publish *p, const char *tag, const struct buf *manifest, struct err *e)
{
	char digest[DIGEST_TEXT_MAX], empty[DIGEST_TEXT_MAX];
	if (write_blob(p, TUFOCI_EMPTY, strlen(TUFOCI_EMPTY), empty, e) < 0 ||
		write_blob(p, manifest->data, manifest->length, digest, e) < 0)
		return -1;
	json_t *manifests = json_object_get(p->index, "manifests"), *at = json_object_get(p->tags, tag);
	json_t *entry = descriptor_json(MEDIA_MANIFEST, digest, (int64_t)manifest->length);
	json_object_set_new(entry, "annotations", json_pack("{s:s}", LAYOUT_REF_NAME, tag));
	if (at)
		return json_array_set_new(manifests, (size_t)json_integer_value(at), entry);
	json_object_set_new(p->tags, tag, json_integer((json_int_t)json_array_size(manifests)));
	return json_array_append_new(manifests, entry);
}

static int tag_layers(struct publish *p, const char *tag, json_t *layers, struct err *e)
{
	buf_auto manifest = { 0 };
	tufoci_manifest(layers, NULL, &manifest);
	return tag_manifest(p, tag, &manifest, e);
}

// The layers that are published under a tag; an empty array when there are none.
static json_t *published_layers(struct publish *p, const char *tag, struct err *e)
{
	buf_auto text = { 0 };
	mem_auto char *path = NULL;
	struct descriptor d;
	const json_t *at = json_object_get(p->tags, tag);
	if (!at)
		return json_array();
	if (descriptor_parse(json_array_get(json_object_get(p->index, "manifests"), (size_t)json_integer_value(at)), "manifests",
		    &d, e) < 0)
		return NULL;
	path = blob_path(p, strchr(d.digest, ':') + 1);
	io_auto int fd = openat(p->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err_open(e, path);
		return NULL;
	}
	if (io_read_stream(fd, JSONIO_BYTES_MAX, path, &text, e) < 0)
		return NULL;
	jsonio_auto json_t *m = jsonio_parse(buf_text(&text), text.length, path, e);
	json_t *layers = json_object_get(m, "layers");
	return !m ? NULL : json_is_array(layers) ? json_incref(layers) : json_array();
}

// ---- what is published ----

int publish_timestamp(struct publish *p, size_t limit, struct buf *out, struct err *e)
{
	mem_auto char *path = NULL;
	if (p->index) {
		struct descriptor d;
		jsonio_auto json_t *layers = published_layers(p, TUFOCI_LATEST, e);
		const json_t *layer = layers ? tufoci_find(layers, "timestamp.json") : NULL;
		if (!layers || !layer)
			return layers ? 1 : -1;
		if (descriptor_parse(layer, "layers", &d, e) < 0)
			return -1;
		path = blob_path(p, strchr(d.digest, ':') + 1);
	} else {
		path = mem_text("metadata/timestamp.json");
	}
	io_auto int fd = openat(p->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : err_open(e, path);
	return io_read_stream(fd, limit, path, out, e);
}

// ---- data ----

int publish_blob(struct publish *p, int fd, const char *hash, int64_t size, struct err *e)
{
	mem_auto char *path = blob_path(p, hash);
	return write_copy(p->directory, path, fd, hash, size, e);
}

int publish_open_blob(struct publish *p, const char *hash, struct err *e)
{
	mem_auto char *path = blob_path(p, hash);
	int fd = openat(p->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_open(e, path) : fd;
}

// A second name for a blob that is there costs nothing.
static bool link_blob(struct publish *p, const char *hash, const char *path)
{
	mem_auto char *blob = blob_path(p, hash);
	io_auto int parent = open_parent(p->directory, path, &(struct err){ 0 });
	return parent >= 0 && linkat(p->directory, blob, parent, base_of(path), 0) == 0;
}

int publish_target(struct publish *p, const char *path, int fd, const char *hash, int64_t size, struct err *e)
{
	if (!p->index) {
		mem_auto char *file = target_path(path, hash);
		if (is_there(p->directory, file, size) || link_blob(p, hash, file))
			return 0;
		return write_copy(p->directory, file, fd, hash, size, e);
	}
	const char *base = base_of(path);
	mem_auto char *tag = tufoci_target_tag(path, hash);
	mem_auto char *name = mem_format("%s.%s", hash, base);
	mem_auto char *digest = mem_format("sha256:%s", hash);
	if (publish_blob(p, fd, hash, size, e) < 0)
		return -1;
	return tag_layers(p, tag, json_pack("[o]", tufoci_layer(TUFOCI_TARGET, digest, size, name)), e);
}

int publish_manifest(struct publish *p, const char *path, const struct buf *manifest, const char *hash, struct err *e)
{
	if (p->index) {
		mem_auto char *tag = tufoci_target_tag(path, hash);
		return tag_manifest(p, tag, manifest, e);
	}
	mem_auto char *file = target_path(path, hash);
	return is_there(p->directory, file, (int64_t)manifest->length)
		? 0
		: write_text(p->directory, file, manifest->data, manifest->length, e);
}

static int drop_tag(struct publish *p, const char *tag)
{
	size_t i;
	json_t *entry, *manifests = json_object_get(p->index, "manifests");
	if (!json_object_get(p->tags, tag))
		return 1;
	json_array_remove(manifests, (size_t)json_integer_value(json_object_get(p->tags, tag)));
	json_object_clear(p->tags);
	json_array_foreach(manifests, i, entry)
		if (tag_of(entry))
			json_object_set_new(p->tags, tag_of(entry), json_integer((json_int_t)i));
	return 0;
}

int publish_drop_target(struct publish *p, const char *path, const char *hash, struct err *e)
{
	if (p->index) {
		mem_auto char *tag = tufoci_target_tag(path, hash);
		return drop_tag(p, tag);
	}
	mem_auto char *file = target_path(path, hash);
	if (unlinkat(p->directory, file, 0) == 0)
		return 0;
	return errno == ENOENT ? 1 : err_system(e, "'%s': cannot remove", file);
}

// ---- metadata ----

static int add_layer(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *tag = tufoci_role_tag(role);
	mem_auto char *name = names_role_url(role, version);
	mem_auto char *plain = names_role_url(role, 0);
	json_t *layers = json_object_get(p->layers, tag);
	if (write_blob(p, text->data, text->length, digest, e) < 0)
		return -1;
	if (!layers)
		json_object_set_new(p->layers, tag, layers = json_array());
	if (version > 0 && strcmp(role, "root") != 0) {
		jsonio_auto json_t *former = published_layers(p, tag, e);
		const json_t *before = former ? tufoci_newest(former, plain, version) : NULL;
		if (!former)
			return -1;
		if (before)
			json_array_append(layers, (json_t *)before);
	}
	return json_array_append_new(layers, tufoci_layer(TUFOCI_METADATA, digest, (int64_t)text->length, name));
}

int publish_metadata(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e)
{
	if (p->index)
		return add_layer(p, role, version, text, e);
	if (!strcmp(role, "timestamp")) {
		free(p->timestamp);
		p->timestamp = mem_text(text->data);
		return 0;
	}
	mem_auto char *name = names_role_file(role, version);
	mem_auto char *path = mem_format("metadata/%s", name);
	return write_text(p->directory, path, text->data, text->length, e);
}

int publish_commit(struct publish *p, struct err *e)
{
	const char *tag;
	json_t *layers;
	if (!p->index)
		return p->timestamp ? write_text(p->directory, "metadata/timestamp.json", p->timestamp, strlen(p->timestamp), e)
				    : 0;
	json_object_foreach(p->layers, tag, layers)
		if (tag_layers(p, tag, json_incref(layers), e) < 0)
			return -1;
	json_object_clear(p->layers);
	return layout_write_index(p->directory, p->index, e);
}
