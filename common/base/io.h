// Files and descriptors: whole reads and writes, files that appear whole or not at all, nameless temporary files.
// Every descriptor made here is O_CLOEXEC.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define IO_CHUNK ((size_t)256 * 1024) // what streaming loops read and write at once

// `io_auto int fd = -1;` is closed when the scope ends; io_steal hands it over.
void io_close_indirect(int *fd);
#define io_auto __attribute__((cleanup(io_close_indirect)))
#define io_steal(fd)                   \
	({                             \
		int io_stolen_ = (fd); \
		(fd) = -1;             \
		io_stolen_;            \
	})

// Reads until length bytes came or the stream ended. Returns how many, or -1 with errno set.
ssize_t io_read_full(int fd, void *data, size_t length);
ssize_t io_read_full_at(int fd, void *data, size_t length, int64_t at); // the same from there; the position of fd stays

// Writes all of it. Returns 0, or -1 with errno set.
int io_write_all(int fd, const void *data, size_t length);

// Appends the whole stream to out. More than limit bytes: STATUS_LIMIT. `subject` names the stream in errors.
int io_read_stream(int fd, size_t limit, const char *subject, struct buf *out, struct err *e);

// The whole of a file the user named; "-" is stdin. Errors as err_open and io_read_stream.
int io_read_file(const char *path, size_t limit, struct buf *out, struct err *e);

// Opens a file or "-" (a duplicate of stdin) for reading; a directory is refused. Returns a descriptor or -1.
int io_open_input(const char *path, struct err *e);

// Refuses (STATUS_REFUSED) a regular file with a secret that group or others may use. Returns 0 or -1.
int io_check_secret(const char *path, const struct stat *st, struct err *e);

// As io_read_file for a secret, with this check unless it is "-". The caller wipes the buffer.
int io_read_secret(const char *path, size_t limit, struct buf *out, struct err *e);

// A nameless file in $TMPDIR or /tmp, gone with its last descriptor. Returns a descriptor or -1.
int io_spool(struct err *e);

// A file that appears under its name only when io_commit succeeded: data and directory synced, rename(2) last.
struct io_output {
	int fd;        // write here; owned by this struct
	int directory; // borrowed: must stay open until commit or discard
	char *name;    // the final name below directory
	char *aside;   // the temporary name, NULL while the file has none
};

// Opens a new file beside `name` in directory (AT_FDCWD and a path is fine). Returns 0 or -1.
int io_create(struct io_output *o, int directory, const char *name, mode_t mode, struct err *e);
int io_commit(struct io_output *o, struct err *e); // closes and forgets o either way
// Gives the file this name below directory as it is now, unless that name is taken. Neither syncs nor closes; io_discard after it
// leaves the file. Returns 0, 1 when the name is taken, or -1 with errno.
int io_link_new(struct io_output *o, int directory, const char *name);
void io_discard(struct io_output *o); // no trace remains; harmless after commit, and on a zeroed struct with fd -1

// All of that for bytes that are at hand. Returns 0 or -1.
int io_write_file(int directory, const char *name, mode_t mode, const void *data, size_t length, struct err *e);

#endif
