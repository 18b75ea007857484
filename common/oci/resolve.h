// From a place and a reference to the image records of what is there: which manifest, which config, which layers, for which platform.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_RESOLVE_H
#define OCI_RESOLVE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "oci/platform.h"
#include "oci/source.h"

struct resolve_request {
	const struct platform *platform; // wanted; NULL for what the record says, else this machine's
	bool all;                        // one record per image of an index
};

// The record is one of ref_parse: its digest decides, else its tag. Appends to `out` copies of it with `manifest`, `config`, `layers`
// and `platform`, `index` where one led to them, and `name` and `labels` as far as they can be told. A single image for another
// platform than one asked for by name is STATUS_NOT_FOUND, as is an index without it; what is no image (an artifact, an index within
// an index) is STATUS_REFUSED. Nothing is stored.
int resolve_image(struct source *s, const json_t *record, const struct resolve_request *request, json_t *out, struct err *e);

#endif
