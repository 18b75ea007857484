// utf8.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

size_t utf8_decode(const char *text, size_t length, unsigned *code)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)text;
	if (!length)
		return 0;
	size_t n = b[0] < 0x80 ? 1 : (b[0] & 0xe0) == 0xc0 ? 2 : (b[0] & 0xf0) == 0xe0 ? 3 : (b[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (!n || n > length)
		return 0;
	unsigned c = n == 1 ? b[0] : b[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

bool utf8_valid(const char *text, size_t length)
{
	unsigned code;
	for (size_t i = 0, n; i < length; i += n)
		if (!(n = utf8_decode(text + i, length - i, &code)))
			return false;
	return true;
}
