// pgpmessage.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>
#include <stdbool.h>
#include <zlib.h>

#include "crypto/pgpmessage.h"
#include "crypto/pgppacket.h"

enum { // RFC 9580, section 9.4
	ALGORITHM_NONE = 0,
	ALGORITHM_ZIP = 1,
	ALGORITHM_ZLIB = 2,
	ALGORITHM_BZIP2 = 3,
	WINDOW_BITS = 15, // zlib's largest; negative without its header and trailer
};

void pgpmessage_free(struct pgpmessage *m)
{
	buf_free(&m->text);
	buf_free(&m->signature);
}

// ---- what is compressed ----

struct deflated {
	unsigned char *data; // compressed
	size_t length;
	struct buf *out; // with room for PGPMESSAGE_MAX
};

static int judge_stream(bool ended, size_t in_left, size_t out_left, struct err *e)
{
	if (ended && !in_left)
		return 0;
	if (!ended && !out_left)
		return err_set(e, STATUS_LIMIT, "openpgp: what is compressed is larger than the limit of %zu bytes",
			PGPMESSAGE_MAX);
	return err_set(e, STATUS_MALFORMED, "openpgp: the compressed data is damaged, truncated, or has something behind it");
}

static int open_deflated(const struct deflated *d, int window_bits, struct err *e)
{
	z_stream z = { .next_in = d->data,
		.avail_in = (uInt)d->length,
		.next_out = (unsigned char *)d->out->data,
		.avail_out = PGPMESSAGE_MAX };
	if (inflateInit2(&z, window_bits) != Z_OK)
		return err_set(e, STATUS_SYSTEM, "openpgp: cannot start zlib");
	bool ended = inflate(&z, Z_FINISH) == Z_STREAM_END;
	d->out->length = PGPMESSAGE_MAX - z.avail_out;
	inflateEnd(&z);
	return judge_stream(ended, z.avail_in, z.avail_out, e);
}

static int open_bzip2(const struct deflated *d, struct err *e)
{
	bz_stream z = { .next_in = (char *)d->data,
		.avail_in = (unsigned)d->length,
		.next_out = d->out->data,
		.avail_out = PGPMESSAGE_MAX };
	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return err_set(e, STATUS_SYSTEM, "openpgp: cannot start bzip2");
	bool ended = BZ2_bzDecompress(&z) == BZ_STREAM_END;
	d->out->length = PGPMESSAGE_MAX - z.avail_out;
	BZ2_bzDecompressEnd(&z);
	return judge_stream(ended, z.avail_in, z.avail_out, e);
}

static int open_compressed(const struct pgppacket *p, struct buf *out, struct err *e)
{
	if (!p->length)
		return err_set(e, STATUS_MALFORMED, "openpgp: an empty compressed packet");
	struct deflated d = { (unsigned char *)(uintptr_t)p->body + 1, p->length - 1, out };
	buf_reserve(out, PGPMESSAGE_MAX);
	switch (p->body[0]) {
	case ALGORITHM_NONE:
		buf_add(out, d.data, d.length);
		return 0;
	case ALGORITHM_ZIP:
		return open_deflated(&d, -WINDOW_BITS, e);
	case ALGORITHM_ZLIB:
		return open_deflated(&d, WINDOW_BITS, e);
	case ALGORITHM_BZIP2:
		return open_bzip2(&d, e);
	}
	return err_set(e, STATUS_REFUSED, "openpgp: compressed by an unknown algorithm: %d", p->body[0]);
}

// ---- the packets ----

static int refuse(int tag, int due, struct err *e)
{
	if (tag == due)
		return 0;
	switch (tag) {
	case 1: // session keys
	case 3:
	case 9: // what they open
	case 18:
	case 20:
		return err_set(e, STATUS_REFUSED, "openpgp: an encrypted message");
	case PGPPACKET_COMPRESSED:
		return err_set(e, STATUS_REFUSED, "openpgp: a compressed packet where none is due");
	case PGPPACKET_SIGNATURE:
		return err_set(e, STATUS_REFUSED, "openpgp: a detached signature: expected a message with what it signs");
	case PGPPACKET_LITERAL:
		return err_set(e, STATUS_REFUSED, "openpgp: a message without a signature");
	case PGPPACKET_ONE_PASS:
		return err_set(e, STATUS_REFUSED, "openpgp: a message with more than one signature");
	}
	return err_set(e, STATUS_REFUSED, "openpgp: a packet with tag %d, where one with tag %d is due", tag, due);
}

static int next(const struct buf *bytes, size_t *at, int due, struct pgppacket *p, struct buf *joined, struct err *e)
{
	int got = joined ? pgppacket_next_data(bytes, at, p, joined, e) : pgppacket_next(bytes, at, p, e);
	if (!got)
		return err_set(e, STATUS_MALFORMED, "openpgp: the message ends where a packet with tag %d is due", due);
	return got < 0 ? -1 : refuse(p->tag, due, e);
}

// RFC 9580, section 5.9: a format, the name of a file and its length, a date, the data.
static int read_literal(const struct pgppacket *p, struct buf *text, struct err *e)
{
	size_t head = p->length > 1 ? 2 + (size_t)p->body[1] + 4 : 2;
	if (p->length < head)
		return err_set(e, STATUS_MALFORMED, "openpgp: a literal packet is truncated");
	if (p->body[0] != 'b')
		return err_set(e, STATUS_REFUSED, "openpgp: a message of text: expected binary data");
	buf_add(text, p->body + head, p->length - head);
	return 0;
}

static int read_signed(const struct buf *bytes, struct pgpmessage *m, struct err *e)
{
	struct pgppacket p;
	size_t at = 0;
	buf_auto joined = { 0 };
	// What the one-pass packet says is said again by the signature, which alone is judged.
	if (next(bytes, &at, PGPPACKET_ONE_PASS, &p, NULL, e) < 0 || next(bytes, &at, PGPPACKET_LITERAL, &p, &joined, e) < 0 ||
		read_literal(&p, &m->text, e) < 0 || next(bytes, &at, PGPPACKET_SIGNATURE, &p, NULL, e) < 0)
		return -1;
	buf_add(&m->signature, bytes->data + p.start, p.total);
	if (at == bytes->length)
		return 0;
	return err_set(e, STATUS_REFUSED, "openpgp: more packets behind the signature: expected one signed message");
}

int pgpmessage_open(const struct buf *bytes, struct pgpmessage *m, struct err *e)
{
	struct pgppacket p;
	size_t at = 0;
	buf_auto joined = { 0 };
	buf_auto opened = { 0 };
	if (bytes->length > PGPMESSAGE_MAX)
		return err_set(e, STATUS_LIMIT, "openpgp: a message larger than the limit of %zu bytes", PGPMESSAGE_MAX);
	int got = pgppacket_next_data(bytes, &at, &p, &joined, e);
	if (got < 0)
		return -1;
	if (!got || p.tag != PGPPACKET_COMPRESSED)
		return read_signed(bytes, m, e);
	if (at != bytes->length)
		return err_set(e, STATUS_REFUSED, "openpgp: more packets behind the compressed one: expected one signed message");
	return open_compressed(&p, &opened, e) < 0 ? -1 : read_signed(&opened, m, e);
}
