// The tree that layers make, in memory: names, and which entry of which layer is behind each; no data. It is changed by the rules by which
// layers.h changes a tree on disk, so that what remains is the same.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYERTREE_H
#define IMAGE_LAYERTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tar.h"

struct layertree_inode {         // what names lead to
	size_t layer, entry;     // the entry that made it, each counted from 0
	size_t names;            // how many
	enum tar_type type;      // of a hard link that of the file it leads to
	bool implied;            // a directory that no entry tells about
	char *target;            // of a symlink
	size_t user;             // for who walks; 0 at the start
	struct tar_entry *about; // everything the entry says but its path; of regular files only where that was asked for; owned
};

struct layertree;
struct layernode; // layernode.h

struct layertree *layertree_new(bool about_files); // whether `about` is kept of regular files, too
void layertree_free(struct layertree *t);

// The next entry of a layer. Layers come in order, from 0, entries of one in order, from 0. Errors as of tree_put.
int layertree_put(struct layertree *t, size_t layer, size_t number, const struct tar_entry *entry, struct err *e);

// The length of the first directory on the way to this path that is something else in the tree, such as a symlink, or 0.
size_t layertree_obstacle(const struct layertree *t, const char *path);

// What has this name, in the form of tar_entry's; no symlink is followed. NULL when nothing has.
struct layernode *layertree_find(const struct layertree *t, const char *path);

// Calls `visit` for every name, directories before what is in them, names of one directory in the order of their bytes. The root is `.`.
typedef int layertree_visit(void *context, const char *path, struct layertree_inode *inode, struct err *e);
int layertree_walk(struct layertree *t, layertree_visit *visit, void *context, struct err *e);

#endif
