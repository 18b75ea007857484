// Reading tar archives: ustar, pax (POSIX.1-2017 pax, "pax Interchange Format"), GNU long names and sparse files. A pull reader
// over any source of bytes; strict, so that an archive has one reading only (rkt:U-08, rkt:U-09), and bounded (rkt:U-10).
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
	const char *path;  // as the archive has it but for leading `./` and trailing `/` removed; never empty: the root is `.`
	const char *link;  // target of a link, "" for others
	uint32_t mode;     // the twelve permission bits
	int64_t uid, gid;  // 0..2^32-2
	int64_t size;      // bytes that tar_read will give: of a sparse file the full size
	int64_t mtime;     // seconds since 1970
	uint32_t mtime_ns;
	uint32_t major, minor; // of devices
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

struct tar_limits {
	int64_t entries; // default 10,000,000
	int64_t name;    // bytes of a path or link target, default 4096
	int64_t depth;   // components of a path, default 1024
	int64_t pax;     // bytes of one extended header, default 1 MiB
};
extern const struct tar_limits tar_default_limits;

typedef ssize_t tar_source(void *context, void *data, size_t length, struct err *e); // as codec_source
struct tar_reader;

struct tar_reader *tar_open(tar_source *source, void *context, const struct tar_limits *limits);

// The next entry: 1, or 0 at the end (both end-of-archive blocks seen, only zeros to the end of the source, which is read to its
// end), or -1. Data of the former entry that was not read is skipped. Names with `..`, absolute names and such are given as
// they are: what to allow is the caller's decision; a NUL in a name, a negative size, a bad checksum, a GNU and a pax name that
// differ are STATUS_MALFORMED here.
int tar_next(struct tar_reader *r, struct tar_entry *entry, struct err *e);
ssize_t tar_read(struct tar_reader *r, void *data, size_t length, struct err *e); // 0 at the end of the entry's data
void tar_close(struct tar_reader *r);

#endif
