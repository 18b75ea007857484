// What the targets that read archives share: the bytes lent in pieces, and checksums made right, or nothing would get past them.
// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_ARCHIVE_H
#define FUZZ_ARCHIVE_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/err.h"
#include "image/tar.h"
#include "image/tarhead.h"

struct archive {
	const char *at;
	size_t left, piece;
};

static ssize_t archive_lend(void *context, const char **out, struct err *e)
{
	struct archive *a = context;
	size_t n = a->left < a->piece ? a->left : a->piece;
	(void)e;
	*out = a->at;
	a->at += n;
	a->left -= n;
	return (ssize_t)n;
}

static void archive_mend(char *bytes, size_t length)
{
	for (size_t at = 0; at + TAR_BLOCK <= length; at += TAR_BLOCK) {
		struct tarhead_block *h = (struct tarhead_block *)(bytes + at);
		if (memcmp(h->magic, "ustar", 5) != 0)
			continue;
		unsigned sum = 0;
		memset(h->checksum, ' ', sizeof h->checksum);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += ((unsigned char *)h)[i];
		snprintf(h->checksum, sizeof h->checksum, "%06o", sum);
	}
}

#endif
