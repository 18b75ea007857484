// The image record, the main carrier of the kit (DESIGN section 2, tackle-records(5)): read, what it says about verification, and what it was
// made from.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

// The fields that programs act on are of the type that tackle-records(5) gives them, where they are there at all: STATUS_MALFORMED with
// the field. So no check is skipped because what it looks at is a number. Fields that nobody knows may be anything.
int image_check(const json_t *record, struct err *e);

// As record_read and record_read_all, of records that pass image_check.
json_t *image_read(const char *kinds, struct err *e);
json_t *image_read_file(const char *path, const char *kinds, struct err *e); // from a file that the user named; `-` is stdin
json_t *image_read_all(const char *kinds, struct err *e);

// The digest that identifies the image's bytes and that `verified` entries must name: blob.digest of an ACI or tar,
// manifest.digest of an OCI image. Borrowed; NULL (and no error) when the record has neither.
const char *image_digest(const json_t *record);

// The first `verified` entry about image_digest; entries for another digest, or that do not say who checked, do not count. Borrowed; NULL when there is none.
const json_t *image_verified(const json_t *record);

// Appends an entry {by, digest, ...}; steals entry.
void image_add_verified(json_t *record, json_t *entry);

// Whether a `verified` entry is by a signature: the key that decided may lose its place in the trust directories.
bool image_is_signed_by(const json_t *entry);

// Enters that a signature is good, in place of what earlier ones said; and that none is known to be. image_set_signed steals entry.
void image_set_signed(json_t *record, json_t *entry);
void image_drop_signed(json_t *record);

// Enters the name of a check that was switched off in `insecure`, once.
void image_add_insecure(json_t *record, const char *check);

// For programs with an effect: 0 when image_verified, or when `unverified` was asked for (which is warned about and entered in
// `insecure`); else STATUS_REFUSED.
int image_require_verified(json_t *record, bool unverified, struct err *e);

// Makes `record` the successor of the one it was converted from: what the user asked for and every check that was switched off stay,
// what was verified does not (DESIGN section 2).
void image_derive(json_t *record, const json_t *from);

#endif
