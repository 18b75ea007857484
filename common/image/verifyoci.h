// Whether a signature of an OCI image is good and by a key trusted for its repository (rkt:A-026). Signatures and manifest come from the
// store by digest; no socket is opened.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_VERIFYOCI_H
#define IMAGE_VERIFYOCI_H

#include <jansson.h>

#include "base/err.h"
#include "crypto/pgpcheck.h"
#include "image/store.h"
#include "image/trust.h"

// Judges `signatures` of the record, cosign's by the keys in PEM and simple signing by the OpenPGP keys that cover its name, those of a
// kind for which there is no key not at all: the first one good is entered in `verified`, as by `cosign` or `simple-signing`. What it
// vouches for is the record's manifest, or the index that lists it. Returns 1; 0 when no key covers the name; -1 with STATUS_REFUSED and
// the first reason.
int verifyoci_record(struct store *s, const struct trust *t, json_t *record, enum pgpcheck_program program, struct err *e);

#endif
