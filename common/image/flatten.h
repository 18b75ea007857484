// The layers of an OCI image as one archive, without a tree on disk. The layers are read twice: once for their names and digests, once
// for what of their content is left. Memory grows with the names, not with the content.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_FLATTEN_H
#define IMAGE_FLATTEN_H

#include "image/ociimage.h"
#include "image/render.h"
#include "image/tarwrite.h"

struct flatten;

// The first pass: every layer has its digest and its diff_id, or nothing is written. NULL with e filled.
struct flatten *flatten_read(struct store *s, const struct ociimage *image, const struct render_options *options, struct err *e);

// The second: symlinks and special files in the order of their names, regular files in the order of the layers, each with its other
// names behind it, and directories at last, since programs that set their times as they come would lose them to the files. Below
// `prefix`, "" for none. A layer that is another one now is STATUS_REFUSED, and the archive has no end then; that end is left to the
// caller.
int flatten_write(struct flatten *f, struct tarwrite *out, const char *prefix, struct err *e);
void flatten_free(struct flatten *f);

#endif
