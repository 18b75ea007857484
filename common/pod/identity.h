// Users and groups of an image, from its own passwd and group files (rkt:I-014): hostile text, parsed without libc's lookups, which
// would load what the image says. Meant for a process whose root is the image's.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_IDENTITY_H
#define POD_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define IDENTITY_FILE_MAX ((size_t)4 << 20) // bytes of passwd or group; more is not read (rkt:U-13)

struct identity {
	uid_t uid;
	gid_t gid;
	char *name, *home, *shell; // from passwd, NULL where it has no entry for the user; owned
};

// One line of passwd(5) or group(5), fields by colon. Borrowed from the text, not NUL-terminated.
struct identity_entry {
	const char *name, *home, *shell; // home and shell NULL where the line has no such field
	size_t name_length, home_length, shell_length;
	unsigned long id, group; // group is passwd's fourth field
};

// The next well-formed entry at *at; false at the end. Malformed lines are passed over. wants_group: passwd, whose fourth field must
// be a number.
bool identity_next(const char **at, const char *end, bool wants_group, struct identity_entry *entry);

// Finds user and group, each a name, else a number, else a path whose owner is meant; all below the directory `root`. `proc` is a
// procfs mounted by us. STATUS_SYSTEM for what is unknown. identity_free in any case.
int identity_find(int root, int proc, const char *user, const char *group, struct identity *id, struct err *e);
void identity_free(struct identity *id);

#endif
