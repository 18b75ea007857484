// Decompression, recognised by content: none, gzip, bzip2, xz, zstd. Strict: joined members are one stream, anything else behind
// the last trailer is an error, so that what is hashed and what is unpacked cannot differ (rkt:U-09). Bounded (rkt:U-11).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum codec { CODEC_NONE, CODEC_GZIP, CODEC_BZIP2, CODEC_XZ, CODEC_ZSTD };

#define CODEC_MAGIC_BYTES 6

enum codec codec_recognise(const void *start, size_t length); // needs CODEC_MAGIC_BYTES, fewer only if the stream is shorter
const char *codec_name(enum codec codec);                     // "gzip", as in messages and media types

struct codec_limits {
	int64_t output; // bytes that may come out
	int64_t ratio;  // bytes out per byte in, once 16 MiB came out
	int64_t memory; // what a window or dictionary may ask for
};
#define CODEC_DEFAULT_LIMITS                                                           \
	{                                                                              \
		.output = (int64_t)1 << 40, .ratio = 1000, .memory = (int64_t)64 << 20 \
	}
extern const struct codec_limits codec_default_limits; // 1 TiB, 1000, 64 MiB: refuses zstd --long=27 and xz -9

struct codec_reader;

// Where the compressed bytes come from. Returns bytes read, 0 at the end, -1 with e filled.
typedef ssize_t codec_source(void *context, void *data, size_t length, struct err *e);

// Recognises the codec from the first bytes. Returns a reader, or NULL. The context must outlive it.
struct codec_reader *codec_open(codec_source *source, void *context, const struct codec_limits *limits, struct err *e);
enum codec codec_of(const struct codec_reader *r);

// Up to length decompressed bytes; 0 at the end, which is reached only when every trailer was checked and nothing follows.
// STATUS_MALFORMED for damage, truncation and trailing bytes, STATUS_LIMIT for a limit.
ssize_t codec_read(struct codec_reader *r, void *data, size_t length, struct err *e);
void codec_close(struct codec_reader *r);

#endif
