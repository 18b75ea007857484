// pgppacket.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>

#include "crypto/pgppacket.h"

struct header {
	int tag;
	size_t octets, length; // of the header; of the body
	bool more;             // the length is that of a part, and a length follows it
	bool open;             // the body reaches to the end of the bytes
};

static size_t big_endian(const unsigned char *b, size_t width)
{
	size_t n = 0;
	for (size_t i = 0; i < width; i++)
		n = n << 8 | b[i];
	return n;
}

// Reads a length of the new format, at b with `left` octets. Returns the octets it takes, or 0 when they are not all there.
static size_t read_length(const unsigned char *b, size_t left, size_t *length, bool *more)
{
	if (!left)
		return 0;
	*more = b[0] >= 224 && b[0] < 255;
	size_t width = b[0] < 192 || *more ? 1 : b[0] < 224 ? 2 : 5;
	if (width > left)
		return 0;
	if (*more)
		*length = (size_t)1 << (b[0] & 0x1f);
	else if (width == 2)
		*length = ((size_t)(b[0] - 192) << 8) + b[1] + 192;
	else
		*length = width == 1 ? b[0] : big_endian(b + 1, 4);
	return width;
}

static int truncated(struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "openpgp: a packet is truncated");
}

static int read_header(const struct buf *bytes, size_t at, struct header *h, struct err *e)
{
	const unsigned char *b = (const unsigned char *)bytes->data + at;
	size_t left = bytes->length - at, width;
	if (!(b[0] & 0x80))
		return err_set(e, STATUS_MALFORMED, "openpgp: no packet starts at byte %zu", at);
	*h = (struct header){ .tag = b[0] & 0x40 ? b[0] & 0x3f : b[0] >> 2 & 0x0f };
	if (b[0] & 0x40) {
		if (!(width = read_length(b + 1, left - 1, &h->length, &h->more)))
			return truncated(e);
	} else {
		h->open = (b[0] & 3) == 3;
		width = h->open ? 0 : (size_t)1 << (b[0] & 3);
		if (left < 1 + width)
			return truncated(e);
		h->length = h->open ? left - 1 : big_endian(b + 1, width);
	}
	h->octets = 1 + width;
	return h->length > left - h->octets ? truncated(e) : 0;
}

static int take(const struct buf *bytes, const struct header *h, size_t *at, struct pgppacket *p)
{
	*p = (struct pgppacket){ .tag = h->tag,
		.body = (const unsigned char *)bytes->data + *at + h->octets,
		.length = h->length,
		.start = *at,
		.total = h->octets + h->length };
	*at += p->total;
	return 1;
}

int pgppacket_next(const struct buf *bytes, size_t *at, struct pgppacket *p, struct err *e)
{
	struct header h;
	if (*at == bytes->length)
		return 0;
	if (read_header(bytes, *at, &h, e) < 0)
		return -1;
	if (h.more || h.open)
		return err_set(e, STATUS_MALFORMED, "openpgp: a packet of unknown length at byte %zu", *at);
	return take(bytes, &h, at, p);
}

// Behind the first part come others, each with its length, up to one that is the last.
static int join(const struct buf *bytes, const struct header *h, size_t *at, struct pgppacket *p, struct buf *joined,
	struct err *e)
{
	size_t start = *at, length = h->length;
	bool more = true;
	buf_add(joined, bytes->data + start + h->octets, length);
	for (*at += h->octets + length; more; *at += length) {
		size_t width = read_length((const unsigned char *)bytes->data + *at, bytes->length - *at, &length, &more);
		if (!width || length > bytes->length - *at - width)
			return truncated(e);
		*at += width;
		buf_add(joined, bytes->data + *at, length);
	}
	*p = (struct pgppacket){ .tag = h->tag,
		.body = (const unsigned char *)joined->data,
		.length = joined->length,
		.start = start,
		.total = *at - start };
	return 1;
}

int pgppacket_next_data(const struct buf *bytes, size_t *at, struct pgppacket *p, struct buf *joined, struct err *e)
{
	struct header h;
	if (*at == bytes->length)
		return 0;
	if (read_header(bytes, *at, &h, e) < 0)
		return -1;
	return h.more ? join(bytes, &h, at, p, joined, e) : take(bytes, &h, at, p);
}
