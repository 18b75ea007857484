// Where a TUF repository is published: `file:DIR`, a plain tree with metadata/ and targets/; `oci:DIR`, an OCI image layout; or
// `docker://HOST/REPOSITORY`, a repository of a registry. Readers see the state before or after, since the timestamp comes last, in a
// layout index.json and in a registry the tag `latest` (dtuf:O12). In a directory there is one writer at a time.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISH_H
#define TUF_PUBLISH_H

#include <jansson.h>

#include "base/buf.h"
#include "base/sandbox.h"
#include "crypto/digest.h"
#include "oci/target.h"

struct publish_kind; // publishkind.h

struct publish { // zero when it is none; close with publish_close
	const struct publish_kind *kind;
	void *context;
};

enum { PUBLISH_DIGESTS = 2 }; // sha256 and sha512

enum publish_for { PUBLISH_TO_PUT, PUBLISH_TO_DROP };

// A directory is made when it is not there, locked as soon as other writers are done, and allowed in the sandbox; for a registry the network
// is prepared, and nothing asked. STATUS_USAGE for another kind of place.
int publish_open(struct publish *p, const char *where, enum publish_for for_what, struct sandbox *s, struct err *e);
void publish_close(struct publish *p);

// What that place has is mounted from there, and not sent, where both are repositories of one registry (dtuf:O13). Before the first
// question.
void publish_mount_from(struct publish *p, const char *place);

bool publish_is_tree(const struct publish *p);

// Targets go under their plain names: of a repository without consistent snapshots, which only a tree can hold, else STATUS_REFUSED.
int publish_plain_names(struct publish *p, struct err *e);

// The digests under which the place has a target (dtuf:R9): in a tree each that is signed and known, elsewhere the sha256 alone. Their
// number; 0 with STATUS_REFUSED when there is none.
size_t publish_digests(const struct publish *p, const json_t *target, char digests[static PUBLISH_DIGESTS][DIGEST_TEXT_MAX],
	struct err *e);

// The timestamp that is published, appended; 1 when there is none. In a registry what is published must then stay so until publish_commit
// (dtuf:A17).
int publish_timestamp(struct publish *p, size_t limit, struct buf *out, struct err *e);

// One blob of a target of several, by its sha256 (dtuf:B10). What is there is not written again, nor opened (dtuf:O13); with `open` NULL it
// has to be there, else STATUS_NOT_FOUND. STATUS_REFUSED when it has other bytes. Who is told of the bytes is chosen here.
int publish_blob(struct publish *p, struct target_blob *b, struct err *e);

// A target that is one blob, and one that is a manifest of blobs put before (dtuf:B2, B3), under the name that this digest of it gives.
int publish_target(struct publish *p, const char *path, struct target_blob *b, struct err *e);
int publish_manifest(struct publish *p, const char *path, const struct buf *manifest, const char *digest, struct err *e);

// An index under the tag of this role (publishindex.h); nothing in a tree.
int publish_index(struct publish *p, const char *role, const struct buf *index, struct err *e);

// Takes a target away, whose sha256 this is: its name, and its blobs that no other name leads to (dtuf:D26). 1 when it is not there.
int publish_drop_target(struct publish *p, const char *path, const char *digest, struct err *e);

// A metadata file of a role; version 0 for one without. Roots come first, ascending, then snapshot, targets, timestamp; delegated roles
// before all these. In a layout or registry the version published before stays readable (dtuf:O3, O4).
int publish_metadata(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e);

// The version of a role before the one that publish_metadata is called with next, for places that have published none themselves.
int publish_former(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e);

// Makes it so. STATUS_REFUSED when somebody else published meanwhile.
int publish_commit(struct publish *p, struct err *e);

#endif
