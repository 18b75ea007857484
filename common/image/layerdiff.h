// The difference of a tree to its base as a layer (image-spec layer.md, "Representing Changes"): what was added or changed, whole, and
// whiteouts for what is gone. Compared is all that an entry says, content too: no time is trusted to tell that a file is the same.
// Each directory above a change comes along with what is said about it, and the names of one file all come or none.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYERDIFF_H
#define IMAGE_LAYERDIFF_H

#include "image/layerbase.h"
#include "image/packtree.h"

// Writes the layer, but not its end. The tree is walked twice: what changes between is STATUS_TEMPORARY, as far as it is part of the layer. A
// name that begins as those of whiteouts do is STATUS_REFUSED. The base is used up. Else errors as treewalk.
int layerdiff_write(const struct packtree *p, struct layerbase *base, int directory, const char *name, struct err *e);

#endif
