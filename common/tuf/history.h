// Whether a repository goes on from what is published, so that of two publishers at once one finds it out (dtuf:A17).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_HISTORY_H
#define TUF_HISTORY_H

#include "base/buf.h"
#include "base/err.h"

// Both are texts of timestamps, the second that of the metadata in `directory`. STATUS_REFUSED when it is not above the first, unless it is that
// very text, or when the snapshot that the first states is not the one of that version in the directory, as far as they tell.
int history_check(const struct buf *published, const struct buf *ours, const char *directory, struct err *e);

#endif
