// Fuzz target of image/layertree: layers of random entries over few names. Whatever is put, the names that remain lie in directories
// that remain, each inode has as many names as it says, and nothing is called like a whiteout.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/layertree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	json_t *directories; // by path
	size_t names, files; // visited; and how many names their inodes claim, each counted once
};

static int visit(void *context, const char *path, struct layertree_inode *inode, struct err *e)
{
	struct seen *s = context;
	const char *slash = strrchr(path, '/');
	mem_auto char *above = slash ? mem_text_n(path, (size_t)(slash - path)) : mem_text(".");
	(void)e;
	if (strcmp(path, ".") != 0 && !json_object_get(s->directories, above))
		abort();
	if (strstr(path, ".wh.") || strstr(path, "..") || *path == '/')
		abort();
	if (inode->type == TAR_HARD_LINK || (inode->type == TAR_SYMLINK) != (inode->target != NULL))
		abort();
	if (inode->type == TAR_DIRECTORY && json_object_set_new(s->directories, path, json_true()) < 0)
		abort();
	s->names++;
	if (!inode->user++)
		s->files += inode->names;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a", "b", "c", "a/a", "a/b", "b/a", "c/a/b", ".", "/", "..", "a/../b", "/etc",
		".wh.a", ".wh.b", "a/.wh.a", "b/.wh.b", ".wh..wh..opq", "a/.wh..wh..opq", "c/a/.wh.b", ".wh.", ".wh...",
		".wh.a/b", ".wh..wh.x", "../a", "a/b/c/d", "b/.." };
	static const enum tar_type types[] = { TAR_FILE, TAR_HARD_LINK, TAR_SYMLINK, TAR_DIRECTORY, TAR_FIFO, TAR_FILE };
	struct layertree *t = layertree_new(true);
	size_t layer = 0, number = 0;
	for (; size >= 3; data += 3, size -= 3, number++) {
		struct err e = { 0 };
		struct tar_entry entry = { .type = types[data[0] % ARRAY_LENGTH(types)],
			.path = names[data[1] % ARRAY_LENGTH(names)],
			.link = names[data[2] % ARRAY_LENGTH(names)] };
		if (data[0] & 0x80) {
			layer++;
			number = 0;
		}
		if (entry.type != TAR_HARD_LINK && entry.type != TAR_SYMLINK)
			entry.link = "";
		if (layertree_put(t, layer, number, &entry, &e) < 0 && !e.status)
			abort();
	}
	struct err e = { 0 };
	struct seen s = { .directories = json_object() };
	if (layertree_walk(t, visit, &s, &e) < 0 || s.names != s.files)
		abort();
	json_decref(s.directories);
	layertree_free(t);
	return 0;
}
