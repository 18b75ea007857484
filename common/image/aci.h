// App Container Images: the manifest's schema and the archive around it (App Container Specification, aci.md
// and types.md).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACI_H
#define IMAGE_ACI_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/codec.h"
#include "image/schema.h"
#include "image/tar.h"

#define ACI_MANIFEST_MAX ((size_t)4 << 20)  // bytes; above it STATUS_LIMIT (rkt:U-19)
#define ACI_ENTRIES_MAX  ((int64_t)2000000) // of one archive unless told; their names' fingerprints take 48 MiB then

// Holds an ImageManifest to the specification (rkt:I-010 to rkt:I-021). STATUS_MALFORMED with the path of the
// field.
int aci_check_manifest(const json_t *manifest, struct err *e);

// The same, with everything that is wrong and warnings about what is odd.
void aci_check(const json_t *manifest, struct findings *findings);

// An `app` and a list of annotations alone, as pod manifests have them, too.
schema_check aci_check_app, aci_check_annotations;

// The manifest's name, borrowed; the labels of a manifest or a dependency in the record's form, a new object.
const char *aci_name(const json_t *manifest);
json_t *aci_labels(const json_t *labelled);

// Whether its rootfs needs no other image and hides nothing: neither dependencies nor pathWhitelist.
bool aci_stands_alone(const json_t *manifest);

// The image record of an image with this id and manifest: kind, id, name, labels and, where it has some, dependencies. A new
// reference; who knows them adds the blob and the rest.
json_t *aci_record(const char *id, const json_t *manifest);

struct aci_scan {
	char id[sizeof "sha512-" + 128]; // the image id: SHA-512 of the uncompressed tar (rkt:I-008)
	json_t *manifest;                // owned by the caller after success
	enum codec codec;
	int64_t tar_size; // bytes of the uncompressed tar
};

// Reads a whole ACI from its (possibly compressed) bytes: exactly `manifest` and `rootfs` on top, no name
// twice, a good manifest, a whole tar. Parses hostile bytes: call it confined. Returns 0, or -1:
// STATUS_MALFORMED or STATUS_LIMIT; STATUS_REFUSED for an encrypted image (rkt:I-005).
int aci_scan(codec_source *source, void *context, const struct codec_limits *limits, struct aci_scan *scan, struct err *e);

// The same of an open file, in a confined child (sandbox_child), from its start.
int aci_scan_confined(int fd, const struct codec_limits *limits, struct aci_scan *scan, struct err *e);

// The two halves of that, for who feeds a child of its own: aci_scan_send scans in the child and writes what
// it found to out; aci_scan_receive makes a scan of it in the parent. The manifest was checked by the child
// and is parsed again, no more.
#define ACI_SCAN_TEXT_MAX (ACI_MANIFEST_MAX + 1024)
int aci_scan_send(codec_source *source, void *context, const struct codec_limits *limits, int out, struct err *e);
int aci_scan_receive(const struct buf *text, struct aci_scan *scan, struct err *e);

// The whole reading: the manifest's bytes as they came go to `text`, what is wrong to `findings`. With `all`
// it goes on behind an error as far as it can, else it stops at the first. -1 when the archive cannot be read
// to its end; e then says why. 0 else, and then findings decides; scan->manifest is NULL when it is no JSON.
struct aci_reading {
	const struct codec_limits *limits;
	int64_t entries; // the most there may be
	bool all;
};
int aci_read(codec_source *source, void *context, const struct aci_reading *how, struct aci_scan *scan, struct buf *text,
	struct findings *findings, struct err *e);

ssize_t aci_source_fd(void *fd, void *data, size_t length, struct err *e); // a codec_source over an int *

#endif
