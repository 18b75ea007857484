// Compression, the way back of codec.h: gzip or zstd, on several threads. The same bytes and options give the same stream, whatever the
// number of threads and the sizes of the pieces that were added.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ENCODE_H
#define IMAGE_ENCODE_H

#include <stddef.h>

#include "base/err.h"
#include "image/codec.h"

#define ENCODE_JOBS_MAX   64
#define ENCODE_ZSTD_LEVEL 3
#define ENCODE_ZSTD_MAX   19 // above, readers may refuse the window

// Where the stream goes. Returns 0, or -1 with e filled.
typedef int encode_sink(void *context, const void *data, size_t length, struct err *e);

struct encode_options {
	enum codec codec; // CODEC_NONE, CODEC_GZIP or CODEC_ZSTD
	int level;        // of zstd, 1 to ENCODE_ZSTD_MAX; gzip has one
	size_t jobs;      // threads, 1 to ENCODE_JOBS_MAX
};

struct encoder;

// The threads take the signals that the caller takes. NULL with e filled.
struct encoder *encode_start(const struct encode_options *options, encode_sink *sink, void *context, struct err *e);
int encode_add(struct encoder *c, const void *data, size_t length, struct err *e);
int encode_finish(struct encoder *c, struct err *e); // the rest of the stream and its trailer
void encode_free(struct encoder *c);                 // NULL is fine

#endif
