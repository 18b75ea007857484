// One metadata file of a client, from the network or from the directory of what it trusts. For client.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_CLIENTFILE_H
#define TUF_CLIENTFILE_H

#include "tuf/client.h"

// From the network, not verified yet; version 0 for the name without one. Returns 0, 1 when the repository says that there is none, or -1.
int clientfile_fetch(struct client *c, const char *role, int64_t version, int64_t limit, struct received *out, struct err *e);

// From the directory: nothing counts that does not verify (dtuf:A18). False when there is none.
bool clientfile_local(struct client *c, const char *role, int64_t limit, const struct keys_set *keys, struct received *out);
bool clientfile_local_by_root(struct client *c, const char *role, int64_t limit,
	struct received *out); // with the keys of the trusted root

// The same of a file that a timestamp or a snapshot lists so: it has that version and those hashes, and its length, where one is listed,
// is the limit. A local one counts only when it is not expired. STATUS_REFUSED; STATUS_NOT_FOUND when the repository does not have it.
int clientfile_fetch_listed(struct client *c, const char *role, const struct received_entry *entry, int64_t limit,
	const struct keys_set *keys, struct received *out, struct err *e);
bool clientfile_local_listed(struct client *c, const char *role, const struct received_entry *entry, int64_t limit,
	const struct keys_set *keys, struct received *out);

#endif
