// A download that broke off, kept in the directory of trusted metadata so that a later run can go on with Range: one file `partial`, a line
// `HASH VALIDATOR`, then the bytes. They are hashed like all others, so nothing rests on them.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PARTIAL_H
#define TUF_PARTIAL_H

#include "net/http.h"
#include "tuf/trusted.h"

// Hands the bytes kept of this object (its hash in hex) to the sink. Returns how many, 0 when there are none; validator is malloced.
int64_t partial_load(const struct trusted *t, const char *hash, http_sink *sink, void *context, char **validator);

// Keeps what is in fd from `start` on, in the place of what was kept before; nothing where there is no validator, or not much to keep.
void partial_save(const struct trusted *t, const char *hash, const char *validator, int fd, off_t start);

void partial_drop(const struct trusted *t, const char *hash); // if it is what is kept

#endif
