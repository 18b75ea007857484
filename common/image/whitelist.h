// The pathWhitelist of an image: the paths that are to exist once it is rendered (aci.md, "pathWhitelist"; rkt:I-034).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_WHITELIST_H
#define IMAGE_WHITELIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct whitelist {    // zero it before the first use; empty means that everything is allowed
	char **paths; // without slashes at their ends, sorted
	size_t count;
};

// That of a manifest that passed aci_check_manifest. STATUS_MALFORMED for a path with `..` (rkt:U-14).
int whitelist_read(struct whitelist *w, const json_t *manifest, struct err *e);
void whitelist_free(struct whitelist *w);

// Whether a path (without leading slash, as tar_entry has it) is listed, or is a directory above one that is.
bool whitelist_allows(const struct whitelist *w, const char *path, bool directory);

#endif
