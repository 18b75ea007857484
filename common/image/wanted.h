// An image record as a request: what it asks for, whether a manifest or an image of the store answers it (rkt:C-010, C-015, A-022).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_WANTED_H
#define IMAGE_WANTED_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "image/aci.h"
#include "image/store.h"

// Whether its fields have the types they must have and say which image is meant. STATUS_MALFORMED naming the field.
int wanted_check(const json_t *record, struct err *e);

bool wanted_is_file(const json_t *record); // the reference named a local file

// Whether the manifest is the one asked for: name, id and every label that was not only filled in. STATUS_REFUSED.
int wanted_check_manifest(const json_t *record, const struct aci_scan *scan, struct err *e);

// The image of the store that answers it, by id, name and labels, or URL, with its bytes there; a new reference. NULL when there is
// none, and with an error when the id is ambiguous.
json_t *wanted_find_stored(struct store *s, const json_t *record, struct err *e);

// Makes the record that image's, keeping what belongs to the request: ref, transport, app, part, of, insecure.
void wanted_use_stored(json_t *record, const json_t *stored);

#endif
