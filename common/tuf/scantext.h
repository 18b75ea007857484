// The strings of scanned JSON, as they stand in the text. Not for others than tuf/scan.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_SCANTEXT_H
#define TUF_SCANTEXT_H

#include "tuf/scan.h"

struct scantext_key {
	struct scan_part part;
	bool escaped; // a backslash is in it
};

static inline bool scantext_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The escape behind a backslash: its length and its character; 0 when it is none, a NUL or half a surrogate pair.
size_t scantext_escape(const char *at, const char *end, unsigned *code);

// The next character of a checked string. `at` is behind its first quote, `end` behind its last; false at the last one.
bool scantext_next(const char **at, const char *end, unsigned *code);

int scantext_compare(const void *left, const void *right); // two keys by code point, for qsort

#endif
