// scantext.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tuf/scantext.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Four hex digits.
static bool hex4(const char *at, const char *end, unsigned *code)
{
	*code = 0;
	if (end - at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);
		if (digit < 0)
			return false;
		*code = *code << 4 | (unsigned)digit;
	}
	return true;
}

// The escape behind a backslash. Returns its length and its character, or 0.
size_t scantext_escape(const char *at, const char *end, unsigned *code)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	unsigned low;
	if (at == end)
		return 0;
	const char *letter = *at ? strchr(letters, *at) : NULL;
	if (letter) {
		*code = (unsigned char)meanings[letter - letters];
		return 1;
	}
	if (*at != 'u' || !hex4(at + 1, end, code) || !*code || (*code >= 0xdc00 && *code <= 0xdfff))
		return 0;
	if (*code < 0xd800 || *code > 0xdbff)
		return 5;
	if (end - at < 11 || at[5] != '\\' || at[6] != 'u' || !hex4(at + 7, end, &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
	return 11;
}

// The next character of a checked string. `at` is behind its first quote; false at the last one.
bool scantext_next(const char **at, const char *end, unsigned *code)
{
	if (*at >= end - 1)
		return false;
	if (**at == '\\')
		*at += 1 + scantext_escape(*at + 1, end, code);
	else
		*at += utf8_decode(*at, (size_t)(end - *at), code);
	return true;
}

int scantext_compare(const void *left, const void *right)
{
	const struct scantext_key *a = left, *b = right;
	if (!a->escaped && !b->escaped) { // UTF-8 sorts as code points do
		size_t n = a->part.length < b->part.length ? a->part.length : b->part.length;
		int order = memcmp(a->part.at + 1, b->part.at + 1, n - 2);
		return order ? order : (a->part.length > b->part.length) - (a->part.length < b->part.length);
	}
	const char *x = a->part.at + 1, *y = b->part.at + 1;
	for (;;) {
		unsigned i, j;
		bool more = scantext_next(&x, a->part.at + a->part.length, &i);
		if (!scantext_next(&y, b->part.at + b->part.length, &j))
			return more;
		if (!more || i != j)
			return !more || i < j ? -1 : 1;
	}
}

bool scan_text_is(struct scan_part part, const char *text, size_t length)
{
	if (scan_kind(part) != '"')
		return false;
	if (part.length == length + 2 && !memcmp(part.at + 1, text, length))
		return !memchr(text, '\\', length);
	if (part.length <= length + 2 || !memchr(part.at, '\\', part.length)) // an escape is longer than what it stands for
		return false;
	mem_auto char *decoded = scan_text(part);
	return decoded && strlen(decoded) == length && !memcmp(decoded, text, length);
}

static void add_character(struct buf *out, unsigned code)
{
	static const unsigned lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	buf_add_byte(out, (char)(lead[more] | code >> 6 * more));
	for (; more > 0; more--)
		buf_add_byte(out, (char)(0x80 | (code >> 6 * (more - 1) & 0x3f)));
}

char *scan_text(struct scan_part part)
{
	struct buf out = { 0 };
	unsigned code = 0;
	if (scan_kind(part) != '"')
		return NULL;
	buf_reserve(&out, part.length);
	for (const char *at = part.at + 1; scantext_next(&at, part.at + part.length, &code);)
		add_character(&out, code);
	return out.length ? buf_steal(&out) : (buf_free(&out), mem_text(""));
}
