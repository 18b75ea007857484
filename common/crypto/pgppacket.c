// pgppacket.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pgppacket.h"

static size_t big_endian(const unsigned char *b, size_t width)
{
	size_t n = 0;
	for (size_t i = 0; i < width; i++)
		n = n << 8 | b[i];
	return n;
}

// The octets the length takes behind the tag octet, or 0 for a form that is not taken.
static size_t length_width(const unsigned char *b)
{
	if (!(b[0] & 0x40))
		return (b[0] & 3) == 3 ? 0 : (size_t)1 << (b[0] & 3);
	return b[1] < 192 ? 1 : b[1] < 224 ? 2 : b[1] == 255 ? 5 : 0;
}

int pgppacket_next(const struct buf *bytes, size_t *at, struct pgppacket *p, struct err *e)
{
	size_t left = bytes->length - *at;
	if (!left)
		return 0;
	const unsigned char *b = (const unsigned char *)bytes->data + *at;
	if (!(b[0] & 0x80))
		return err_set(e, STATUS_MALFORMED, "openpgp: no packet starts at byte %zu", *at);
	if (left < 2)
		return err_set(e, STATUS_MALFORMED, "openpgp: a packet is truncated");
	size_t width = length_width(b);
	if (!width)
		return err_set(e, STATUS_MALFORMED, "openpgp: a packet of unknown length at byte %zu", *at);
	if (left < 1 + width)
		return err_set(e, STATUS_MALFORMED, "openpgp: a packet is truncated");
	int is_new = b[0] & 0x40;
	p->tag = is_new ? b[0] & 0x3f : b[0] >> 2 & 0x0f;
	if (!is_new)
		p->length = big_endian(b + 1, width);
	else if (width == 2)
		p->length = ((size_t)(b[1] - 192) << 8) + b[2] + 192;
	else
		p->length = width == 1 ? b[1] : big_endian(b + 2, 4);
	if (p->length > left - 1 - width)
		return err_set(e, STATUS_MALFORMED, "openpgp: a packet is truncated");
	p->body = b + 1 + width;
	p->start = *at;
	p->total = 1 + width + p->length;
	*at += p->total;
	return 1;
}
