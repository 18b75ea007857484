// Many targets of a role changed at once, in the role itself or in the bins it delegates to: each file is read and written once, in order,
// and memory holds one of them (dtuf:R13, R14).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_BULK_H
#define TUF_BULK_H

#include "tuf/draft.h"
#include "tuf/runs.h"

struct bulk {                  // one change of many targets; free with bulk_free
	const char *path;      // of the role's file, NULL for stdin
	const char *delegator; // who says who may sign it, or NULL
	char *role;
	struct role file;
	struct runs *changes;
	struct bulk_prefix {      // hash prefixes of its delegations, sorted
		const char *text; // borrowed from file
		size_t role;
	} * prefixes;
	size_t prefix_count;
	bool strict; // a target that shall go and is not there is STATUS_NOT_FOUND
};

// Reads the role's file. role: its name, or NULL to take it from path.
int bulk_open(struct bulk *b, const char *path, const char *role, const char *delegator, struct err *e);
void bulk_free(struct bulk *b);

// The target shall be this; NULL: it shall go. STATUS_REFUSED for a name that no bin takes, and as role_check_target.
int bulk_change(struct bulk *b, const char *path, const json_t *target, struct err *e);

// bulk_open, and a change for each record on stdin: the target at its `path` shall be what target_of makes of it (a new reference), or with
// a NULL target_of it shall go. The first record comes before the file is read: an earlier stage that failed is the first thing to be told.
int bulk_read(struct bulk *b, const char *path, const char *role, const char *delegator,
	json_t *(*target_of)(const json_t *record), struct err *e);

// Does it all: every file concerned becomes a signed draft with a new expiry.
int bulk_apply(struct bulk *b, struct err *e);

#endif
