// gzip in pieces (RFC 1952): blocks of one size, each compressed by itself, on as many threads as asked for, and joined to one member.
// Which thread compressed a block leaves no trace: the same bytes give the same stream.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_GZIPWRITE_H
#define IMAGE_GZIPWRITE_H

#include "image/encode.h"

struct gzipwrite;

// Starts the threads; they take the signals that the caller takes. Memory: 768 KiB for each of 2 * jobs + 1 blocks. The stream goes to
// `sink`, in order, from gzipwrite_add and gzipwrite_finish. NULL with e filled.
struct gzipwrite *gzipwrite_start(size_t jobs, encode_sink *sink, void *context, struct err *e);
int gzipwrite_add(struct gzipwrite *g, const void *data, size_t length, struct err *e);
int gzipwrite_finish(struct gzipwrite *g, struct err *e); // the rest and the trailer
void gzipwrite_free(struct gzipwrite *g);                 // ends the threads; NULL is fine

#endif
