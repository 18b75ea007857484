// What stands before the header of an entry and tells more of it: a pax header and GNU long names.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TAREXTRA_H
#define IMAGE_TAREXTRA_H

#include <stdbool.h>

#include "base/buf.h"
#include "image/tarpax.h"
#include "image/tarstream.h"

struct tarextra { // zero it before the first use
	struct tarpax pax;
	struct buf pax_body, long_name, long_link; // empty: not given
};

bool tarextra_is_type(char type); // of a header that such a body follows

// Takes in the body behind such a header. Each kind may come once before an entry, so that there is nothing to choose. STATUS_MALFORMED, or
// STATUS_LIMIT for a body longer than limits allow.
int tarextra_read(struct tarextra *x, const struct tarhead_block *h, struct tarstream *from, const struct tar_limits *limits,
	struct err *e);

bool tarextra_waits(const struct tarextra *x); // something was read, and its entry has not come yet

// The entry's path and its link's target as they were given, in place of what `given` has: by the most specific of pax record, GNU long name
// and header. STATUS_MALFORMED when the first two disagree.
int tarextra_path(const struct tarextra *x, const struct tarhead_block *h, struct buf *given, struct err *e);
int tarextra_link(const struct tarextra *x, const struct tarhead_block *h, struct buf *given, struct err *e);

void tarextra_reset(struct tarextra *x); // ready for the next entry
void tarextra_free(struct tarextra *x);

#endif
