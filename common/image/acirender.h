// Rendering an App Container Image: its dependencies in their order, each filtered by its own pathWhitelist and those of its
// dependants, then itself (aci.md, "dependencies"; rkt:I-030 to I-036).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACIRENDER_H
#define IMAGE_ACIRENDER_H

#include "base/buf.h"
#include "image/render.h"
#include "image/tree.h"

#define ACIRENDER_DEPTH_MAX  64   // levels of dependencies
#define ACIRENDER_PASSES_MAX 1000 // images rendered for one, an image twice counting twice

// Puts the rootfs of the image and its dependencies into the tree, which is empty at first. manifest gets the bytes of the image's
// own manifest as they came. Every digest of every image was checked when it returns 0.
int acirender(struct store *s, const json_t *record, struct tree *tree, const struct render_options *options,
	struct buf *manifest, struct err *e);

#endif
