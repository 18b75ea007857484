// The App Container Image that an OCI image was made from: what the labels of the config keep of it, so that what OCI cannot say comes
// back as it was (rkt:A-028).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCIORIGIN_H
#define IMAGE_OCIORIGIN_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "image/ociimage.h"

#define OCIORIGIN_MANIFEST "appc.io/manifest" // the bytes of the whole ImageManifest
#define OCIORIGIN_ROOTFS   "appc.io/rootfs"   // where its files are: a JSON object of diff_id, chain_id, mtime

struct ociorigin { // zero at the start
	json_t *manifest;
	struct buf text; // the manifest's bytes
	int layer;     // the one that holds the image's own files and nothing else, or -1: that is not known, or not so any more
	int64_t mtime; // of the manifest, in seconds; 0 where the layer is -1
};

// Puts the labels into a config that ociaci_config made of this manifest and these layers. `own` is the diff_id of the layer with the
// image's own files, or NULL when there is none such.
void ociorigin_put(json_t *config, const struct buf *text, const char *own, int64_t mtime);

// Reads them. They count as long as the rest of the config still says what the manifest says, and the layer as long as all layers are the
// ones the config was made with. Returns false where there is no such manifest, or it does not count.
bool ociorigin_read(const struct ociimage *image, struct ociorigin *origin);
void ociorigin_free(struct ociorigin *origin);
#define ociorigin_auto __attribute__((cleanup(ociorigin_free))) struct ociorigin

#endif
