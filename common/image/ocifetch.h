// The blobs of an OCI image brought into the store: index, manifest, config and layers, each hashed as it comes.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCIFETCH_H
#define IMAGE_OCIFETCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/origin.h"
#include "image/store.h"

struct ocifetch {
	struct store *store;
	struct origins *origins;
	bool foreign;  // follow the URLs of foreign layers (rkt:F-09); else they are refused
	int64_t limit; // bytes of all blobs of an image together
	size_t jobs;   // blobs fetched from a registry at once, 1 to PULL_JOBS_MAX
};

// The record of an image that reg-resolve found. What the store has is not fetched again; nothing is opened when it has all. The
// record's config and layers get the digests the store knows, and, where the user's own reference named the digest of the manifest
// or of the index it is in, `verified` an entry. STATUS_REFUSED for bytes that are not what their descriptor says.
int ocifetch_image(const struct ocifetch *f, json_t *record, struct err *e);

#endif
