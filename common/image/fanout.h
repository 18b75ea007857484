// One stream of bytes for several consumers, each in a thread of its own: while the producer reads on, one hashes and another
// writes. The pieces lie in a ring, so that memory is bounded and the slowest sets the pace.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_FANOUT_H
#define IMAGE_FANOUT_H

#include <stddef.h>

#include "base/err.h"

#define FANOUT_CONSUMERS_MAX 4

struct fanout_consumer {
	int (*take)(void *context, const void *data, size_t length, struct err *e); // 0, or -1 with e filled
	void *context;                                                              // touched by no one else until the end
};

struct fanout;

// Starts the threads; do it behind sandbox_enter, which they inherit. Signals are left to the caller's thread, but for SIGPIPE, which
// a consumer may earn and which they take as the caller does now. Returns NULL with e filled when that is impossible.
struct fanout *fanout_start(const struct fanout_consumer *consumers, size_t count, struct err *e);

// Where the next bytes will lie, at least one and at most *length of them: who reads straight to there saves a copy.
void *fanout_room(struct fanout *f, size_t *length);

// The next bytes of the stream; data may be what fanout_room gave. -1 with the consumer's error once one has failed.
int fanout_add(struct fanout *f, const void *data, size_t length, struct err *e);

// Hands over what was added as a piece of its own, however short: consumers see where one was cut. Errors as fanout_add.
int fanout_cut(struct fanout *f, struct err *e);

// Waits until all was consumed, ends the threads and frees f. Returns -1 when a consumer failed.
int fanout_finish(struct fanout *f, struct err *e);

#endif
