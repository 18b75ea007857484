// The bytes of an archive as its reader wants them: lent piece by piece, or block by block.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARSTREAM_H
#define IMAGE_TARSTREAM_H

#include <stdint.h>

#include "base/buf.h"
#include "image/tar.h"
#include "image/tarhead.h"

struct tarstream {
	tar_pieces *pieces;
	tar_source *source; // copied into `own`, where nothing is lent
	void *context;
	char *own;
	const char *at, *end;       // what is unread of the current piece
	int64_t offset;             // bytes taken from the archive
	struct tarhead_block block; // a block that lies across two pieces
};

// Lends at least one and at most `most` bytes. Returns how many; -1 also at the end of the source
// (STATUS_MALFORMED).
int64_t tarstream_lend(struct tarstream *s, int64_t most, const char **data, struct err *e);
void tarstream_give_back(struct tarstream *s, int64_t length); // bytes of the last lending that were not used
int tarstream_skip(struct tarstream *s, int64_t length, struct err *e);

// The next block, valid until the next call. NULL with e->status 0 when the source ended before it.
const struct tarhead_block *tarstream_block(struct tarstream *s, struct err *e);

// A run of bytes and its padding, as a whole; `what` names it when it is larger than limit.
int tarstream_body(struct tarstream *s, int64_t size, int64_t limit, const char *what, struct buf *body, struct err *e);

// Reads to the end of the source, where only zeros may come (rkt:U-09).
int tarstream_finish(struct tarstream *s, struct err *e);

int64_t tarstream_padding(int64_t size); // from there to the end of a block
int tarstream_truncated(struct err *e);

#endif
