// The two roles that list others: a snapshot of the metadata files in a directory, and the timestamp of that snapshot.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_ASSEMBLE_H
#define TUF_ASSEMBLE_H

#include "tuf/draft.h"

struct assemble {
	const char *directory;    // with root.json, targets.json and what they delegate to, as draft.h has them
	bool no_hashes;           // list versions alone
	bool no_bin_hashes;       // the same for succinct bins
	const struct texts *drop; // roles that shall not be listed any more; may be NULL
	int64_t version;          // to write instead of the next one; 0 for none
	int64_t lifetime;         // seconds
};

// Lists every role that targets.json leads to and whose file is there; what was listed stays so. Each must be signed by as many of its keys
// as it needs. With consistent snapshots each file also gets its name with the version. Writes snapshot.json, signed by the keys of --key.
// STATUS_REFUSED naming the role that is not complete, or older than what was listed.
int assemble_snapshot(const struct assemble *a, struct err *e);

// The same for snapshot.json and timestamp.json.
int assemble_timestamp(const struct assemble *a, struct err *e);

// An empty role of this type at version 1, to be filled: body, no signatures.
void assemble_new(enum role_type type, struct role *r);

#endif
