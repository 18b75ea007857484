// Metadata and manifests as bars of their own, for who asked for one of each file (dtuf:D56).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_BARS_H
#define TUF_BARS_H

#include <stddef.h>

#include "base/progress.h"

// A file that came or went as a whole.
void bars_whole(const void *data, size_t length);

// A blob on its way: zero but for digest and size, told of each piece by bars_tell, which takes it as its context. What is told of nothing
// shows nothing.
struct bars_blob {
	const char *digest;
	int64_t size;
	bool started;
	struct progress progress;
};
void bars_tell(void *blob, int64_t bytes);
void bars_end(struct bars_blob *b, bool failed);

#endif
