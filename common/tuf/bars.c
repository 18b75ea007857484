// bars.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"
#include "tuf/bars.h"

void bars_whole(const void *data, size_t length)
{
	struct progress p;
	char digest[DIGEST_TEXT_MAX];
	if (!progress_shows_blobs())
		return;
	hash_bytes(DIGEST_SHA256, data, length, digest);
	progress_start_blob(&p, NULL, digest, (int64_t)length);
	progress_add(&p, (int64_t)length);
	progress_end(&p);
}

void bars_tell(void *blob, int64_t bytes)
{
	struct bars_blob *b = blob;
	if (!b->started)
		progress_start_blob(&b->progress, NULL, b->digest, b->size);
	b->started = true;
	progress_add(&b->progress, bytes);
}

void bars_end(struct bars_blob *b, bool failed)
{
	if (b->started && failed)
		progress_abort(&b->progress);
	else if (b->started)
		progress_end(&b->progress);
}
