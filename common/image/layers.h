// The layers of an OCI image, applied in order to one tree (image-spec layer.md): later ones replace and, by whiteouts, remove.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYERS_H
#define IMAGE_LAYERS_H

#include <jansson.h>

#include "image/render.h"
#include "image/tree.h"

// What an entry of a layer says: a file, or that something of earlier layers goes.
enum layers_meaning { LAYERS_FILE, LAYERS_WHITEOUT, LAYERS_OPAQUE, LAYERS_NOTHING };

// A whiteout of `name` in the directory of the path; what AUFS keeps for itself is nothing. STATUS_MALFORMED for a whiteout of
// nothing, of `.` or of `..`, and for a file in a directory that is called like one (rkt:U-05).
int layers_meaning_of(const char *path, enum layers_meaning *meaning, const char **name, struct err *e);
#define LAYERS_WHITEOUT_PREFIX ".wh."
#define LAYERS_OPAQUE_NAME     ".wh..wh..opq"

// Fills the tree. Every layer must have its digest, and uncompressed its diff_id.
int layers_apply(struct store *s, const json_t *record, struct tree *tree, const struct render_options *options, struct err *e);

#endif
