// Files below a directory that others can write in: each appears whole, and no symlink on the way to it is followed (dtuf:A12).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISHFILE_H
#define TUF_PUBLISHFILE_H

#include "oci/target.h"

// On the disk for certain when it returns. `later`: one of very many, to which no reader is led before publishfile_sync came back; until then
// a machine that stops may leave its name with less than its bytes. A name that is taken is never left so.
int publishfile_write(int top, const char *path, const void *data, size_t length, bool later, struct err *e);
int publishfile_sync(int top, struct err *e);

bool publishfile_has(int top, const char *path, const void *data, size_t length); // just these bytes

// A file under the name of its hash, which never changes: one of that size that is there is as good as written. As publish_blob.
int publishfile_copy(int top, const char *path, struct target_blob *b, struct err *e);

// The same of a name that stands for one thing after the other: what is there goes.
int publishfile_replace(int top, const char *path, struct target_blob *b, struct err *e);

bool publishfile_has_digest(int top, const char *path, const char *digest);
bool publishfile_is_there(int top, const char *path, int64_t size);

// For reading; -1 with err_open's errors.
int publishfile_open(int top, const char *path, struct err *e);

// A second name for a file that is there; false when that cannot be.
bool publishfile_link(int top, const char *from, const char *path);

#endif
