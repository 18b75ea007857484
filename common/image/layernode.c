// layernode.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/layernode.h"

#define IMPLIED_MODE  0755
#define ROOM_AT_START 8

_Static_assert(LAYERNODE_KEY_BYTES == crypto_shorthash_KEYBYTES, "the key is one of SipHash");

void layernode_let_go(struct layertree_inode *inode)
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

static void free_children(struct layernode *n);

void layernode_free(struct layernode *n)
{
	free_children(n);
	layernode_let_go(n->inode);
	free(n);
}

static void free_children(struct layernode *n)
{
	for (size_t i = 0; i < n->room; i++)
		if (n->children[i])
			layernode_free(n->children[i]);
	free(n->children);
	n->children = NULL;
	n->room = n->count = 0;
}

struct layertree_inode *layernode_new_inode(enum tar_type type)
{
	struct layertree_inode *inode = mem_alloc(sizeof *inode);
	inode->type = type;
	return inode;
}

struct layernode *layernode_new(const char *name, size_t length, struct layertree_inode *inode)
{
	struct layernode *n = mem_alloc(sizeof *n + length + 1);
	memcpy(n->name, name, length);
	n->length = length;
	n->inode = inode;
	inode->names++;
	return n;
}

struct layertree_inode *layernode_implied(void)
{
	struct layertree_inode *inode = layernode_new_inode(TAR_DIRECTORY);
	inode->implied = true;
	inode->about = mem_alloc(sizeof *inode->about);
	*inode->about = (struct tar_entry){ .type = TAR_DIRECTORY, .mode = IMPLIED_MODE, .link = "" };
	return inode;
}

// ---- the names of a directory ----

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct layernode *const *)a)->name, (*(struct layernode *const *)b)->name);
}

struct layernode **layernode_sorted(const struct layernode *directory)
{
	struct layernode **sorted = mem_alloc((directory->count + 1) * sizeof *sorted);
	size_t count = 0;
	for (size_t i = 0; i < directory->room; i++)
		if (directory->children[i])
			sorted[count++] = directory->children[i];
	qsort(sorted, count, sizeof *sorted, by_name);
	return sorted;
}

static size_t slot_of(const unsigned char *key, const struct layernode *directory, const char *name, size_t length)
{
	uint64_t print;
	crypto_shorthash((unsigned char *)&print, (const unsigned char *)name, length, key);
	size_t at = (size_t)print & (directory->room - 1);
	for (const struct layernode *n; (n = directory->children[at]); at = (at + 1) & (directory->room - 1))
		if (n->length == length && !memcmp(n->name, name, length))
			break;
	return at;
}

struct layernode *layernode_find(const unsigned char *key, const struct layernode *directory, const char *name, size_t length)
{
	return directory->room ? directory->children[slot_of(key, directory, name, length)] : NULL;
}

static void rehash(const unsigned char *key, struct layernode *directory, size_t room)
{
	struct layernode **old = directory->children;
	size_t old_room = directory->room;
	directory->room = room;
	directory->children = mem_alloc(room * sizeof *directory->children);
	for (size_t i = 0; i < old_room; i++)
		if (old[i])
			directory->children[slot_of(key, directory, old[i]->name, old[i]->length)] = old[i];
	free(old);
}

void layernode_add(const unsigned char *key, struct layernode *directory, struct layernode *n)
{
	if (directory->count * 4 >= directory->room * 3)
		rehash(key, directory, directory->room ? directory->room * 2 : ROOM_AT_START);
	directory->children[slot_of(key, directory, n->name, n->length)] = n;
	directory->count++;
}

// Takes the node at this slot out and puts those behind it where they are found then.
static void take_out(const unsigned char *key, struct layernode *directory, size_t slot)
{
	directory->children[slot] = NULL;
	directory->count--;
	for (size_t i = (slot + 1) & (directory->room - 1); directory->children[i]; i = (i + 1) & (directory->room - 1)) {
		struct layernode *n = mem_steal(directory->children[i]);
		directory->children[slot_of(key, directory, n->name, n->length)] = n;
	}
}

void layernode_remove(const unsigned char *key, struct layernode *directory, const char *name, size_t length)
{
	struct layernode *n = layernode_find(key, directory, name, length);
	if (!n)
		return;
	take_out(key, directory, slot_of(key, directory, name, length));
	layernode_free(n);
}
