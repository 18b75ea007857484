// The name types of the App Container specification, "AC Identifier Type" and "AC Name Type" (rkt:T-001, rkt:T-002, rkt:T-003).
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_ACNAME_H
#define OCI_ACNAME_H

#include <stdbool.h>
#include <stddef.h>

#define ACNAME_MAX 1024 // bytes of an identifier; the specification sets none, URLs and paths made from it need one

bool acname_is_identifier(const char *text); // ^[a-z0-9]+([-._~/][a-z0-9]+)*$
bool acname_is_name(const char *text);       // ^[a-z0-9]+(-[a-z0-9]+)*$
bool acname_is_image_id(const char *text);   // `sha512-` and 128 lower-case hex digits

// A shortened image id as the user may give one: `sha512-` and 2 to 128 lower-case hex digits (rkt:A-021).
bool acname_is_short_id(const char *text);

// Whether a key or rule for `prefix` covers `name`: equal, or name goes on with `/` (rkt:A-016).
bool acname_covers(const char *prefix, const char *name);

#endif
