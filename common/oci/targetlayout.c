// target.h says what these promise: an image layout on disk (image-spec image-layout.md).
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
#include "crypto/hash.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/target.h"

struct layout {
	int directory;
	char *path;
};

static char *name_of(const char *digest, struct err *e)
{
	enum digest_algorithm algorithm;
	const char *hex;
	if (digest_valid(digest, &algorithm, &hex))
		return mem_format("blobs/%s/%s", digest_name(algorithm), hex);
	err_set(e, STATUS_MALFORMED, "'%.200s': not a digest", digest);
	return NULL;
}

static bool has(const struct layout *l, const char *name, int64_t size)
{
	struct stat st;
	return fstatat(l->directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size == size;
}

static int make_parent(const struct layout *l, const char *name, struct err *e)
{
	mem_auto char *parent = mem_text_n(name, (size_t)(strrchr(name, '/') - name));
	if ((mkdirat(l->directory, "blobs", 0755) < 0 && errno != EEXIST) ||
		(mkdirat(l->directory, parent, 0755) < 0 && errno != EEXIST))
		return err_system(e, "'%s/%s': cannot make", l->path, parent);
	return 0;
}

// Copies and hashes; a blob appears under its name only when it is it.
static int copy(int from, const struct io_output *o, struct target_blob *b, struct err *e)
{
	enum digest_algorithm algorithm;
	char found[DIGEST_TEXT_MAX];
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	int64_t size = 0;
	ssize_t n;
	digest_valid(b->digest, &algorithm, NULL);
	struct hash *h = hash_start(algorithm);
	while ((n = pread(from, chunk, IO_CHUNK, size)) > 0 && size <= b->size) {
		hash_add(h, chunk, (size_t)n);
		size += n;
		if (io_write_all(o->fd, chunk, (size_t)n) < 0) {
			hash_free(h);
			return err_system(e, "cannot write");
		}
		if (b->told)
			b->told(b->told_context, n);
	}
	hash_finish(h, found);
	if (n < 0)
		return err_system(e, "cannot read");
	if (size != b->size || strcmp(found, b->digest) != 0)
		return err_set(e, STATUS_REFUSED, "digest mismatch: found %s", found);
	return 0;
}

static int put_blob(void *context, struct target_blob *b, struct err *e)
{
	const struct layout *l = context;
	struct io_output o;
	mem_auto char *name = name_of(b->digest, e);
	if (!name)
		return -1;
	if (has(l, name, b->size)) {
		b->how = TARGET_THERE;
		if (b->told)
			b->told(b->told_context, b->size);
		return 0;
	}
	io_auto int from = b->open(b->open_context, e);
	if (from < 0 || make_parent(l, name, e) < 0 || io_create(&o, l->directory, name, 0644, e) < 0)
		return -1;
	if (copy(from, &o, b, e) < 0) {
		io_discard(&o);
		return -1;
	}
	b->how = TARGET_SENT;
	return io_commit(&o, e);
}

static bool has_name(const json_t *entry, const char *tag)
{
	const char *name = json_string_value(json_object_get(json_object_get(entry, "annotations"), LAYOUT_REF_NAME));
	return name && !strcmp(name, tag);
}

// Replaces the entry of this name.
static int list_entry(const struct layout *l, const char *tag, const char *media_type, const char *digest, size_t size,
	struct err *e)
{
	io_auto int lock = openat(l->directory, "oci-layout", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_system(e, "'%s': cannot lock", l->path);
	jsonio_auto json_t *index = layout_read_index(l->directory, e);
	json_t *entries = json_object_get(index, "manifests"), *entry;
	if (!index)
		return -1;
	for (size_t i = json_array_size(entries); i-- > 0;)
		if (has_name(json_array_get(entries, i), tag))
			json_array_remove(entries, i);
	entry = descriptor_json(media_type, digest, (int64_t)size);
	json_object_set_new(entry, "annotations", json_pack("{s:s}", LAYOUT_REF_NAME, tag));
	json_array_append_new(entries, entry);
	return layout_write_index(l->directory, index, e);
}

// Of its digest: what is written from it is not to be made of anything else.
static int read_entry(const struct layout *l, const json_t *entry, struct buf *text, struct err *e)
{
	struct descriptor d;
	enum digest_algorithm algorithm;
	char found[DIGEST_TEXT_MAX];
	if (descriptor_parse(entry, "manifests", &d, e) < 0)
		return -1;
	mem_auto char *name = name_of(d.digest, e);
	io_auto int fd = name ? openat(l->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (fd < 0)
		return name ? err_open(e, name) : -1;
	if (io_read_stream(fd, MANIFEST_BYTES_MAX, name, text, e) < 0)
		return -1;
	digest_valid(d.digest, &algorithm, NULL);
	hash_bytes(algorithm, buf_text(text), text->length, found);
	return strcmp(found, d.digest) ? err_set(e, STATUS_REFUSED, "digest mismatch: expected %s, found %s", d.digest, found)
				       : 1;
}

static int read_tag(void *context, const char *tag, struct buf *text, struct err *e)
{
	const struct layout *l = context;
	size_t i;
	json_t *entry;
	jsonio_auto json_t *index = layout_read_index(l->directory, e);
	json_array_foreach(json_object_get(index, "manifests"), i, entry)
		if (has_name(entry, tag))
			return read_entry(l, entry, text, e) < 0 ? err_context(e, "'%s'", l->path) : 1;
	return index ? 0 : -1;
}

static int put_manifest(void *context, const char *tag, const char *media_type, const char *digest, const struct buf *text,
	bool *lists, struct err *e)
{
	const struct layout *l = context;
	struct io_output o;
	mem_auto char *name = name_of(digest, e);
	if (lists)
		*lists = false;
	if (!name || make_parent(l, name, e) < 0)
		return -1;
	if (!has(l, name, (int64_t)text->length)) {
		if (io_create(&o, l->directory, name, 0644, e) < 0)
			return -1;
		if (io_write_all(o.fd, text->data, text->length) < 0) {
			err_system(e, "'%s/%s': cannot write", l->path, name);
			io_discard(&o);
			return -1;
		}
		if (io_commit(&o, e) < 0)
			return -1;
	}
	return tag ? list_entry(l, tag, media_type, digest, text->length, e) : 0;
}

static void close_layout(void *context)
{
	struct layout *l = context;
	close(l->directory);
	free(l->path);
	free(l);
}

int target_open_layout(struct target *t, const char *directory, struct sandbox *sandbox, struct err *e)
{
	static const struct target_kind kind = { put_blob, put_manifest, read_tag, close_layout };
	if (path_make(directory, 0755, e) < 0)
		return -1;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_open(e, directory);
	if (layout_make(fd, e) < 0) {
		close(fd);
		return err_context(e, "'%s'", directory);
	}
	struct layout *l = mem_alloc(sizeof *l);
	*l = (struct layout){ fd, mem_text(directory) };
	*t = (struct target){ &kind, l };
	texts_take(&sandbox->writes, mem_format("/proc/self/fd/%d", fd));
	return 0;
}
