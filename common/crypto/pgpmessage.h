// An OpenPGP message that is signed inline (RFC 9580, section 10.3), opened without trusting it: what it says, and the signature packet,
// for a verifier to judge as a detached signature. Strict: one one-pass packet, one literal of binary data, one signature, perhaps in one
// compressed packet, and nothing else. So there is no second text that somebody else could take for the signed one.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGPMESSAGE_H
#define CRYPTO_PGPMESSAGE_H

#include "base/buf.h"
#include "base/err.h"

#define PGPMESSAGE_MAX ((size_t)64 << 10) // bytes of a message, and of what is in its compressed packet

struct pgpmessage { // zero at the start
	struct buf text;
	struct buf signature; // its packet, in the binary form that pgp_read_signatures takes
};

// Takes a message in binary form apart. STATUS_REFUSED for another kind of message (encrypted, detached, unsigned, signed twice),
// STATUS_MALFORMED, STATUS_LIMIT.
int pgpmessage_open(const struct buf *bytes, struct pgpmessage *m, struct err *e);
void pgpmessage_free(struct pgpmessage *m);
#define pgpmessage_auto __attribute__((cleanup(pgpmessage_free))) struct pgpmessage

#endif
