// The records of a pax extended header (POSIX.1-2017 pax, "pax Extended Header"), and those of GNU's sparse
// formats in it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARPAX_H
#define IMAGE_TARPAX_H

#include "base/buf.h"
#include "image/tar.h"
#include "image/tarsparse.h"

#define TARPAX_XATTRS_MAX 1024 // of one entry; the kernel lists at most 64 KiB of names

enum tarpax_keyword { // bits of tarpax.seen
	TARPAX_PATH = 1 << 0,
	TARPAX_LINKPATH = 1 << 1,
	TARPAX_SIZE = 1 << 2,
	TARPAX_UID = 1 << 3,
	TARPAX_GID = 1 << 4,
	TARPAX_MTIME = 1 << 5,
	TARPAX_SPARSE_MAJOR = 1 << 6,
	TARPAX_SPARSE_MINOR = 1 << 7,
	TARPAX_SPARSE_NAME = 1 << 8,
	TARPAX_SPARSE_REALSIZE = 1 << 9,
	TARPAX_SPARSE_SIZE = 1 << 10,
	TARPAX_SPARSE_MAP = 1 << 11,
	TARPAX_SPARSE_NUMBLOCKS = 1 << 12,
};

// Texts point into the parsed bytes. Zero it before the first use; tarpax_reset makes it ready for the next
// entry.
struct tarpax {
	unsigned seen;
	char *path, *linkpath, *sparse_name, *sparse_map;
	int64_t size, uid, gid, mtime, sparse_major, sparse_minor, sparse_realsize, sparse_size, sparse_numblocks;
	uint32_t mtime_ns;
	struct tar_xattr *xattrs;
	size_t xattr_count, xattr_room;
	struct tarsparse pieces; // of format 0.0, as its offset and numbytes records come
	bool offset_open;        // an offset whose numbytes has not come yet
};

// Parses the body of an `x` header, whose bytes it changes and keeps pointers to; of a `g` header with global
// set, in which only keywords that change no entry are allowed. STATUS_MALFORMED or STATUS_LIMIT.
int tarpax_parse(struct tarpax *p, struct buf *body, bool global, struct err *e);
void tarpax_reset(struct tarpax *p);
void tarpax_free(struct tarpax *p);

#endif
