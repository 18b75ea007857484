// bars.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/progress.h"
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
