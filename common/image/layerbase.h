// What a layer is to lie upon: a tree, or the layers of an image, as names, what their entries say, and digests of their content. No
// data is kept, and nothing is unpacked.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYERBASE_H
#define IMAGE_LAYERBASE_H

#include <jansson.h>

#include "base/progress.h"
#include "image/layertree.h"
#include "image/render.h"
#include "image/treewalk.h"

struct layerbase;

struct layerbase *layerbase_new(struct progress *p); // of nothing; the bytes of files that are read for it count in p, borrowed
void layerbase_free(struct layerbase *b);

// Either of the two, once. A tree as `pack` would write it, with these options; errors as treewalk, and STATUS_REFUSED for a name that
// no layer can hold. An image by its record; errors as ociimage_read, pass_over_image and layertree_put.
int layerbase_add_tree(struct layerbase *b, const struct treewalk_options *options, int directory, const char *name,
	struct err *e);
int layerbase_add_image(struct layerbase *b, struct store *s, const json_t *record, const struct render_options *options,
	struct err *e);

struct layertree *layerbase_tree(struct layerbase *b);

// The SHA-256 digest of the content of a regular file of that tree.
const char *layerbase_digest(const struct layerbase *b, const struct layertree_inode *inode);

// STATUS_REFUSED for a path whose last name begins as those of whiteouts do.
int layerbase_check_name(const char *path, struct err *e);

#endif
