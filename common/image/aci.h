// App Container Images: the manifest's schema and the archive around it (App Container Specification, aci.md and types.md).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACI_H
#define IMAGE_ACI_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "image/codec.h"
#include "image/tar.h"

#define ACI_MANIFEST_MAX ((size_t)4 << 20) // bytes; above it STATUS_LIMIT (rkt:U-19)

// Holds an ImageManifest to the specification (rkt:I-010 to rkt:I-021). STATUS_MALFORMED with the path of the field.
int aci_check_manifest(const json_t *manifest, struct err *e);

// The manifest's name and labels in the record's form: a borrowed name, a new object of labels.
const char *aci_name(const json_t *manifest);
json_t *aci_labels(const json_t *manifest);

struct aci_scan {
	char id[sizeof "sha512-" + 128]; // the image id: SHA-512 of the uncompressed tar (rkt:I-008)
	json_t *manifest;                // owned by the caller after success
	enum codec codec;
	int64_t tar_size; // bytes of the uncompressed tar
};

// Reads a whole ACI from its (possibly compressed) bytes: exactly `manifest` and `rootfs` on top, no name twice, a good manifest,
// a whole tar. Parses hostile bytes: call it confined. Returns 0, or -1: STATUS_MALFORMED or STATUS_LIMIT.
int aci_scan(codec_source *source, void *context, const struct codec_limits *limits, struct aci_scan *scan, struct err *e);

// The same of an open file, in a confined child (sandbox_child), from its start.
int aci_scan_confined(int fd, const struct codec_limits *limits, struct aci_scan *scan, struct err *e);

#endif
