// Which blobs of a dropped target nothing else at the place uses any more (dtuf:D26, R18). Not for others than publish*.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISHUSE_H
#define TUF_PUBLISHUSE_H

#include <jansson.h>

#include "oci/source.h"

struct publishuse { // digests, sha256; zero: none, free with publishuse_free
	struct publishuse_blob {
		char *digest;
		bool used;
	} * blobs;
	size_t count;
};
void publishuse_free(struct publishuse *u);

void publishuse_add(struct publishuse *u, const char *digest);

// A manifest, the config and the layers it names.
void publishuse_add_manifest(struct publishuse *u, const char *digest, const char *text, size_t length);

// Marks what a layout's index leads to, through other indexes, too; and what the targets of a tree are, or list. What cannot be read might
// use anything: then all are marked.
void publishuse_mark_index(struct publishuse *u, const json_t *index, struct source *blobs);
void publishuse_mark_tree(struct publishuse *u, int targets);

// Removes the others: DIRECTORY/HEX below `top`.
int publishuse_sweep(const struct publishuse *u, int top, const char *directory, struct err *e);

#endif
