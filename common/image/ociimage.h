// An OCI image whose blobs are in the store, as its manifest says it is; what a record says beside that is only compared.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCIIMAGE_H
#define IMAGE_OCIIMAGE_H

#include <jansson.h>

#include "image/store.h"
#include "oci/config.h"
#include "oci/manifest.h"

struct ociimage { // zero at the start
	struct manifest manifest;
	struct config config;
	json_t *config_descriptor; // as the manifest's, but with the sha256: digests by which the store has the blobs
	json_t *layers;            // an array of such
};

// Whether a record is that of an OCI image.
bool ociimage_is(const json_t *record);

// Reads manifest and config, hashed, and parses them. STATUS_NOT_FOUND for a blob the store does not have, STATUS_REFUSED when the
// record's config or layers are not those of its manifest, STATUS_MALFORMED.
int ociimage_read(struct store *s, const json_t *record, struct ociimage *image, struct err *e);
void ociimage_free(struct ociimage *image);
#define ociimage_auto __attribute__((cleanup(ociimage_free))) struct ociimage

size_t ociimage_layers(const struct ociimage *image); // how many

// The record of one layer, as of a bare tar: blob and diff_id (pass.h). A new reference, or NULL with STATUS_REFUSED when its media type
// is not that of a tar.
json_t *ociimage_layer(const struct ociimage *image, size_t i, struct err *e);

#endif
