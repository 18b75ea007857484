// Whether a signature of an OCI image is good and by a key trusted for its repository (rkt:A-026). Statement and manifest come from the
// store by digest; no socket is opened.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_VERIFYOCI_H
#define IMAGE_VERIFYOCI_H

#include <jansson.h>

#include "base/err.h"
#include "image/store.h"
#include "image/trust.h"

// Judges `signatures` of the record by the keys in PEM that cover its name: the first one good is entered in `verified` as by cosign.
// What it vouches for is the record's manifest, or the index that lists it. Returns 1; 0 when no such key covers the name; -1 with
// STATUS_REFUSED and the first reason.
int verifyoci_record(struct store *s, const struct trust *t, json_t *record, struct err *e);

#endif
