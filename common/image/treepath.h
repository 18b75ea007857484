// The directories from the root of a tree to where it is being filled, kept open. A directory gets its final mode and times when it
// is left; when a later entry leads into it again, it is opened up and left as it was found. So memory grows with the depth of
// an archive only, not with its number of directories.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TREEPATH_H
#define IMAGE_TREEPATH_H

#include "image/attributes.h"
#include "image/tar.h"

struct treepath;

// root is borrowed; it gets its own owner, mode and times only at the end, and until then its mode hides what is below.
struct treepath *treepath_open(int root, struct keeper *keep);

// The directory of this path, "" for the root, made where it is missing and put in the place of what is none. Its descriptor stays
// valid until the next call. -1 with e filled.
int treepath_enter(struct treepath *t, const char *path, size_t length, struct err *e);

// An entry that is a directory: makes it, or takes the one that is there, and enters it.
int treepath_put(struct treepath *t, const struct tar_entry *entry, struct attributes *a, const char *path, struct err *e);

// The directory of this path as it is, for looking: a new descriptor, or -1 with errno set.
int treepath_look(struct treepath *t, const char *path, size_t length);

int treepath_finish(struct treepath *t, struct err *e); // leaves all, the root last
void treepath_free(struct treepath *t);                 // NULL is fine

#endif
