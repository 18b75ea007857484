// UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

// Decodes the character at text. Returns its length in bytes, or 0 when the bytes there are not UTF-8.
size_t utf8_decode(const char *text, size_t length, unsigned *code);
bool utf8_valid(const char *text, size_t length);

#endif
