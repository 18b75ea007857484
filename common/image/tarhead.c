// tarhead.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "image/tarhead.h"

bool tarhead_is_zero(const void *data, size_t length)
{
	const char *b = data;
	return !length || (!b[0] && !memcmp(b, b + 1, length - 1));
}

bool tarhead_is_ustar(const struct tarhead_block *h)
{
	return !memcmp(h->magic, "ustar", 6);
}

static bool is_gnu(const struct tarhead_block *h)
{
	return !memcmp(h->magic, "ustar  ", 8);
}

int tarhead_check(const struct tarhead_block *h, struct err *e)
{
	const unsigned char *b = (const unsigned char *)h;
	unsigned sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += b[i];
	for (size_t i = 0; i < sizeof h->checksum; i++)
		sum += (unsigned)' ' - (unsigned char)h->checksum[i]; // the field counts as blanks
	int64_t told;
	if (TARHEAD_NUMBER(h, checksum, &told, e) < 0 || told != sum)
		return err_set(e, STATUS_MALFORMED, "not a tar header: bad checksum");
	if (!tarhead_is_ustar(h) && !is_gnu(h) && !memcmp(h->magic, "ustar", 5))
		return err_set(e, STATUS_MALFORMED, "tar header of an unknown format");
	if (tarhead_is_ustar(h) && !memcmp(h->rest + sizeof h->rest - 4, "tar", 4))
		return err_set(e, STATUS_MALFORMED, "tar header of star, whose prefix other readers take for a longer one");
	return 0;
}

static int not_a_number(const char *what, struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "tar header: its field '%s' is not a number in range", what);
}

// The first byte's top bit marks base-256, its next bit is the sign; two's complement, big-endian.
static int base_256(const unsigned char *field, size_t length, bool negative, const char *what, int64_t *out, struct err *e)
{
	bool minus = field[0] & 0x40;
	uint64_t value = minus ? UINT64_MAX : 0;
	for (size_t i = 0; i < length; i++) {
		unsigned byte = i ? field[i] : (field[0] & 0x7f) | (minus ? 0x80 : 0);
		if (value >> 55 != (minus ? (uint64_t)0x1ff : 0))
			return not_a_number(what, e); // a digit would fall out on the left
		value = value << 8 | byte;
	}
	*out = (int64_t)value;
	return minus && !negative ? not_a_number(what, e) : 0;
}

int tarhead_number(const char *field, size_t length, bool negative, const char *what, int64_t *out, struct err *e)
{
	if (field[0] & 0x80)
		return base_256((const unsigned char *)field, length, negative, what, out, e);
	size_t i = 0;
	int64_t value = 0;
	while (i < length && field[i] == ' ')
		i++;
	for (; i < length && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (field[i] - '0'); // twelve digits at most
	for (; i < length; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return not_a_number(what, e);
	*out = value;
	return 0;
}
