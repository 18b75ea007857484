// Writing tar archives, deterministically: pax format with ustar headers wherever they suffice, numeric
// owners, no access or change times, records for what ustar cannot hold in sorted order. The same entries
// give the same bytes.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARWRITE_H
#define IMAGE_TARWRITE_H

#include "image/tar.h"

// Where the bytes go. Returns 0, or -1 with e filled.
typedef int tarwrite_sink(void *context, const void *data, size_t length, struct err *e);

struct tarwrite { // sink and context set, the rest zero
	tarwrite_sink *sink;
	void *context;
	int64_t left;   // data bytes of the current entry still to come
	size_t padding; // zeros due behind them
};

// The header of an entry; entry->size bytes of tarwrite_data must follow for TAR_FILE, none for others. The
// extended attributes are written in the order of their names; STATUS_LIMIT for more of them than tar.h reads.
int tarwrite_entry(struct tarwrite *w, const struct tar_entry *entry, struct err *e);
int tarwrite_data(struct tarwrite *w, const void *data, size_t length, struct err *e); // pads after the last byte
int tarwrite_copy(struct tarwrite *w, struct tar_reader *r, struct err *e);            // all the data of an entry that is read
int tarwrite_end(struct tarwrite *w, struct err *e);                                   // the end-of-archive blocks

#endif
