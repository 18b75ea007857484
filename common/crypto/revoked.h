// What is believed no longer, though its signature is good: tokens by key id and jti, and whole keys. Never by a token's bytes or its
// signature: who has a token can make another signature for it (brkt:J13).
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_REVOKED_H
#define CRYPTO_REVOKED_H

#include "base/texts.h"
#include "crypto/jwks.h"

struct revoked {
	struct texts lines; // `kid KID` and `jti KID JTI`, sorted
};

// Adds the lines of a file:
//
//     kid KID          everything this key signed; KID as a token may spell it: hex, base64url, or what the key's JWK says
//     jti KID JTI      one token of it; JTI is the rest of the line
//     key KEYID        a disk's key, 32 hex digits: nothing to a token
//     # text           nothing, as an empty line
//
// Any other line, or a last one without its newline, is STATUS_MALFORMED: half a list would revoke half.
int revoked_read(struct revoked *r, const char *path, struct err *e);
int revoked_parse(struct revoked *r, const struct buf *text, struct err *e); // the lines of such a file

bool revoked_has(const struct revoked *r, const struct jwks_entry *signer, const char *jti);

void revoked_free(struct revoked *r); // also the cleanup of revoked_auto
#define revoked_auto __attribute__((cleanup(revoked_free))) struct revoked

#endif
