// A set of files by name, to be read: a directory, or what lies in an archive. Nothing in it is trusted.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_FILES_H
#define OCI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct files_extent { // where a file's bytes lie
	int fd;
	int64_t offset, size;
	bool own; // fd is closed with it
};

struct files { // fd -1 when it is none
	int fd;
	// The file of this relative path. STATUS_NOT_FOUND when there is none.
	int (*open)(struct files *f, const char *path, struct files_extent *x, struct err *e);
	void *context;
	void (*close)(struct files *f);
	char *subject; // what to put before messages, which none of these functions does but files_read_if_there
};

// Below this directory, which the user named: symlinks in it are followed as long as they stay beneath it. Returns 0 or -1 as err_open.
int files_open_directory(struct files *f, const char *path, struct err *e);
void files_close(struct files *f);

// As f->open; release it. Returns 0 or -1.
int files_open(struct files *f, const char *path, struct files_extent *x, struct err *e);
void files_release(struct files_extent *x);

// A small file as a whole, appended; more than limit bytes: STATUS_LIMIT. Returns 0 or -1.
int files_read(struct files *f, const char *path, size_t limit, struct buf *out, struct err *e);

// The same: 1; 0 when there is none; -1, here with the subject before the message.
int files_read_if_there(struct files *f, const char *path, size_t limit, struct buf *out, struct err *e);

typedef int files_sink(void *context, const void *data, size_t length, struct err *e);

// The bytes of an extent from this offset in it to its end. STATUS_MALFORMED when the file is shorter than it was.
int files_copy(const struct files_extent *x, int64_t from, files_sink *sink, void *context, struct err *e);

#endif
