// Fuzzes the reading of an image's passwd and group.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pod/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity_entry entry;
	for (int wants_group = 0; wants_group < 2; wants_group++) {
		const char *at = (const char *)data, *end = at + size;
		while (identity_next(&at, end, wants_group, &entry)) {
			bool inside =
				entry.name_length && entry.name >= (const char *)data && entry.name + entry.name_length <= end;
			if (!inside || (entry.home && entry.home + entry.home_length > end) ||
				(entry.shell && entry.shell + entry.shell_length > end))
				abort();
		}
	}
	return 0;
}
