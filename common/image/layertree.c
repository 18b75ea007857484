// layertree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "image/attributes.h"
#include "image/layernode.h"
#include "image/layers.h"
#include "image/layertree.h"
#include "image/tree.h"

#define LINKS_MAX 255  // as treelayer.c
#define DEPTH_MAX 4096 // directories in one another: by way of symlinks a path may end deeper than it is long

struct layertree {
	struct layernode *root;
	unsigned char key[LAYERNODE_KEY_BYTES];
	bool about_files; // what their entries say is kept, too
	size_t layer;     // of the entry being put, from 1
};

struct layertree *layertree_new(bool about_files)
{
	struct layertree *t = mem_alloc(sizeof *t);
	t->about_files = about_files;
	if (getrandom(t->key, sizeof t->key, 0) != sizeof t->key)
		abort(); // cannot fail since Linux 3.17
	t->root = layernode_new(".", 1, layernode_implied());
	return t;
}

void layertree_free(struct layertree *t)
{
	if (t)
		layernode_free(t->root);
	free(t);
}

// ---- the way to an entry ----

struct way { // from the root to a directory
	struct layernode **nodes;
	size_t count, room;
};

static struct layernode *end_of(const struct way *w)
{
	return w->nodes[w->count - 1];
}

static void go_to(struct way *w, struct layernode *n)
{
	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : 32;
		w->nodes = mem_resize(w->nodes, w->room, sizeof *w->nodes);
	}
	w->nodes[w->count++] = n;
}

// One component. What is missing, or no directory, is made one, or with `look` ends the search.
static bool step(const struct layertree *t, struct way *w, const char *name, size_t length, bool look)
{
	struct layernode *here = end_of(w), *n = layernode_find(t->key, here, name, length);
	if (n && layernode_is_directory(n)) {
		go_to(w, n);
		return true;
	}
	if (look)
		return false;
	if (n)
		layernode_remove(t->key, here, name, length);
	n = layernode_new(name, length, layernode_implied());
	layernode_add(t->key, here, n);
	go_to(w, n);
	return true;
}

// The directory of a path of this length, symlinks followed within the tree. Returns 1, 0 when it is not there and `look` is set, or -1.
static int enter(struct layertree *t, const char *path, size_t length, bool look, struct way *w, struct err *e)
{
	mem_auto char *left = mem_text_n(path, length);
	size_t links = 0;
	w->count = 0;
	go_to(w, t->root);
	for (const char *at = left; *at;) {
		size_t n = strcspn(at, "/");
		const char *next = at + n + (at[n] == '/');
		const struct layernode *there = layernode_find(t->key, end_of(w), at, n);
		if (!strncmp(at, LAYERS_WHITEOUT_PREFIX, strlen(LAYERS_WHITEOUT_PREFIX)))
			return err_set(e, STATUS_MALFORMED, "'%.*s': a symbolic link to a whiteout on the way", (int)length,
				path);
		if (n == 2 && !memcmp(at, "..", 2)) {
			w->count -= w->count > 1;
		} else if (n && !(n == 1 && *at == '.') && there && there->inode->type == TAR_SYMLINK) {
			if (++links > LINKS_MAX)
				return err_set(e, STATUS_MALFORMED, "'%.*s': a chain of more than %d symbolic links", (int)length,
					path, LINKS_MAX);
			if (*there->inode->target == '/')
				w->count = 1;
			char *longer = mem_format("%s/%s", there->inode->target, next);
			free(left);
			next = left = longer;
		} else if (n && !(n == 1 && *at == '.') && !step(t, w, at, n, look)) {
			return 0;
		}
		if (w->count > DEPTH_MAX)
			return err_set(e, STATUS_LIMIT, "'%.200s': deeper than %d directories", path, DEPTH_MAX);
		at = next;
	}
	return 1;
}

static void touch(struct layertree *t, const struct way *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->nodes[i]->touched = t->layer;
}

// ---- entries ----

static void keep_xattrs(struct tar_entry *copy, const struct tar_entry *entry)
{
	struct tar_xattr *xattrs = mem_alloc((entry->xattr_count + 1) * sizeof *xattrs);
	copy->xattr_count = 0;
	copy->xattrs = xattrs;
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct tar_xattr *x = &entry->xattrs[i];
		if (attributes_keep_xattr(&attributes_all, x->name))
			xattrs[copy->xattr_count++] =
				(struct tar_xattr){ mem_text(x->name), mem_text_n(x->value, x->length), x->length };
	}
}

static struct layertree_inode *inode_of(const struct layertree *t, const struct tar_entry *entry, size_t layer, size_t number)
{
	struct layertree_inode *inode = layernode_new_inode(entry->type);
	inode->layer = layer;
	inode->entry = number;
	if (entry->type == TAR_FILE && !t->about_files)
		return inode;
	inode->about = mem_alloc(sizeof *inode->about);
	*inode->about = *entry;
	keep_xattrs(inode->about, entry);
	if (entry->type == TAR_SYMLINK)
		inode->target = mem_text(entry->link);
	inode->about->link = inode->target ? inode->target : "";
	return inode;
}

static void replace_inode(struct layernode *n, struct layertree_inode *inode)
{
	layernode_let_go(n->inode);
	n->inode = inode;
	inode->names++;
}

static struct layernode *find_file(struct layertree *t, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct way way = { 0 };
	int found = enter(t, path, slash ? (size_t)(slash - path) : 0, true, &way, e);
	struct layernode *n = found > 0 ? layernode_find(t->key, end_of(&way), name, strlen(name)) : NULL;
	free(way.nodes);
	return n && n->inode->type == TAR_FILE ? n : NULL;
}

// The node of a hard link's target; NULL with e filled.
static struct layernode *link_target(struct layertree *t, const struct tar_entry *entry, struct err *e)
{
	if (tree_leaves_root(entry->link) || !strcmp(entry->link, ".")) {
		err_set(e, STATUS_MALFORMED, "'%s': a hard link out of the archive: to '%s'", entry->path, entry->link);
		return NULL;
	}
	struct layernode *target = find_file(t, entry->link, e);
	if (!target && !e->status)
		err_set(e, STATUS_MALFORMED, "'%s': a hard link to what is no file of the archive before it: '%s'", entry->path,
			entry->link);
	return target;
}

static void put_at(struct layertree *t, struct layernode *directory, const char *name, struct layertree_inode *inode)
{
	size_t length = strlen(name);
	struct layernode *old = layernode_find(t->key, directory, name, length);
	if (old && layernode_is_directory(old) && inode->type == TAR_DIRECTORY) {
		replace_inode(old, inode);
		old->touched = t->layer;
		return;
	}
	struct layernode *n = layernode_new(name, length, inode); // holds the inode before the old name lets it go
	layernode_remove(t->key, directory, name, length);
	n->touched = t->layer;
	layernode_add(t->key, directory, n);
}

static int put_entry(struct layertree *t, size_t layer, size_t number, const struct tar_entry *entry, struct err *e)
{
	const char *slash = strrchr(entry->path, '/'), *name = slash ? slash + 1 : entry->path;
	struct layernode *target = entry->type == TAR_HARD_LINK ? link_target(t, entry, e) : NULL;
	struct way way = { 0 };
	if (e->status)
		return -1;
	struct layertree_inode *linked = target ? target->inode : NULL;
	if (linked)
		linked->names++; // whatever becomes of the name on the way
	int failed = enter(t, entry->path, slash ? (size_t)(slash - entry->path) : 0, false, &way, e) < 0;
	if (!failed && target && layernode_find(t->key, end_of(&way), name, strlen(name)) == target)
		failed = err_set(e, STATUS_MALFORMED, "'%s': a hard link to itself", entry->path);
	if (!failed) {
		touch(t, &way);
		put_at(t, end_of(&way), name, linked ? linked : inode_of(t, entry, layer, number));
	}
	if (linked)
		layernode_let_go(linked);
	free(way.nodes);
	return failed ? -1 : 0;
}

// ---- whiteouts ----

static void clear(const struct layertree *t, struct layernode *directory);

// Removes what earlier layers left of a node; true when all of it goes.
static bool spare(const struct layertree *t, struct layernode *n)
{
	if (n->touched != t->layer)
		return false;
	if (layernode_is_directory(n))
		clear(t, n);
	return true;
}

static void clear(const struct layertree *t, struct layernode *directory)
{
	struct layernode **old = directory->children;
	size_t room = directory->room;
	directory->children = NULL;
	directory->room = directory->count = 0;
	for (size_t i = 0; i < room; i++) {
		if (!old[i])
			continue;
		if (spare(t, old[i]))
			layernode_add(t->key, directory, old[i]);
		else
			layernode_free(old[i]);
	}
	free(old);
}

static int white_out(struct layertree *t, const char *path, const char *name, bool opaque, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct way way = { 0 };
	int found = enter(t, path, slash ? (size_t)(slash - path) : 0, true, &way, e);
	if (found > 0 && opaque) {
		clear(t, end_of(&way));
	} else if (found > 0) {
		struct layernode *n = layernode_find(t->key, end_of(&way), name, strlen(name));
		if (n && !spare(t, n))
			layernode_remove(t->key, end_of(&way), name, n->length);
	}
	free(way.nodes);
	return found < 0 ? -1 : 0;
}

int layertree_put(struct layertree *t, size_t layer, size_t number, const struct tar_entry *entry, struct err *e)
{
	enum layers_meaning meaning;
	const char *name;
	t->layer = layer + 1;
	if (!strcmp(entry->path, ".") || !strcmp(entry->path, "/")) {
		if (entry->type != TAR_DIRECTORY)
			return err_set(e, STATUS_MALFORMED, "'.': the root of the archive is no directory");
		replace_inode(t->root, inode_of(t, entry, layer, number));
		return 0;
	}
	if (tree_leaves_root(entry->path))
		return err_set(e, STATUS_MALFORMED, "'%s': an entry that leads out of the target", entry->path);
	if (layers_meaning_of(entry->path, &meaning, &name, e) < 0)
		return -1;
	if (meaning == LAYERS_FILE)
		return put_entry(t, layer, number, entry, e);
	if (meaning == LAYERS_NOTHING || layer == 0)
		return 0;
	return white_out(t, entry->path, name, meaning == LAYERS_OPAQUE, e);
}

struct layernode *layertree_find(const struct layertree *t, const char *path)
{
	struct layernode *n = t->root;
	if (!strcmp(path, "."))
		return n;
	for (size_t length; n && *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		n = layernode_find(t->key, n, path, length);
	}
	return n;
}

size_t layertree_obstacle(const struct layertree *t, const char *path)
{
	const struct layernode *n = t->root;
	for (const char *at = path, *slash; (slash = strchr(at, '/')); at = slash + 1) {
		n = layernode_find(t->key, n, at, (size_t)(slash - at));
		if (!n)
			return 0;
		if (!layernode_is_directory(n))
			return (size_t)(slash - path);
	}
	return 0;
}

// ---- all of it ----

struct walk {
	layertree_visit *visit;
	void *context;
	struct buf path;
};

static int walk(struct walk *w, struct layernode *n, struct err *e)
{
	size_t length = w->path.length;
	if (length)
		buf_add_byte(&w->path, '/');
	buf_add(&w->path, n->name, n->length);
	int failed = w->visit(w->context, buf_text(&w->path), n->inode, e);
	mem_auto struct layernode **sorted = layernode_sorted(n);
	if (n->length == 1 && n->name[0] == '.' && !length) // the root is no part of the paths below it
		w->path.length = 0;
	for (size_t i = 0; i < n->count && !failed; i++)
		failed = walk(w, sorted[i], e);
	w->path.length = length;
	if (w->path.data)
		w->path.data[length] = '\0';
	return failed ? -1 : 0;
}

int layertree_walk(struct layertree *t, layertree_visit *visit, void *context, struct err *e)
{
	struct walk w = { .visit = visit, .context = context };
	int failed = walk(&w, t->root, e);
	buf_free(&w.path);
	return failed;
}
