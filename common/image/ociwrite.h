// Making OCI images in the store: config and manifest around layers that are there (image-spec manifest.md, config.md).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCIWRITE_H
#define IMAGE_OCIWRITE_H

#include <jansson.h>

#include "image/ociimage.h"

// Stores the config and a manifest of it and these layers, descriptors. `manifest` is an object of what else the manifest shall have, or
// NULL; it is not changed. The record of the image, with nothing but what describes it; a new reference, or NULL.
json_t *ociwrite_image(struct store *s, const json_t *config, const json_t *layers, const json_t *manifest, struct err *e);

// The base image with one more layer, whose blob is, or is to come, in the store; as an OCI image, whatever the base is. What its config
// says of how it runs stays; the time it was created becomes SOURCE_DATE_EPOCH, or goes. STATUS_REFUSED for a layer that is no tar, plain
// or compressed with gzip or zstd, STATUS_LIMIT where manifest.h allows no more layers. The record, derived from that of the base; a new
// reference, or NULL.
json_t *ociwrite_add_layer(struct store *s, const json_t *base, const json_t *layer, const char *diff_id, struct err *e);

#endif
