// metadata/ or targets/ of a plain TUF repository, in a directory or behind a URL, for remote.c (dtuf:O16).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_REMOTEPLAIN_H
#define TUF_REMOTEPLAIN_H

#include "base/sandbox.h"
#include "tuf/remote.h"

struct remoteplain { // { NULL, -1 }: nowhere, where nothing is found
	char *url;   // ends in one `/`; NULL for a directory
	int directory;
};

bool remoteplain_is_url(const char *place);

// `https://...`, `http://...` or `file:DIR`, and what is `below`: "metadata" or "targets"; NULL: the place is that itself. targets/ may be
// missing, for those who want metadata only. STATUS_USAGE for another kind of place. To be closed also on failure.
int remoteplain_open(struct remoteplain *p, const char *place, const char *below, struct sandbox *s, struct err *e);
void remoteplain_close(struct remoteplain *p);

// Hands the file to q->sink. Returns 0, or 1 with the reason in e when the repository says that there is none (404, 403, no such file),
// or -1.
int remoteplain_metadata(const struct remoteplain *p, const char *role, int64_t version, struct remote_request *q, struct err *e);

// As the functions of remote.h.
int64_t remoteplain_former(const struct remoteplain *p, const char *role, int64_t version);
int remoteplain_target(const struct remoteplain *p, const char *path, const char *hash, struct remote_request *q, struct err *e);
int remoteplain_blob(const struct remoteplain *p, const char *hash, struct remote_request *q, struct err *e);
int remoteplain_ask(const struct remoteplain *p, const char *path, const char *hash, struct err *e);
int64_t remoteplain_target_size(const struct remoteplain *p, const char *path, const char *hash, struct err *e);
int64_t remoteplain_blob_size(const struct remoteplain *p, const char *hash, struct err *e);

#endif
