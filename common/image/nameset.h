// A set of path names, to notice the second of a pair in archives of millions of entries: only a keyed 64-bit
// fingerprint of each is kept. A repeated name is always noticed; two different names are taken for one with
// a chance of about n^2 / 2^65, and nobody can aim for it, since the key is random.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_NAMESET_H
#define IMAGE_NAMESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nameset {         // zero at the start
	uint64_t *slots; // 0 for a free one
	size_t room;     // a power of two, at most 3/4 full
	size_t count;
	unsigned char key[16];
};

bool nameset_add(struct nameset *set, const char *name, size_t length); // false when it was there
bool nameset_has(const struct nameset *set, const char *name, size_t length);
void nameset_free(struct nameset *set);

#endif
