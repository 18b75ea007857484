// The store's images in index.json, where tools that know only OCI see them. Writing it costs as much as it is long, so it follows
// in batches: whoever changes an image notes its key in `pending`, one line and O(1); whoever wants index.json as it should be
// calls layoutindex_follow.
//
// An image with a `manifest` stands there with that descriptor. One with a `blob` (ACI, tar) gets an artifact manifest (OCI Image
// Specification 1.1, manifest.md, "Guidelines for Artifact Usage"): layers are the blob and its signature. The newest image of
// NAME:VERSION has that as its reference name, an older one NAME:VERSION@sha512-HEX32. What others wrote there stays.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_LAYOUTINDEX_H
#define IMAGE_LAYOUTINDEX_H

#include "image/store.h"

// Puts what its entry will name in the store, so that layoutindex_follow has little to write.
int layoutindex_prepare(struct store *s, const json_t *record, struct err *e);

// Notes that the image of this key was added or removed. The caller holds the store's lock.
int layoutindex_note(struct store *s, const char *key, struct err *e);

enum layoutindex_effort {
	LAYOUTINDEX_CHEAP, // only when index.json is short, or when so much is pending that it pays
	LAYOUTINDEX_PENDING,
	LAYOUTINDEX_ALL, // besides, every image is compared with its entry
};

// Whether images were added or removed since index.json was brought up to date.
bool layoutindex_is_behind(struct store *s);

// Brings index.json up to date. Other processes may do it at the same time; one does it for all. A caller who may not write to the
// store changes nothing, without an error.
int layoutindex_follow(struct store *s, enum layoutindex_effort effort, struct err *e);

#endif
