// flatten.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/attributes.h"
#include "image/flatten.h"
#include "image/layertree.h"
#include "image/pass.h"

struct file {                // a regular file that is left
	size_t layer, entry; // its data
	char *path;          // first name
	struct texts others; // its other names
};

struct flatten {
	struct store *store;
	const struct ociimage *image;
	const struct render_options *options;
	struct layertree *tree;
	json_t *layers;     // of records, as of bare tars
	int64_t bytes;      // of all files together
	struct file *files; // sorted by layer and entry
	size_t count, room;
	struct tarwrite *out;
	const char *prefix;
	size_t layer, entry; // where the pass is
	size_t next;         // of files
};

void flatten_free(struct flatten *f)
{
	if (!f)
		return;
	layertree_free(f->tree);
	json_decref(f->layers);
	for (size_t i = 0; i < f->count; i++) {
		free(f->files[i].path);
		texts_free(&f->files[i].others);
	}
	free(f->files);
	free(f);
}

// ---- the first pass ----

static int read_entry(void *flatten, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	(void)r;
	struct flatten *f = flatten;
	if (entry->type == TAR_FILE && entry->size > f->options->bytes - f->bytes)
		return err_set(e, STATUS_LIMIT, "'%s': the files together are larger than the limit of %lld bytes", entry->path,
			(long long)f->options->bytes);
	f->bytes += entry->type == TAR_FILE ? entry->size : 0;
	return layertree_put(f->tree, f->layer, f->entry++, entry, e);
}

static int over_layer(struct flatten *f, pass_visit *visit, struct err *e)
{
	f->entry = 0;
	if (pass_over_image(f->store, json_array_get(f->layers, f->layer), f->options, visit, f, e) < 0)
		return err_context(e, "layer %zu", f->layer + 1);
	return 0;
}

struct flatten *flatten_read(struct store *s, const struct ociimage *image, const struct render_options *options, struct err *e)
{
	struct flatten *f = mem_alloc(sizeof *f);
	*f = (struct flatten){ .store = s,
		.image = image,
		.options = options,
		.tree = layertree_new(false),
		.layers = json_array() };
	for (f->layer = 0; f->layer < ociimage_layers(image); f->layer++) {
		json_t *layer = ociimage_layer(image, f->layer, e);
		if (!layer)
			break;
		json_array_append_new(f->layers, layer);
		if (over_layer(f, read_entry, e) < 0)
			break;
	}
	if (!e->status)
		return f;
	flatten_free(f);
	return NULL;
}

// ---- names ----

// The path in the archive that is written; malloced.
static char *outer_path(const struct flatten *f, const char *path)
{
	if (!*f->prefix)
		return mem_text(path);
	return strcmp(path, ".") ? mem_format("%s/%s", f->prefix, path) : mem_text(f->prefix);
}

// A file with several names is met once for each; `user` is its number, from 1, once it was.
static void add_file(struct flatten *f, const char *path, struct layertree_inode *inode)
{
	if (inode->user) {
		texts_add(&f->files[inode->user - 1].others, path);
		return;
	}
	if (f->count == f->room) {
		f->room = f->room ? f->room * 2 : 256;
		f->files = mem_resize(f->files, f->room, sizeof *f->files);
	}
	f->files[f->count++] = (struct file){ .layer = inode->layer, .entry = inode->entry, .path = mem_text(path) };
	inode->user = f->count;
}

static int write_about(struct flatten *f, const char *path, const struct layertree_inode *inode, struct err *e)
{
	mem_auto char *outer = outer_path(f, path);
	struct tar_entry entry = *inode->about;
	entry.path = outer;
	return tarwrite_entry(f->out, &entry, e);
}

static int write_special(void *flatten, const char *path, struct layertree_inode *inode, struct err *e)
{
	if (inode->type == TAR_FILE)
		add_file(flatten, path, inode);
	return inode->type == TAR_FILE || inode->type == TAR_DIRECTORY ? 0 : write_about(flatten, path, inode, e);
}

static int write_directory(void *flatten, const char *path, struct layertree_inode *inode, struct err *e)
{
	return inode->type == TAR_DIRECTORY ? write_about(flatten, path, inode, e) : 0;
}

static int by_place(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

// ---- the second pass ----

static int write_others(struct flatten *f, const struct file *file, struct tar_entry link, struct err *e)
{
	link.type = TAR_HARD_LINK;
	link.link = link.path;
	link.xattr_count = 0;
	for (size_t i = 0; i < file->others.count; i++) {
		mem_auto char *path = outer_path(f, file->others.items[i]);
		link.path = path;
		if (tarwrite_entry(f->out, &link, e) < 0)
			return -1;
	}
	return 0;
}

static int write_file(struct flatten *f, const struct file *file, const struct tar_entry *from, struct tar_reader *r,
	struct err *e)
{
	mem_auto char *path = outer_path(f, file->path);
	mem_auto struct tar_xattr *kept = mem_alloc((from->xattr_count + 1) * sizeof *kept);
	struct tar_entry entry = *from;
	entry.path = path;
	entry.xattrs = kept;
	entry.xattr_count = 0;
	for (size_t i = 0; i < from->xattr_count; i++)
		if (attributes_keep_xattr(&attributes_all, from->xattrs[i].name))
			kept[entry.xattr_count++] = from->xattrs[i];
	if (tarwrite_entry(f->out, &entry, e) < 0 || tarwrite_copy(f->out, r, e) < 0)
		return -1;
	return write_others(f, file, entry, e);
}

static int write_entry(void *flatten, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct flatten *f = flatten;
	const struct file *file = &f->files[f->next];
	size_t number = f->entry++;
	if (f->next == f->count || file->layer != f->layer || file->entry != number)
		return 0;
	f->next++;
	if (entry->type != TAR_FILE)
		return err_set(e, STATUS_REFUSED, "'%s': the layer is another one than before", file->path);
	return write_file(f, file, entry, r, e);
}

int flatten_write(struct flatten *f, struct tarwrite *out, const char *prefix, struct err *e)
{
	f->out = out;
	f->prefix = prefix;
	if (layertree_walk(f->tree, write_special, f, e) < 0)
		return -1;
	if (f->count)
		qsort(f->files, f->count, sizeof *f->files, by_place);
	for (f->layer = 0; f->layer < json_array_size(f->layers); f->layer++) {
		bool any = f->next < f->count && f->files[f->next].layer == f->layer;
		if (any && over_layer(f, write_entry, e) < 0)
			return -1;
	}
	if (f->next < f->count)
		return err_set(e, STATUS_REFUSED, "a layer became shorter while it was read");
	return layertree_walk(f->tree, write_directory, f, e);
}
