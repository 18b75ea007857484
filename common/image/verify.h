// Whether an image record's signature is good and by a key trusted for the image's name (rkt,
// A-024, F-10 to F-13, V-01 to V-07). Image and signature come from the store by digest; no socket is opened.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_VERIFY_H
#define IMAGE_VERIFY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "crypto/pgpcheck.h"
#include "image/store.h"
#include "image/trust.h"

struct verify_options {
	bool allow_untrusted; // pass on an image for whose name nobody is trusted: unverified, with a warning
	enum pgpcheck_program program;
};

// Hashes the blob, has its signature judged over the same bytes, and adds the `verified` entry.
// STATUS_REFUSED: another digest, no or another signer, a bad signature; the text says which. `program` runs,
// so the sandbox must allow spawn.
int verify_record(struct store *s, const struct trust *t, json_t *record, const struct verify_options *options, struct err *e);

// Drops every `verified` entry by OpenPGP whose key is not trusted for the record's name any more (rkt:F-13).
// Nothing is read.
void verify_forget(const struct trust *t, json_t *record);

#endif
