// Reading tar archives: ustar, pax (POSIX.1-2017 pax, "pax Interchange Format"), GNU long names and sparse
// files. A pull reader over any source of bytes, bounded (rkt:U-10). It is our own because it must be strict:
// an archive that two readers could take for two different trees is refused (rkt:U-08, rkt:U-09), where
// libarchive and GNU tar each choose one and go on. Refused are a size that pax and ustar tell differently,
// data behind a link or directory, a keyword given twice, a global header that changes entries, names with
// NUL, unknown types, headers of star, a lone zero block, a missing end, and anything but zeros behind it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TAR_H
#define IMAGE_TAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum tar_type { TAR_FILE, TAR_HARD_LINK, TAR_SYMLINK, TAR_CHAR_DEVICE, TAR_BLOCK_DEVICE, TAR_DIRECTORY, TAR_FIFO };

struct tar_xattr {
	const char *name; // `user.x`, without the SCHILY.xattr. prefix
	const char *value;
	size_t length;
};

struct tar_entry { // all pointers are valid until the next tar_next
	enum tar_type type;
	const char *path; // without `.` components and superfluous slashes, never empty: the root is `.`;
			  // `..` and a leading `/` stay
	const char *link; // of a hard link the path it leads to, in the form of path; a symlink's target as
			  // it is; "" for others
	uint32_t mode;    // the twelve permission bits
	int64_t uid, gid; // 0..2^32-2
	int64_t size;     // bytes that tar_read will give: of a sparse file the full size
	int64_t mtime;    // seconds since 1970
	uint32_t mtime_ns;
	uint32_t major, minor; // of devices
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

struct tar_limits {
	int64_t entries; // default 10,000,000
	int64_t name;    // bytes of a path or link target, default 4096
	int64_t depth;   // components of a path, default 1024
	int64_t pax;     // bytes of one extended header or sparse map, default 1 MiB
	bool open_end; // no end-of-archive blocks need come, as where the digest of all the bytes is known (umoci insert writes none)
};
extern const struct tar_limits tar_default_limits;

typedef ssize_t tar_source(void *context, void *data, size_t length, struct err *e); // as codec_source
struct tar_reader;

struct tar_reader *tar_open(tar_source *source, void *context, const struct tar_limits *limits);

// The same over a source that lends its bytes: the next piece of the archive, valid until the next call; its
// length, 0 at the end, -1 with e filled.
typedef ssize_t tar_pieces(void *context, const char **data, struct err *e);
struct tar_reader *tar_open_pieces(tar_pieces *source, void *context, const struct tar_limits *limits);

// The next entry: 1, or 0 at the end (both end-of-archive blocks seen, only zeros to the end of the source,
// which is read to its end), or -1. Data of the former entry that was not read is skipped. Names with `..`,
// absolute names and such are given as they are: what to allow is the caller's decision; a NUL in a name, a
// negative size, a bad checksum, a GNU and a pax name that differ are STATUS_MALFORMED here.
int tar_next(struct tar_reader *r, struct tar_entry *entry, struct err *e);
ssize_t tar_read(struct tar_reader *r, void *data, size_t length, struct err *e); // 0 at the end of the entry's data

// As tar_read without copying: the next piece of the entry's data, valid until the next call on this reader.
// Returns its length; *data is NULL for a hole of a sparse file, which tar_read gives as zeros.
int64_t tar_borrow(struct tar_reader *r, const char **data, struct err *e);

// Where in the archive the data of the entry begins, before any of it was read; -1 of a sparse file, which does not lie there as it is.
int64_t tar_offset(const struct tar_reader *r);
void tar_close(struct tar_reader *r);

#endif
