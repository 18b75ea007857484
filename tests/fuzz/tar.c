// Archives, lent in pieces as small as the first byte says.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct tar_limits limits = { .entries = 1000, .name = 4096, .depth = 100, .pax = 65536 };
	if (length < 2)
		return 0;
	char *archive = mem_alloc(length);
	memcpy(archive, data + 1, length - 1);
	archive_mend(archive, length - 1);
	struct archive source = { archive, length - 1, (size_t)data[0] * 8 + 1 };
	struct tar_reader *r = tar_open_pieces(archive_lend, &source, &limits);
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
