// The framing of OpenPGP packets (RFC 9580, section 4.2). For pgp.c and pgpmessage.c; the parsers behind it are pgp.h and pgpmessage.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGPPACKET_H
#define CRYPTO_PGPPACKET_H

#include "base/buf.h"
#include "base/err.h"

enum { // tags: RFC 9580, section 5
	PGPPACKET_SIGNATURE = 2,
	PGPPACKET_ONE_PASS = 4,
	PGPPACKET_SECRET_KEY = 5,
	PGPPACKET_PUBLIC_KEY = 6,
	PGPPACKET_SECRET_SUBKEY = 7,
	PGPPACKET_COMPRESSED = 8,
	PGPPACKET_MARKER = 10,
	PGPPACKET_LITERAL = 11,
	PGPPACKET_TRUST = 12,
	PGPPACKET_USER_ID = 13,
	PGPPACKET_PUBLIC_SUBKEY = 14,
	PGPPACKET_USER_ATTRIBUTE = 17,
	PGPPACKET_PADDING = 21,
};

struct pgppacket {
	int tag;
	const unsigned char *body; // borrowed from the bytes read
	size_t length;             // of the body
	size_t start, total;       // of the whole packet, header and body
};

// The packet at *at, which moves behind it. Returns 1, 0 at the end, -1: STATUS_MALFORMED. A body in parts or
// of indeterminate length is an error: only data packets may have one.
int pgppacket_next(const struct buf *bytes, size_t *at, struct pgppacket *p, struct err *e);

// The same where a data packet is due, whose body may reach to the end of the bytes or come in parts: these are put together in
// `joined`, which is empty before and from which the body is borrowed then.
int pgppacket_next_data(const struct buf *bytes, size_t *at, struct pgppacket *p, struct buf *joined, struct err *e);

#endif
