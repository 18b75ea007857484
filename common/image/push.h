// Images to a registry or a layout: every blob before the manifest that names it, every manifest before the index, the tag last. So a push
// that is killed has published nothing, and a second one goes on.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PUSH_H
#define IMAGE_PUSH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/store.h"
#include "oci/source.h"
#include "oci/target.h"

#define PUSH_JOBS_MAX 64

struct push {                  // zero at the start, then what the caller sets
	struct store *store;   // looked into first; may be NULL
	struct source *source; // where the image came from, for what the store has not; may be NULL
	bool source_has_tags;  // it finds manifests by tags, so that signatures can be looked for
	struct target *target;
	const char *place;      // HOST/REPOSITORY of the target, under which the store remembers uploads to go on with; or NULL
	const char *mount_from; // the repository of the source, where source and target are one registry
	size_t jobs;            // blobs at once
	bool alone;             // signatures and referrers stay behind
	json_t *done;           // digests of the manifests that are there now, an object; owned by the caller
	json_t *referrers;      // out: descriptors of what travelled along, each with `tag` where it has one; owned by the caller
	json_t *unlisted;       // used inside
};

// The manifest or index of this descriptor with all it names, under a tag or, where that is NULL, by its digest alone. Then what refers to
// it: the tags sha256-HEX.sig, .att and .sbom, and the manifests that referrers.h finds, which are listed at the target, too. A blob that neither
// store nor source has is STATUS_NOT_FOUND.
int push_manifest(struct push *p, const json_t *descriptor, const char *tag, struct err *e);

#endif
