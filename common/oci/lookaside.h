// A lookaside: a web server or directory with the signatures of images whose registry keeps none (containers-registries.d(5)), as
// BASE/REPOSITORY@sha256=HEX/signature-N, where REPOSITORY does not name the registry.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_LOOKASIDE_H
#define OCI_LOOKASIDE_H

#include "oci/files.h"

struct lookaside { // zero when it is none
	char *url;
	struct files files; // of file:
};

// Whether it is file:DIR, or https:// or http:// without a query. STATUS_USAGE saying why not.
int lookaside_check(const char *url, struct err *e);

// The base by a URL that passed. A directory is opened, so that a sandbox that allows `files` can be entered then; one that does not exist
// is STATUS_NOT_FOUND. The web is asked by http.h, never with a login for a registry.
int lookaside_open(struct lookaside *l, const char *url, struct err *e);
void lookaside_close(struct lookaside *l);

// As source_signature, of an image in this repository.
int lookaside_read(struct lookaside *l, const char *repository, const char *digest, int number, struct buf *out, struct err *e);

#endif
