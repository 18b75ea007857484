// Maps of sparse files: which parts of the file the archive holds (GNU tar manual, "Storing Sparse Files").
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARSPARSE_H
#define IMAGE_TARSPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/tarstream.h"

#define TARSPARSE_PIECES_MAX 65536 // 1 MiB of memory

struct tarsparse_piece {
	int64_t offset, length;
};

struct tarsparse { // zero it before the first use
	struct tarsparse_piece *pieces;
	size_t count, room;
};

int tarsparse_add(struct tarsparse *s, int64_t offset, int64_t length, struct err *e); // STATUS_LIMIT
void tarsparse_free(struct tarsparse *s);

// Whether the pieces ascend without overlap within `full` bytes, and hold exactly `stored`. STATUS_MALFORMED.
int tarsparse_check(const struct tarsparse *s, int64_t full, int64_t stored, struct err *e);

// Decimal numbers, for maps in text: one from *at, which must be followed by `stop` and is moved behind it.
int tarsparse_number(const char **at, const char *end, char stop, int64_t *out, struct err *e);

// The map of pax format 0.1: OFFSET,LENGTH,... in one record.
int tarsparse_parse_list(struct tarsparse *s, const char *text, struct err *e);

// The map of the old GNU format: four pieces in the header at byte 386, then blocks of 21 each; and the
// file's full size.
int tarsparse_read_gnu(struct tarsparse *s, struct tarstream *from, const struct tarhead_block *h, int64_t *full, struct err *e);

// The map of pax format 1.0: decimal lines at the start of the data, padded to a block; taken off *stored.
int tarsparse_read_pax(struct tarsparse *s, struct tarstream *from, int64_t *stored, struct err *e);

#endif
