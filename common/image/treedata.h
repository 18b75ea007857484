// The data of small files, written by a second thread while the first makes the next ones: of the time that a tree of small files takes,
// half goes into their making and a quarter into this. The files are open already, so that what happens to their names meanwhile
// does not matter.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TREEDATA_H
#define IMAGE_TREEDATA_H

#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "image/tar.h"

struct treedata;

struct treedata *treedata_start(struct err *e); // behind sandbox_enter; NULL with e filled

// Whether a file of this size and path is small enough.
bool treedata_takes(int64_t size, const char *path);

// Takes the file's data from r, to be written to fd, which it closes in any case, and the time to be set then. -1 with e filled, where
// the error may be that of a file given earlier.
int treedata_give(struct treedata *t, int fd, int64_t size, struct timespec mtime, const char *path, struct tar_reader *r,
	struct err *e);

// Waits until all is written, and frees t. -1 with the first error.
int treedata_finish(struct treedata *t, struct err *e);

#endif
