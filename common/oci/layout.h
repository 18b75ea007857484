// An OCI image layout on disk (OCI Image Specification, image-layout.md): oci-layout and index.json. What others put into
// index.json, entries and fields alike, is passed through.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_LAYOUT_H
#define OCI_LAYOUT_H

#include <jansson.h>

#include "base/err.h"

#define LAYOUT_INDEX_MAX ((size_t)256 << 20)                 // bytes of index.json: some 500,000 entries
#define LAYOUT_REF_NAME  "org.opencontainers.image.ref.name" // the annotation that names an entry of index.json

// Makes oci-layout and an empty index.json in this directory, each unless it is there.
int layout_make(int directory, struct err *e);

// The whole of index.json, whose `manifests` is an array of objects; STATUS_NOT_FOUND when the directory is no layout,
// STATUS_MALFORMED when it is of another version. A new reference or NULL.
json_t *layout_read_index(int directory, struct err *e);

// Its two files as texts, from wherever they are. The version is one we know; the index as above, a new reference or NULL.
int layout_check_version(const char *text, size_t length, struct err *e);
json_t *layout_parse_index(const char *text, size_t length, struct err *e);

// Replaces index.json.
int layout_write_index(int directory, const json_t *index, struct err *e);

// What skopeo and umoci accept as a reference (annotations.md, "org.opencontainers.image.ref.name"): letters and digits, with one
// of -._:@+ or `--` between them, in parts separated by `/`. What is none of these in text becomes `+` or goes. Malloced; may be
// empty.
char *layout_ref_name(const char *text);

#endif
