// buf.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

void buf_reserve(struct buf *b, size_t more)
{
	size_t need = b->length + more + 1;
	if (need <= b->room)
		return;
	size_t room = b->room ? b->room : 128;
	while (room < need)
		room *= 2;
	b->data = mem_resize(b->data, room, 1);
	b->room = room;
}

void buf_add(struct buf *b, const void *data, size_t length)
{
	buf_reserve(b, length);
	if (length)
		memcpy(b->data + b->length, data, length);
	b->length += length;
	b->data[b->length] = '\0';
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_byte(struct buf *b, char byte)
{
	buf_add(b, &byte, 1);
}

void buf_add_format(struct buf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n > 0) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
		b->length += (size_t)n;
	}
	va_end(again);
}

void buf_add_size(struct buf *b, int64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double n = (double)bytes;
	size_t unit = 0;
	for (; n >= 999.5 && unit + 1 < ARRAY_LENGTH(units); unit++)
		n /= 1000;
	buf_add_format(b, "%.3g %s", n, units[unit]);
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	buf_reserve(b, 0);
	char *data = b->data;
	data[b->length] = '\0';
	*b = (struct buf){ 0 };
	return data;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
