// A TUF repository in a repository of a registry or in an OCI image layout, for remote.c: metadata and targets by tag and digest (dtuf:O1
// to O15).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_REMOTEOCI_H
#define TUF_REMOTEOCI_H

#include "base/sandbox.h"
#include "tuf/remote.h"

struct remoteoci;

// `oci:DIR`, whose index.json is read now: call it before sandbox_enter; or `docker://HOST/REPOSITORY`, which is asked for nothing yet,
// with a network that was prepared by registry_prepare. NULL on failure.
struct remoteoci *remoteoci_open(const char *place, struct sandbox *s, struct err *e);
void remoteoci_close(struct remoteoci *o); // NULL is fine

// Hands the file to q->sink, once it has the digest and size by which its tag names it. STATUS_NOT_FOUND when there is no such tag or no
// layer of this name (dtuf:O14), STATUS_LIMIT.
int remoteoci_metadata(struct remoteoci *o, const char *role, int64_t version, const struct remote_request *q, struct err *e);

// As remote_former.
int64_t remoteoci_former(struct remoteoci *o, const char *role, int64_t version);

// A target, or with path NULL a blob of one, by its sha256 in hex; and a target that is a manifest of blobs (dtuf:B3).
int remoteoci_data(struct remoteoci *o, const char *path, const char *hash, const struct remote_request *q, struct err *e);
int remoteoci_manifest(struct remoteoci *o, const char *hash, const struct remote_request *q, struct err *e);

// As remote_blob_size; of a registry alone.
int64_t remoteoci_blob_size(struct remoteoci *o, const char *hash, struct err *e);

// Whether the target is there under its own tag: 0, or -1 with STATUS_NOT_FOUND.
int remoteoci_ask(struct remoteoci *o, const char *path, const char *hash, struct err *e);

#endif
