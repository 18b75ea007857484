// One pass over an archive: every entry is shown to a visitor while the bytes are hashed on the way.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PASS_H
#define IMAGE_PASS_H

#include <jansson.h>

#include "image/feed.h"
#include "image/render.h"
#include "image/tar.h"

// Returns 0 to go on, or -1. It may read the entry's data from r.
typedef int pass_visit(void *context, const struct tar_entry *entry, struct tar_reader *r, struct err *e);

// Over what a descriptor gives. Acting on what was visited before the digests are known to be right is the caller's risk.
int pass_over(int fd, const struct render_options *options, enum digest_algorithm archive, pass_visit *visit, void *context,
	struct feed_digests *digests, struct err *e);

// Over the blob of an image record, which must have the record's digests: STATUS_REFUSED when it has not, whatever else is wrong
// with it (rkt:V-04).
int pass_over_image(struct store *s, const json_t *record, const struct render_options *options, pass_visit *visit, void *context,
	struct err *e);

// Whether the record's blob is an App Container Image; else it is one bare tar.
bool pass_is_aci(const json_t *record);

#endif
