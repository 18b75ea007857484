// publishuse.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "tuf/names.h"
#include "tuf/publishuse.h"
#include "tuf/tufoci.h"

enum { DEPTH_MAX = 64 }; // indexes in indexes, directories in directories

void publishuse_free(struct publishuse *u)
{
	for (size_t i = 0; i < u->count; i++)
		free(u->blobs[i].digest);
	free(u->blobs);
	*u = (struct publishuse){ 0 };
}

void publishuse_add(struct publishuse *u, const char *digest)
{
	if (!digest_is_sha256(digest))
		return;
	u->blobs = mem_resize(u->blobs, u->count + 1, sizeof *u->blobs);
	u->blobs[u->count++] = (struct publishuse_blob){ mem_text(digest), false };
}

static const char *digest_of(const json_t *descriptor)
{
	return json_string_value(json_object_get(descriptor, "digest"));
}

void publishuse_add_manifest(struct publishuse *u, const char *digest, const char *text, size_t length)
{
	size_t i;
	json_t *layer;
	manifest_auto m = { 0 };
	publishuse_add(u, digest);
	if (manifest_parse(text, length, NULL, &m, &(struct err){ 0 }) < 0 || m.is_index)
		return;
	publishuse_add(u, digest_of(manifest_config(&m)));
	json_array_foreach(manifest_layers(&m), i, layer)
		publishuse_add(u, digest_of(layer));
}

static void mark_all(struct publishuse *u)
{
	for (size_t i = 0; i < u->count; i++)
		u->blobs[i].used = true;
}

static void mark_named(struct publishuse *u, const char *text)
{
	for (size_t i = 0; i < u->count; i++)
		u->blobs[i].used = u->blobs[i].used || strstr(text, digest_digits(u->blobs[i].digest));
}

// ---- a layout ----

static void mark_manifests(struct publishuse *u, const json_t *entries, struct source *blobs, int depth)
{
	size_t i;
	json_t *entry;
	json_array_foreach(entries, i, entry) {
		struct descriptor d;
		manifest_auto m = { 0 };
		buf_auto text = { 0 };
		struct err why = { 0 };
		if (depth > DEPTH_MAX || descriptor_parse(entry, "manifests", &d, &why) < 0 ||
			source_small_blob(blobs, &d, MANIFEST_BYTES_MAX, &text, &why) < 0 ||
			manifest_parse(buf_text(&text), text.length, d.media_type, &m, &why) < 0) {
			mark_all(u);
			return;
		}
		mark_named(u, d.digest);
		mark_named(u, text.data);
		if (m.is_index)
			mark_manifests(u, manifest_entries(&m), blobs, depth + 1);
	}
}

void publishuse_mark_index(struct publishuse *u, const json_t *index, struct source *blobs)
{
	if (u->count)
		mark_manifests(u, json_object_get(index, "manifests"), blobs, 0);
}

// ---- a tree ----

// A file HASH.NAME is the blob of this hash; one that begins as tufoci_manifest writes it may list others.
static void mark_file(struct publishuse *u, int directory, const char *name)
{
	static const char start[] = "{\"annotations\":{\"" TUFOCI_FILENAME "\":";
	char first[sizeof start - 1];
	buf_auto text = { 0 };
	if (strlen(name) >= NAMES_HASH_MAX && name[NAMES_HASH_MAX - 1] == '.') {
		mem_auto char *hash = mem_text_n(name, NAMES_HASH_MAX - 1);
		mark_named(u, hash);
	}
	io_auto int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 &&
		(io_read_full(fd, first, sizeof first) != (ssize_t)sizeof first || memcmp(first, start, sizeof first) != 0))
		return;
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || io_read_stream(fd, MANIFEST_BYTES_MAX, name, &text, &(struct err){ 0 }) < 0)
		mark_all(u);
	else
		mark_named(u, buf_text(&text));
}

// Takes the directory over.
static void mark_directory(struct publishuse *u, int directory, int depth)
{
	struct stat st;
	const struct dirent *entry;
	DIR *list = directory < 0 || depth > DEPTH_MAX ? NULL : fdopendir(directory);
	if (!list) {
		mark_all(u);
		if (directory >= 0)
			close(directory);
		return;
	}
	while ((entry = readdir(list))) {
		const char *name = entry->d_name;
		if (!strcmp(name, ".") || !strcmp(name, "..") || (!depth && !strcmp(name, "blobs")) ||
			fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			mark_directory(u, openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth + 1);
		else if (S_ISREG(st.st_mode))
			mark_file(u, directory, name);
	}
	closedir(list);
}

void publishuse_mark_tree(struct publishuse *u, int targets)
{
	mark_directory(u, openat(targets, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
}

// ---- the end of a blob ----

int publishuse_sweep(const struct publishuse *u, int top, const char *directory, struct err *e)
{
	for (size_t i = 0; i < u->count; i++) {
		mem_auto char *path = mem_format("%s/%s", directory, digest_digits(u->blobs[i].digest));
		if (!u->blobs[i].used && unlinkat(top, path, 0) < 0 && errno != ENOENT)
			return err_system(e, "'%s': cannot remove", path);
	}
	return 0;
}
