// The nodes of a tree of names, and the names of one directory: layertree.c makes them, others only look.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYERNODE_H
#define IMAGE_LAYERNODE_H

#include "image/layertree.h"

#define LAYERNODE_KEY_BYTES 16 // of the tree: keeps who chooses names from choosing where they are kept

struct layernode {
	struct layertree_inode *inode;
	struct layernode **children; // of a directory: a hash table, NULL for a free slot
	size_t room, count;
	size_t touched; // the last layer, from 1, that made this or something below it
	bool met;       // for who compares; false at the start
	size_t length;
	char name[];
};

struct layertree_inode *layernode_new_inode(enum tar_type type);
struct layertree_inode *layernode_implied(void);      // a directory that no entry tells about
void layernode_let_go(struct layertree_inode *inode); // one name less; freed with its last

struct layernode *layernode_new(const char *name, size_t length, struct layertree_inode *inode);
void layernode_free(struct layernode *n); // with all below it

static inline bool layernode_is_directory(const struct layernode *n)
{
	return n->inode->type == TAR_DIRECTORY;
}

// The nodes in a directory, `count` of them, in the order of the bytes of their names; malloced.
struct layernode **layernode_sorted(const struct layernode *directory);

// NULL when no node has the name. An added one is new there and belongs to the directory; a removed one is freed, if there is one.
struct layernode *layernode_find(const unsigned char *key, const struct layernode *directory, const char *name, size_t length);
void layernode_add(const unsigned char *key, struct layernode *directory, struct layernode *n);
void layernode_remove(const unsigned char *key, struct layernode *directory, const char *name, size_t length);

#endif
