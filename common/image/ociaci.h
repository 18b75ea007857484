// Between the manifest of an App Container Image (aci.md) and the config of an OCI image (image-spec config.md), both ways (rkt:A-028).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCIACI_H
#define IMAGE_OCIACI_H

#include <jansson.h>

#include "base/err.h"
#include "image/ociimage.h"

// The ImageManifest that says what the config of an OCI image says. `record` gives name, labels and reference; `name` replaces the
// record's name. It passes aci_check_manifest. STATUS_USAGE when there is no name; STATUS_MALFORMED. A new reference or NULL.
json_t *ociaci_manifest(const json_t *record, const struct ociimage *image, const char *name, struct err *e);

// The config for a manifest and layers of these diff_ids (an array). STATUS_REFUSED for an operating system or architecture that OCI
// cannot name. It has no labels yet: ociorigin.h. A new reference or NULL.
json_t *ociaci_config(const json_t *manifest, json_t *diff_ids, struct err *e);

#endif
