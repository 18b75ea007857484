// Archives, lent in pieces as small as the first byte says. Every checksum is made right first, or nothing would get past it.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/tar.h"
#include "image/tarhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct source {
	const char *at;
	size_t left, piece;
};

static ssize_t lend(void *context, const char **out, struct err *e)
{
	struct source *s = context;
	size_t n = s->left < s->piece ? s->left : s->piece;
	(void)e;
	*out = s->at;
	s->at += n;
	s->left -= n;
	return (ssize_t)n;
}

static void mend(char *archive, size_t length)
{
	for (size_t at = 0; at + TAR_BLOCK <= length; at += TAR_BLOCK) {
		struct tarhead_block *h = (struct tarhead_block *)(archive + at);
		if (memcmp(h->magic, "ustar", 5) != 0)
			continue;
		unsigned sum = 0;
		memset(h->checksum, ' ', sizeof h->checksum);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += ((unsigned char *)h)[i];
		snprintf(h->checksum, sizeof h->checksum, "%06o", sum);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct tar_limits limits = { .entries = 1000, .name = 4096, .depth = 100, .pax = 65536 };
	if (length < 2)
		return 0;
	char *archive = mem_alloc(length);
	memcpy(archive, data + 1, length - 1);
	mend(archive, length - 1);
	struct source source = { archive, length - 1, (size_t)data[0] * 8 + 1 };
	struct tar_reader *r = tar_open_pieces(lend, &source, &limits);
	struct tar_entry entry;
	struct err e = { 0 };
	while (tar_next(r, &entry, &e) > 0) {
		const char *piece;
		int64_t total = 0, n;
		while ((n = tar_borrow(r, &piece, &e)) > 0)
			total += n;
		if (n == 0 && total != entry.size)
			abort(); // an entry gives exactly what it announces, or an error
		if (!entry.path[0] || strlen(entry.path) > (size_t)limits.name)
			abort();
	}
	tar_close(r);
	free(archive);
	return 0;
}
