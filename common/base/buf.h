// A growable run of bytes. Always NUL-terminated behind its length, so text in it can be used as a C string.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;    // NULL while nothing was added
	size_t length; // without the terminating NUL
	size_t room;
};

void buf_reserve(struct buf *b, size_t more); // makes room for `more` bytes and a NUL behind length
void buf_add(struct buf *b, const void *data, size_t length);
void buf_add_text(struct buf *b, const char *text);
void buf_add_byte(struct buf *b, char byte);
void buf_add_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_add_size(struct buf *b, int64_t bytes); // `3.25 MB`: powers of 1000, three digits
const char *buf_text(const struct buf *b);       // "" when empty; owned by b
char *buf_steal(struct buf *b);                  // the bytes, malloced; b is empty again
void buf_free(struct buf *b);                    // b is empty again; also the cleanup of buf_auto

#define buf_auto __attribute__((cleanup(buf_free))) struct buf

#endif
