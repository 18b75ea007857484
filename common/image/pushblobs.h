// The blobs of one manifest to a target, several at once. Part of push.c, not for others.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PUSHBLOBS_H
#define IMAGE_PUSHBLOBS_H

#include "image/push.h"
#include "oci/manifest.h"

// The config and the layers, but for foreign layers, whose bytes are not the image's to give.
int pushblobs_run(struct push *p, const struct manifest *m, struct err *e);

#endif
