// Pairs of key and value in the order of their keys, however many there are: what does not fit into memory goes to a nameless temporary
// file in sorted runs, which are then read side by side.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_RUNS_H
#define TUF_RUNS_H

#include "base/err.h"
#include "tuf/canon.h"

#define RUNS_MEMORY ((size_t)24 << 20) // bytes that are held before a run is written

struct runs;

struct runs *runs_new(size_t memory); // RUNS_MEMORY, or less in a test
void runs_free(struct runs *r);       // NULL is fine

int runs_add(struct runs *r, const struct canon_span *key, const struct canon_span *value, struct err *e);

// Ends the adding; then the pairs in order, bytes as unsigned numbers. Of equal keys the last one added comes last. 1, 0 at the end, -1.
// A pair is borrowed until the next call.
int runs_sort(struct runs *r, struct err *e);
int runs_next(struct runs *r, struct canon_span *key, struct canon_span *value, struct err *e);

#endif
