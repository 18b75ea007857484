// Image manifests and indexes as registries and layouts have them: OCI's (image-spec manifest.md and image-index.md) and Docker's
// (distribution, manifest v2 schema 2: manifests and lists). Strict: what two readers could take for two different images is refused
// (rkt:F-05, CVE-2021-41190). Unknown fields are kept.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "oci/descriptor.h"
#include "oci/platform.h"

#define MANIFEST_BYTES_MAX   ((size_t)4 << 20) // what distribution-spec asks every registry to take
#define MANIFEST_LAYERS_MAX  1000              // Docker stops at 127
#define MANIFEST_ENTRIES_MAX 10000             // of an index

struct manifest {               // zero at the start
	bool is_index;          // `manifests`; else `config` and `layers`
	const char *media_type; // one of the four of descriptor.h
	json_t *json;           // all of it
};

// `told` is the media type under which it came (Content-Type, a descriptor), or NULL; parameters are ignored, and a type that says
// nothing, such as application/json, counts as none. Every descriptor in it has mediaType, digest and size.
// STATUS_REFUSED for contradictions and for schema 1, STATUS_MALFORMED, STATUS_LIMIT.
int manifest_parse(const char *text, size_t length, const char *told, struct manifest *m, struct err *e);
void manifest_free(struct manifest *m);
#define manifest_auto __attribute__((cleanup(manifest_free))) struct manifest

json_t *manifest_config(const struct manifest *m);  // borrowed; of an image
json_t *manifest_layers(const struct manifest *m);  // borrowed; of an image
json_t *manifest_entries(const struct manifest *m); // borrowed; of an index

bool manifest_lists(const struct manifest *m, const char *digest); // whether it is an index with an entry of this digest

// Whether a media type is that of one of the four; and of what an image's config is.
bool manifest_is_type(const char *media_type);
bool manifest_is_config_type(const char *media_type);

// STATUS_REFUSED for the media types of Docker's schema 1, whose digest is not that of the bytes.
int manifest_refuse_schema1(const char *media_type, struct err *e);

// A layer whose bytes are not where the image is, but at the URLs of its descriptor (rkt:F-09).
bool manifest_is_foreign(const char *media_type);

// The entry of an index for this platform, borrowed. An image for an older variant of the same architecture will do where there is
// none for the one asked for. NULL with STATUS_NOT_FOUND, naming the platforms there are.
json_t *manifest_choose(const struct manifest *index, const struct platform *wanted, struct err *e);

// Whether a platform as OCI writes it (os, architecture, variant) runs on the one wanted.
bool manifest_fits(const json_t *platform, const struct platform *wanted);

#endif
