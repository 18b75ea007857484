// A directory tree as the entries of an archive, one after the other: names in byte order, numeric owners, hard links found. The tree
// may change or be hostile meanwhile: it is walked by descriptors, no symlink is followed, no special file is opened, and what changed
// while it was visited is an error.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TREEWALK_H
#define IMAGE_TREEWALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "image/tar.h"

struct treewalk_options {
	bool one_file_system; // leave out what is mounted below
	int64_t uid, gid;     // -1 to keep each file's
	bool same_time;       // every entry has this one:
	int64_t time;
	int64_t latest; // what is younger gets it
};

// Each name, directories before what is in them. Of a regular file its first name comes with a descriptor to read it from, further ones as
// TAR_HARD_LINK; else fd is -1. Sockets do not come; they are warned about.
typedef int treewalk_visit(void *context, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e);

struct treewalk {
	const struct treewalk_options *options;
	const char *prefix; // put before every name; "" for none, and the root is `.` then
	treewalk_visit *visit;
	bool (*wants)(void *context, const char *path); // or it is passed over with all below; NULL for everything
	void *context;
};

// Walks what lies below this open directory, beginning with itself. `name` is the directory's in messages. STATUS_TEMPORARY for what
// changed meanwhile, STATUS_LIMIT for a path no reader would take, STATUS_SYSTEM.
int treewalk(const struct treewalk *how, int directory, const char *name, struct err *e);

// For visitors: that the file changed, and that a call about it failed, for which errno says that it is gone or else.
int treewalk_changed(const char *path, struct err *e);
int treewalk_call_failed(const char *path, const char *what, struct err *e);

int treewalk_check_length(const char *path, struct err *e); // STATUS_LIMIT for a path that is longer than readers take

#endif
