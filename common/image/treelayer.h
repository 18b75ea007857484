// What images of several layers need of a tree besides making files: paths that lead through the symlinks of earlier layers, and removal
// of what earlier layers left (image-spec layer.md, "Whiteouts").
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TREELAYER_H
#define IMAGE_TREELAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/treepath.h"

// Puts into `out` the path of a directory as it is without symlinks: those that the tree has on the way are followed as if the tree
// were all there is, so that no chain of them leads out (rkt:U-01, rkt:U-05). What does not exist is taken as it stands. "" is the
// root. STATUS_MALFORMED for a chain without end.
int treelayer_resolve(struct treepath *t, const char *path, size_t length, struct buf *out, struct err *e);

typedef bool treelayer_keeps(void *context, const char *path, size_t length);

// Removes what is at this path without symlinks, or with `inside` only what is in that directory, but nothing that `keeps` names; it
// names the directories above what it names, too. It is no error when nothing is there.
int treelayer_remove(struct treepath *t, const char *path, bool inside, treelayer_keeps *keeps, void *context, struct err *e);

#endif
