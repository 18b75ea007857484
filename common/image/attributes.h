// What a file of a tree has besides its data: owner, mode, times, extended attributes; which of them are kept, and what is lost.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ATTRIBUTES_H
#define IMAGE_ATTRIBUTES_H

#include <sys/stat.h>
#include <time.h>

#include "image/tree.h"

#define ATTRIBUTES_SPECIAL (S_ISUID | S_ISGID)

struct keeper {
	struct tree_options options;
	uid_t uid; // the caller's: what new files have
	gid_t gid;
	struct tree_losses lost;
};

struct attributes {
	uint32_t mode;
	bool chown;   // to the entry's owner
	bool special; // mode has setuid or setgid bits, which the making of a file does not set
	bool xattrs;  // some are kept
};

// What is to be kept of an entry; the rest is counted as lost.
struct attributes attributes_of(struct keeper *k, const struct tar_entry *entry, const char *path);
bool attributes_keep_xattr(const struct keeper *k, const char *name);
extern const struct keeper attributes_all; // keeps all that any does: what goes into an archive

// After a chown that gave `result`: an id that this user namespace does not map, or a missing privilege, is no error but a loss, and
// nothing is half done then: the setuid bits go, too.
int attributes_owner_result(struct keeper *k, int result, struct attributes *a, const char *path, struct err *e);

// Those of the list that are kept; one that the file system cannot have is a loss.
int attributes_set_xattrs(struct keeper *k, int fd, const struct tar_xattr *xattrs, size_t count, const char *path,
	struct err *e);

// Removes those that would be kept, of a directory that a later entry describes anew.
int attributes_clear_xattrs(struct keeper *k, int fd, const char *path, struct err *e);

// Of what is at name, a symlink itself; of the open file when name is NULL.
int attributes_set_times(int directory, const char *name, struct timespec mtime, const char *path, struct err *e);

#endif
