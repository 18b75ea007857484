// layers.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "image/layers.h"
#include "image/nameset.h"
#include "image/ociimage.h"
#include "image/pass.h"
#include "image/treelayer.h"

// ---- what an entry means ----

static bool is_reserved(const char *name)
{
	return !strncmp(name, ".wh..wh.", 8) && strcmp(name, LAYERS_OPAQUE_NAME) != 0;
}

// A directory on the way that is called like a whiteout: of AUFS's own, or a trick.
static int judge_way(const char *path, bool *reserved, struct err *e)
{
	*reserved = false;
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
		*reserved |= is_reserved(path);
		if (!*reserved && !strncmp(path, LAYERS_WHITEOUT_PREFIX, 4))
			return err_set(e, STATUS_MALFORMED, "a file below a whiteout");
	}
	return 0;
}

int layers_meaning_of(const char *path, enum layers_meaning *meaning, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	bool reserved;
	*name = base;
	*meaning = LAYERS_FILE;
	if (!strstr(path, LAYERS_WHITEOUT_PREFIX))
		return 0;
	if (judge_way(path, &reserved, e) < 0)
		return err_context(e, "'%s'", path);
	if (reserved || is_reserved(base)) {
		*meaning = LAYERS_NOTHING;
	} else if (!strcmp(base, LAYERS_OPAQUE_NAME)) {
		*meaning = LAYERS_OPAQUE;
	} else if (!strncmp(base, LAYERS_WHITEOUT_PREFIX, 4)) {
		*name = base + 4;
		*meaning = LAYERS_WHITEOUT;
		if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
			return err_set(e, STATUS_MALFORMED, "'%s': a whiteout of nothing", path);
	}
	return 0;
}

// ---- one layer ----

struct layer {
	struct tree *tree;
	bool lowest;          // nothing is below it
	struct nameset upper; // what this layer made, and the directories above that: whiteouts spare it, wherever they stand
	struct buf directory, resolved; // of the entry before: most lie in the same
	bool known;                     // these two hold still
	struct buf path, link;
};

static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

static void join(struct buf *out, const struct buf *directory, const char *name)
{
	out->length = 0;
	buf_add(out, buf_text(directory), directory->length);
	if (directory->length)
		buf_add_byte(out, '/');
	buf_add_text(out, name);
}

// The path of an entry as it is in the tree, without symlinks on the way.
static int resolve_path(struct layer *l, const char *path, struct err *e)
{
	size_t n = directory_length(path);
	if (!l->known || l->directory.length != n || memcmp(buf_text(&l->directory), path, n) != 0) {
		l->known = false;
		l->directory.length = 0;
		buf_add(&l->directory, path, n);
		if (treelayer_resolve(tree_path(l->tree), path, n, &l->resolved, e) < 0)
			return err_context(e, "'%s'", path);
		l->known = true;
	}
	join(&l->path, &l->resolved, n ? path + n + 1 : path);
	return 0;
}

static int resolve_link(struct layer *l, const char *link, struct err *e)
{
	size_t n = directory_length(link);
	buf_auto directory = { 0 };
	if (treelayer_resolve(tree_path(l->tree), link, n, &directory, e) < 0)
		return err_context(e, "'%s'", link);
	join(&l->link, &directory, n ? link + n + 1 : link);
	return 0;
}

static void remember(struct layer *l)
{
	const char *path = buf_text(&l->path), *slash;
	for (size_t n = l->path.length; nameset_add(&l->upper, path, n); n = (size_t)(slash - path))
		if (!(slash = memrchr(path, '/', n)))
			return;
}

static bool is_upper(void *layer, const char *path, size_t length)
{
	struct layer *l = layer;
	return nameset_has(&l->upper, path, length);
}

static int remove_lower(struct layer *l, const char *name, bool opaque, struct err *e)
{
	if (l->lowest)
		return 0;
	join(&l->path, &l->resolved, name);
	l->known = false;
	return treelayer_remove(tree_path(l->tree), opaque ? buf_text(&l->resolved) : buf_text(&l->path), opaque, is_upper, l, e);
}

static int put(void *layer, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct layer *l = layer;
	enum layers_meaning meaning;
	const char *name, *link = entry->link;
	if (!strcmp(entry->path, ".") || !strcmp(entry->path, "/")) // the latter is what umoci insert writes
		return tree_put(l->tree, entry, ".", link, r, e);
	if (tree_leaves_root(entry->path)) // refused there
		return tree_put(l->tree, entry, entry->path, link, r, e);
	if (layers_meaning_of(entry->path, &meaning, &name, e) < 0)
		return -1;
	if (meaning == LAYERS_NOTHING)
		return 0;
	if (resolve_path(l, entry->path, e) < 0)
		return -1;
	if (meaning != LAYERS_FILE)
		return remove_lower(l, name, meaning == LAYERS_OPAQUE, e);
	if (entry->type == TAR_HARD_LINK && !tree_leaves_root(link)) {
		if (resolve_link(l, link, e) < 0)
			return -1;
		link = buf_text(&l->link);
	}
	if (!l->lowest)
		remember(l);
	if (tree_put(l->tree, entry, buf_text(&l->path), link, r, e) < 0)
		return -1;
	if (entry->type != TAR_DIRECTORY && entry->type != TAR_FILE) // a symlink may lie on the way of the next
		l->known = false;
	return 0;
}

static int apply(struct store *s, const json_t *record, struct tree *tree, bool lowest, const struct render_options *options,
	struct err *e)
{
	struct layer l = { .tree = tree, .lowest = lowest };
	int result = pass_over_image(s, record, options, put, &l, e);
	nameset_free(&l.upper);
	buf_free(&l.directory);
	buf_free(&l.resolved);
	buf_free(&l.path);
	buf_free(&l.link);
	return result;
}

int layers_apply(struct store *s, const json_t *record, struct tree *tree, const struct render_options *options, struct err *e)
{
	ociimage_auto image = { 0 };
	if (ociimage_read(s, record, &image, e) < 0)
		return -1;
	for (size_t i = 0; i < ociimage_layers(&image); i++) {
		jsonio_auto json_t *layer = ociimage_layer(&image, i, e);
		if (!layer)
			return -1;
		if (apply(s, layer, tree, i == 0, options, e) < 0)
			return err_context(e, "layer %zu", i + 1);
	}
	return 0;
}
