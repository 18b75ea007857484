// The framing of OpenPGP packets (RFC 9580, section 4.2). For pgp.c; the parser behind it is pgp.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGPPACKET_H
#define CRYPTO_PGPPACKET_H

#include "base/buf.h"
#include "base/err.h"

struct pgppacket {
	int tag;
	const unsigned char *body; // borrowed from the bytes read
	size_t length;             // of the body
	size_t start, total;       // of the whole packet, header and body
};

// The packet at *at, which moves behind it. Returns 1, 0 at the end, -1: STATUS_MALFORMED. A body in parts or
// of indeterminate length is an error: only data packets may have one, and none is due here.
int pgppacket_next(const struct buf *bytes, size_t *at, struct pgppacket *p, struct err *e);

#endif
