// An archive on its way from a source to its reader, on threads: one reads and hashes, one decompresses, one hashes what comes out,
// and the caller takes it piece by piece (tar_pieces). What is hashed is what is read, and bounded rings lie between.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_FEED_H
#define IMAGE_FEED_H

#include "crypto/hash.h"
#include "image/codec.h"

struct feed;

struct feed_digests {
	char source[DIGEST_TEXT_MAX];  // sha256 of the bytes as they came
	char archive[DIGEST_TEXT_MAX]; // of the bytes decompressed
};

// Starts reading the descriptor, which stays the caller's, from where it is. Returns NULL with e filled.
struct feed *feed_start(int fd, const struct codec_limits *limits, enum digest_algorithm archive, struct err *e);

// The next piece; context is the feed. Returns 0 at the end of the source, -1 with the error of the source or the decompressor.
ssize_t feed_pieces(void *context, const char **data, struct err *e);

// The digests of everything; only after feed_pieces returned 0.
void feed_digests(struct feed *f, struct feed_digests *digests);

void feed_free(struct feed *f); // at any time: input that does not come is not waited for. NULL is fine

#endif
