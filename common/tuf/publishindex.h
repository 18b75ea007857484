// The index of the targets of one delegated role, which Docker's readers look targets up in, where targets have a repository of their own
// (dtuf:O7). It is for roles whose name is a tag, with at most PUBLISHINDEX_TARGETS_MAX targets, all below `ROLE/`; for others it is none.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISHINDEX_H
#define TUF_PUBLISHINDEX_H

#include "tuf/publish.h"

enum { PUBLISHINDEX_TARGETS_MAX = 1000 };

struct publishindex {
	const char *role; // owned by the caller
	json_t *entries;  // NULL when it is none
};

void publishindex_start(struct publishindex *x, const char *role);

// A target that was published there, as its role lists it; `several`: it is a manifest of blobs.
void publishindex_add(struct publishindex *x, const char *path, const char *digest, int64_t size, bool several);

// Publishes it under the role's tag, in a layout or registry, unless it is none or empty.
int publishindex_put(const struct publishindex *x, struct publish *p, struct err *e);
void publishindex_free(struct publishindex *x);

#endif
