// layertree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "image/attributes.h"
#include "image/layers.h"
#include "image/layertree.h"
#include "image/tree.h"

#define LINKS_MAX     255  // as treelayer.c
#define DEPTH_MAX     4096 // directories in one another: by way of symlinks a path may end deeper than it is long
#define IMPLIED_MODE  0755
#define ROOM_AT_START 8

struct layertree {
	struct layertree_node *root;
	unsigned char key[crypto_shorthash_KEYBYTES];
	size_t layer; // of the entry being put, from 1
};

// ---- nodes ----

static void let_go(struct layertree_inode *inode)
{
	if (--inode->names)
		return;
	free(inode->target);
	for (size_t i = 0; inode->about && i < inode->about->xattr_count; i++) {
		free((char *)(uintptr_t)inode->about->xattrs[i].name);
		free((char *)(uintptr_t)inode->about->xattrs[i].value);
	}
	if (inode->about)
		free((struct tar_xattr *)(uintptr_t)inode->about->xattrs);
	free(inode->about);
	free(inode);
}

static void free_children(struct layertree_node *n);

static void free_node(struct layertree_node *n)
{
	free_children(n);
	let_go(n->inode);
	free(n);
}

static void free_children(struct layertree_node *n)
{
	for (size_t i = 0; i < n->room; i++)
		if (n->children[i])
			free_node(n->children[i]);
	free(n->children);
	n->children = NULL;
	n->room = n->count = 0;
}

static struct layertree_inode *new_inode(enum tar_type type)
{
	struct layertree_inode *inode = mem_alloc(sizeof *inode);
	inode->type = type;
	return inode;
}

static struct layertree_node *new_node(const char *name, size_t length, struct layertree_inode *inode)
{
	struct layertree_node *n = mem_alloc(sizeof *n + length + 1);
	memcpy(n->name, name, length);
	n->length = length;
	n->inode = inode;
	inode->names++;
	return n;
}

static struct layertree_inode *implied_directory(void)
{
	struct layertree_inode *inode = new_inode(TAR_DIRECTORY);
	inode->implied = true;
	inode->about = mem_alloc(sizeof *inode->about);
	*inode->about = (struct tar_entry){ .type = TAR_DIRECTORY, .mode = IMPLIED_MODE, .link = "" };
	return inode;
}

struct layertree *layertree_new(void)
{
	struct layertree *t = mem_alloc(sizeof *t);
	if (getrandom(t->key, sizeof t->key, 0) != sizeof t->key)
		abort(); // cannot fail since Linux 3.17
	t->root = new_node(".", 1, implied_directory());
	return t;
}

void layertree_free(struct layertree *t)
{
	if (t)
		free_node(t->root);
	free(t);
}

// ---- the names of a directory ----

static size_t slot_of(const struct layertree *t, const struct layertree_node *directory, const char *name, size_t length)
{
	uint64_t print;
	crypto_shorthash((unsigned char *)&print, (const unsigned char *)name, length, t->key);
	size_t at = (size_t)print & (directory->room - 1);
	for (const struct layertree_node *n; (n = directory->children[at]); at = (at + 1) & (directory->room - 1))
		if (n->length == length && !memcmp(n->name, name, length))
			break;
	return at;
}

static struct layertree_node *find(const struct layertree *t, const struct layertree_node *directory, const char *name,
	size_t length)
{
	return directory->room ? directory->children[slot_of(t, directory, name, length)] : NULL;
}

static void rehash(const struct layertree *t, struct layertree_node *directory, size_t room)
{
	struct layertree_node **old = directory->children;
	size_t old_room = directory->room;
	directory->room = room;
	directory->children = mem_alloc(room * sizeof *directory->children);
	for (size_t i = 0; i < old_room; i++)
		if (old[i])
			directory->children[slot_of(t, directory, old[i]->name, old[i]->length)] = old[i];
	free(old);
}

static void add(const struct layertree *t, struct layertree_node *directory, struct layertree_node *n)
{
	if (directory->count * 4 >= directory->room * 3)
		rehash(t, directory, directory->room ? directory->room * 2 : ROOM_AT_START);
	directory->children[slot_of(t, directory, n->name, n->length)] = n;
	directory->count++;
}

// Takes the node at this slot out and puts those behind it where they are found then.
static void take_out(const struct layertree *t, struct layertree_node *directory, size_t slot)
{
	directory->children[slot] = NULL;
	directory->count--;
	for (size_t i = (slot + 1) & (directory->room - 1); directory->children[i]; i = (i + 1) & (directory->room - 1)) {
		struct layertree_node *n = mem_steal(directory->children[i]);
		directory->children[slot_of(t, directory, n->name, n->length)] = n;
	}
}

static void remove_name(const struct layertree *t, struct layertree_node *directory, const char *name, size_t length)
{
	struct layertree_node *n = find(t, directory, name, length);
	if (!n)
		return;
	take_out(t, directory, slot_of(t, directory, name, length));
	free_node(n);
}

static bool is_directory(const struct layertree_node *n)
{
	return n->inode->type == TAR_DIRECTORY;
}

// ---- the way to an entry ----

struct way { // from the root to a directory
	struct layertree_node **nodes;
	size_t count, room;
};

static struct layertree_node *end_of(const struct way *w)
{
	return w->nodes[w->count - 1];
}

static void go_to(struct way *w, struct layertree_node *n)
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
	struct layertree_node *here = end_of(w), *n = find(t, here, name, length);
	if (n && is_directory(n)) {
		go_to(w, n);
		return true;
	}
	if (look)
		return false;
	if (n)
		remove_name(t, here, name, length);
	n = new_node(name, length, implied_directory());
	add(t, here, n);
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
		const struct layertree_node *there = find(t, end_of(w), at, n);
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
	static const struct keeper all = { .options = { .capabilities = true, .owners = true } };
	struct tar_xattr *xattrs = mem_alloc((entry->xattr_count + 1) * sizeof *xattrs);
	copy->xattr_count = 0;
	copy->xattrs = xattrs;
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct tar_xattr *x = &entry->xattrs[i];
		if (attributes_keep_xattr(&all, x->name))
			xattrs[copy->xattr_count++] =
				(struct tar_xattr){ mem_text(x->name), mem_text_n(x->value, x->length), x->length };
	}
}

static struct layertree_inode *inode_of(const struct tar_entry *entry, size_t layer, size_t number)
{
	struct layertree_inode *inode = new_inode(entry->type);
	inode->layer = layer;
	inode->entry = number;
	if (entry->type == TAR_FILE)
		return inode;
	inode->about = mem_alloc(sizeof *inode->about);
	*inode->about = *entry;
	keep_xattrs(inode->about, entry);
	if (entry->type == TAR_SYMLINK)
		inode->target = mem_text(entry->link);
	inode->about->link = inode->target ? inode->target : "";
	return inode;
}

static void replace_inode(struct layertree_node *n, struct layertree_inode *inode)
{
	let_go(n->inode);
	n->inode = inode;
	inode->names++;
}

static struct layertree_node *find_file(struct layertree *t, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct way way = { 0 };
	int found = enter(t, path, slash ? (size_t)(slash - path) : 0, true, &way, e);
	struct layertree_node *n = found > 0 ? find(t, end_of(&way), name, strlen(name)) : NULL;
	free(way.nodes);
	return n && n->inode->type == TAR_FILE ? n : NULL;
}

// The node of a hard link's target; NULL with e filled.
static struct layertree_node *link_target(struct layertree *t, const struct tar_entry *entry, struct err *e)
{
	if (tree_leaves_root(entry->link) || !strcmp(entry->link, ".")) {
		err_set(e, STATUS_MALFORMED, "'%s': a hard link out of the archive: to '%s'", entry->path, entry->link);
		return NULL;
	}
	struct layertree_node *target = find_file(t, entry->link, e);
	if (!target && !e->status)
		err_set(e, STATUS_MALFORMED, "'%s': a hard link to what is no file of the archive before it: '%s'", entry->path,
			entry->link);
	return target;
}

static void put_at(struct layertree *t, struct layertree_node *directory, const char *name, struct layertree_inode *inode)
{
	size_t length = strlen(name);
	struct layertree_node *old = find(t, directory, name, length);
	if (old && is_directory(old) && inode->type == TAR_DIRECTORY) {
		replace_inode(old, inode);
		old->touched = t->layer;
		return;
	}
	struct layertree_node *n = new_node(name, length, inode); // holds the inode before the old name lets it go
	remove_name(t, directory, name, length);
	n->touched = t->layer;
	add(t, directory, n);
}

static int put_entry(struct layertree *t, size_t layer, size_t number, const struct tar_entry *entry, struct err *e)
{
	const char *slash = strrchr(entry->path, '/'), *name = slash ? slash + 1 : entry->path;
	struct layertree_node *target = entry->type == TAR_HARD_LINK ? link_target(t, entry, e) : NULL;
	struct way way = { 0 };
	if (e->status)
		return -1;
	struct layertree_inode *linked = target ? target->inode : NULL;
	if (linked)
		linked->names++; // whatever becomes of the name on the way
	int failed = enter(t, entry->path, slash ? (size_t)(slash - entry->path) : 0, false, &way, e) < 0;
	if (!failed && target && find(t, end_of(&way), name, strlen(name)) == target)
		failed = err_set(e, STATUS_MALFORMED, "'%s': a hard link to itself", entry->path);
	if (!failed) {
		touch(t, &way);
		put_at(t, end_of(&way), name, linked ? linked : inode_of(entry, layer, number));
	}
	if (linked)
		let_go(linked);
	free(way.nodes);
	return failed ? -1 : 0;
}

// ---- whiteouts ----

static void clear(const struct layertree *t, struct layertree_node *directory);

// Removes what earlier layers left of a node; true when all of it goes.
static bool spare(const struct layertree *t, struct layertree_node *n)
{
	if (n->touched != t->layer)
		return false;
	if (is_directory(n))
		clear(t, n);
	return true;
}

static void clear(const struct layertree *t, struct layertree_node *directory)
{
	struct layertree_node **old = directory->children;
	size_t room = directory->room;
	directory->children = NULL;
	directory->room = directory->count = 0;
	for (size_t i = 0; i < room; i++) {
		if (!old[i])
			continue;
		if (spare(t, old[i]))
			add(t, directory, old[i]);
		else
			free_node(old[i]);
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
		struct layertree_node *n = find(t, end_of(&way), name, strlen(name));
		if (n && !spare(t, n))
			remove_name(t, end_of(&way), name, n->length);
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
		replace_inode(t->root, inode_of(entry, layer, number));
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

// ---- all of it ----

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct layertree_node *const *)a)->name, (*(struct layertree_node *const *)b)->name);
}

struct walk {
	layertree_visit *visit;
	void *context;
	struct buf path;
};

static int walk(struct walk *w, struct layertree_node *n, struct err *e)
{
	size_t length = w->path.length, count = 0;
	if (length)
		buf_add_byte(&w->path, '/');
	buf_add(&w->path, n->name, n->length);
	int failed = w->visit(w->context, buf_text(&w->path), n->inode, e);
	mem_auto struct layertree_node **sorted = mem_alloc((n->count + 1) * sizeof *sorted);
	for (size_t i = 0; i < n->room; i++)
		if (n->children[i])
			sorted[count++] = n->children[i];
	qsort(sorted, count, sizeof *sorted, by_name);
	if (n->length == 1 && n->name[0] == '.' && !length) // the root is no part of the paths below it
		w->path.length = 0;
	for (size_t i = 0; i < count && !failed; i++)
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
