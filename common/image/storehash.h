// Hashing many blobs of the store at once, in threads.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STOREHASH_H
#define IMAGE_STOREHASH_H

#include <stdint.h>

#include "base/texts.h"
#include "image/store.h"

enum { STOREHASH_JOBS_MAX = 256 };

// A blob that does not have its digest: `found` is the one its bytes have, or NULL and e says why it cannot be read. One call at a time.
typedef void storehash_report(void *context, const char *digest, const char *found, const struct err *e);

struct storehash {
	struct store *store;
	const struct texts *blobs; // 64 hex digits of each one's sha256 digest
	int64_t jobs;              // threads, 1 to STOREHASH_JOBS_MAX
	const char *label;         // of the progress
	storehash_report *report;
	void *context;
};

// Hashes them all. One that is not there is passed over: it may have gone meanwhile.
void storehash(const struct storehash *what);

#endif
