// layerdiff.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/texts.h"
#include "crypto/hash.h"
#include "image/layerdiff.h"
#include "image/layernode.h"
#include "image/layers.h"
#include "image/nameset.h"

enum { CLAIMED = 1 }; // layertree_inode.user: a file of the tree is this file of the base

struct group { // the names of one file of the tree
	struct texts names;
	bool changed;
};

struct diff {
	const struct packtree *pack;
	struct layerbase *base;
	struct nameset seen;   // states of the files that were compared
	struct nameset wanted; // paths that go into the layer
	struct texts shared;   // directories that are such in the base, too
	json_t *group_numbers; // by the first name
	struct group *groups;
	size_t group_count;
	struct buf state;
};

// ---- what goes into the layer ----

// A path and every directory above it, which an extractor would make as it likes, or change in making what is below.
static void want(struct diff *d, const char *path)
{
	for (size_t n = strlen(path); nameset_add(&d->wanted, path, n);) {
		const char *slash = memrchr(path, '/', n);
		if (slash)
			n = (size_t)(slash - path);
		else
			path = ".", n = 1;
	}
}

static bool is_wanted(void *diff, const char *path)
{
	struct diff *d = diff;
	return nameset_has(&d->wanted, path, strlen(path));
}

// Path, inode and time of change: what any change to the file changes.
static const struct buf *state_of(struct diff *d, const char *path, const struct stat *st)
{
	d->state.length = 0;
	buf_add_format(&d->state, "%ju:%jd.%ld:", (uintmax_t)st->st_ino, (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	buf_add_text(&d->state, path);
	return &d->state;
}

// ---- comparing ----

static const struct tar_xattr *find_xattr(const struct tar_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->xattr_count; i++)
		if (!strcmp(entry->xattrs[i].name, name))
			return &entry->xattrs[i];
	return NULL;
}

static bool same_xattrs(const struct tar_entry *a, const struct tar_entry *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct tar_xattr *x = &a->xattrs[i], *y = find_xattr(b, x->name);
		if (!y || x->length != y->length || memcmp(x->value, y->value, x->length) != 0)
			return false;
	}
	return true;
}

// All but the content. Modes and attributes of symlinks are nothing that a tree has.
static bool same_about(const struct tar_entry *entry, const struct layertree_inode *was)
{
	const struct tar_entry *about = was->about;
	bool symlink = entry->type == TAR_SYMLINK, device = entry->type == TAR_CHAR_DEVICE || entry->type == TAR_BLOCK_DEVICE;
	bool has_xattrs = entry->type == TAR_FILE || entry->type == TAR_DIRECTORY;
	if (entry->type != was->type || entry->uid != about->uid || entry->gid != about->gid || entry->mtime != about->mtime ||
		entry->mtime_ns != about->mtime_ns || (!symlink && entry->mode != about->mode))
		return false;
	if (symlink && strcmp(entry->link, was->target) != 0)
		return false;
	if (device && (entry->major != about->major || entry->minor != about->minor))
		return false;
	if (entry->type == TAR_FILE && entry->size != about->size)
		return false;
	return !has_xattrs || same_xattrs(entry, about);
}

// Whether the file's content is that of the base's: 1, 0, or -1.
static int same_data(struct diff *d, const char *path, int fd, const struct layertree_inode *was, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	int64_t size;
	if (hash_stream(DIGEST_SHA256, fd, digest, &size, e) < 0)
		return err_context(e, "'%s'", path);
	progress_add(d->pack->progress, size);
	return !strcmp(digest, layerbase_digest(d->base, was));
}

// A first name. Two files of the tree cannot both stay the one that they were names of.
static int compare(struct diff *d, const struct tar_entry *entry, int fd, struct layertree_inode *was, struct err *e)
{
	int same = was && same_about(entry, was) && was->user != CLAIMED;
	if (same && entry->type == TAR_FILE) {
		same = same_data(d, entry->path, fd, was, e);
		was->user = same > 0 ? CLAIMED : 0;
	}
	if (!same)
		want(d, entry->path);
	return same < 0 ? -1 : 0;
}

static struct group *group_of(struct diff *d, const char *first)
{
	const json_t *number = json_object_get(d->group_numbers, first);
	if (number)
		return &d->groups[json_integer_value(number)];
	json_object_set_new_nocheck(d->group_numbers, first, json_integer((json_int_t)d->group_count));
	d->groups = mem_resize(d->groups, d->group_count + 1, sizeof *d->groups);
	struct group *g = &d->groups[d->group_count++];
	*g = (struct group){ .changed = is_wanted(d, first) };
	texts_add(&g->names, first);
	return g;
}

// A further name stays as it is where it was a name of the same file.
static void compare_link(struct diff *d, const struct tar_entry *entry, const struct layernode *was)
{
	struct group *g = group_of(d, entry->link);
	const struct layernode *first = layertree_find(layerbase_tree(d->base), entry->link);
	texts_add(&g->names, entry->path);
	g->changed |= !was || !first || was->inode != first->inode;
}

static int look_at(void *diff, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e)
{
	struct diff *d = diff;
	struct layernode *was = layertree_find(layerbase_tree(d->base), entry->path);
	const struct buf *state = state_of(d, entry->path, st);
	nameset_add(&d->seen, buf_text(state), state->length);
	if (layerbase_check_name(entry->path, e) < 0)
		return -1;
	if (was)
		was->met = true;
	if (was && entry->type == TAR_DIRECTORY && layernode_is_directory(was))
		texts_add(&d->shared, entry->path);
	if (entry->type == TAR_HARD_LINK) {
		compare_link(d, entry, was);
		return 0;
	}
	return compare(d, entry, fd, was ? was->inode : NULL, e);
}

// ---- what is gone ----

// How many of the base's names in a directory the tree has not.
static size_t count_lost(const struct layernode *directory)
{
	size_t lost = 0;
	for (size_t i = 0; i < directory->room; i++)
		lost += directory->children[i] && !directory->children[i]->met;
	return lost;
}

static int write_whiteout(const struct diff *d, const char *directory, const char *prefix, const char *name, struct err *e)
{
	bool root = !strcmp(directory, ".");
	mem_auto char *path = mem_format("%s%s%s%s", root ? "" : directory, root ? "" : "/", prefix, name);
	const struct tar_entry entry = { .type = TAR_FILE, .path = path, .link = "", .mode = 0644 };
	return treewalk_check_length(path, e) < 0 ? -1 : tarwrite_entry(d->pack->out, &entry, e);
}

// Where nothing is left of a directory's names, one opaque whiteout says so; not of the root, whose overlayfs does not heed.
static int write_whiteouts(const struct diff *d, const char *path, struct err *e)
{
	const struct layernode *was = layertree_find(layerbase_tree(d->base), path);
	if (!was || !layernode_is_directory(was))
		return 0;
	if (was->count > 1 && count_lost(was) == was->count && strcmp(path, ".") != 0)
		return write_whiteout(d, path, "", LAYERS_OPAQUE_NAME, e);
	mem_auto struct layernode **names = layernode_sorted(was);
	for (size_t i = 0; i < was->count; i++)
		if (!names[i]->met && write_whiteout(d, path, LAYERS_WHITEOUT_PREFIX, names[i]->name, e) < 0)
			return -1;
	return 0;
}

static int write_entry(void *diff, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e)
{
	struct diff *d = diff;
	const struct buf *state = state_of(d, entry->path, st);
	if (!nameset_has(&d->seen, buf_text(state), state->length))
		return treewalk_changed(entry->path, e);
	if (packtree_visit((void *)(uintptr_t)d->pack, entry, fd, st, e) < 0)
		return -1;
	return entry->type == TAR_DIRECTORY ? write_whiteouts(d, entry->path, e) : 0;
}

// ---- both walks ----

static void want_more(struct diff *d)
{
	for (size_t i = 0; i < d->shared.count; i++) {
		const char *path = d->shared.items[i];
		if (count_lost(layertree_find(layerbase_tree(d->base), path)))
			want(d, path);
	}
	for (size_t i = 0; i < d->group_count; i++) {
		struct group *g = &d->groups[i];
		for (size_t j = 0; j < g->names.count; j++)
			g->changed |= is_wanted(d, g->names.items[j]);
		for (size_t j = 0; g->changed && j < g->names.count; j++)
			want(d, g->names.items[j]);
	}
}

static void free_diff(struct diff *d)
{
	for (size_t i = 0; i < d->group_count; i++)
		texts_free(&d->groups[i].names);
	free(d->groups);
	json_decref(d->group_numbers);
	nameset_free(&d->seen);
	nameset_free(&d->wanted);
	texts_free(&d->shared);
	buf_free(&d->state);
}

int layerdiff_write(const struct packtree *p, struct layerbase *base, int directory, const char *name, struct err *e)
{
	struct diff d = { .pack = p, .base = base, .group_numbers = json_object() };
	struct treewalk how = { .options = packtree_asked(), .prefix = "", .visit = look_at, .context = &d };
	int failed = treewalk(&how, directory, name, e);
	if (!failed) {
		want_more(&d);
		how.visit = write_entry;
		how.wants = is_wanted;
		failed = d.wanted.count ? treewalk(&how, directory, name, e) : 0;
	}
	free_diff(&d);
	return failed;
}
