// What refers to a manifest by its `subject`: signatures, SBOMs, attestations (distribution-spec 1.1, "Listing Referrers").
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_REFERRERS_H
#define OCI_REFERRERS_H

#include "oci/manifest.h"
#include "oci/source.h"
#include "oci/target.h"

// The tag whose index stands in for the API where a registry does not have it, such as sha256-HEX; malloced.
char *referrers_tag(const char *digest);

// Their descriptors, by the API or that tag; an empty array for none, MANIFEST_ENTRIES_MAX at most. A new reference, or NULL with e filled.
json_t *referrers_find(struct source *from, const char *digest, struct err *e);

// The descriptor of a manifest that has a subject, as such a list has it; a new reference, NULL for another manifest. *subject is the
// subject's digest, borrowed from the manifest.
json_t *referrers_entry(const struct manifest *m, const char *digest, size_t size, const char **subject);

// Enters them in the index under that tag, for a place that does not list them itself: what it lists stays. Who else enters some at the
// same time is noticed and waited out as far as that goes without locks. Returns 0 or -1: STATUS_REFUSED where
// the tag is no index's, STATUS_LIMIT where the index would grow beyond what is read again, STATUS_TEMPORARY where others keep
// overwriting it.
int referrers_enter(struct target *t, const char *digest, const json_t *entries, struct err *e);

#endif
