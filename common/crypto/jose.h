// JSON Web Signatures in compact form (RFC 7515) with the algorithms of RFC 7518 and RFC 8037 that need a private key, and nothing
// that RFC 8725 advises against: the caller names algorithm and keys, never the token.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_JOSE_H
#define CRYPTO_JOSE_H

#include <jansson.h>
#include <stdbool.h>

#include "crypto/key.h"

enum jose_algorithm { JOSE_ES384, JOSE_ES256, JOSE_EDDSA, JOSE_RS256, JOSE_PS256 };

enum { JOSE_TOKEN_MAX = 8192, JOSE_DEPTH_MAX = 16 };

// Why a token is not accepted; the text is jose_reason_text.
enum jose_reason {
	JOSE_GOOD,
	JOSE_MALFORMED,
	JOSE_TOO_LONG,
	JOSE_ALG,
	JOSE_TYP,
	JOSE_CRIT,
	JOSE_UNKNOWN_KID,
	JOSE_SIGNATURE,
	JOSE_EXPIRED,
	JOSE_NOT_YET_VALID,
	JOSE_ISSUER,
	JOSE_AUDIENCE,
	JOSE_MISSING_CLAIM,
	JOSE_REVOKED,
};
const char *jose_reason_text(enum jose_reason reason);

const char *jose_algorithm_name(enum jose_algorithm algorithm);
bool jose_algorithm_find(const char *name, enum jose_algorithm *algorithm);
bool jose_algorithm_fits(enum jose_algorithm algorithm, enum key_type type);
enum jose_algorithm jose_algorithm_of(enum key_type type); // the one a key of this type signs with unless told

// Signs one payload: header `{"alg":..,"typ":"JWT","kid":..}` in this order without blanks. Appends the token to out.
int jose_sign(const struct key *k, enum jose_algorithm algorithm, const char *kid, const char *payload, struct buf *out,
	struct err *e);

struct jose_token { // free with jose_free
	json_t *header, *payload;
	const char *signed_text; // borrowed from the token given: what the signature is over
	size_t signed_length;
	struct buf signature;
};

// Takes a token apart, strictly: three parts, strict base64url, UTF-8 JSON objects without duplicates. Verifies nothing.
enum jose_reason jose_parse(const char *token, size_t length, struct jose_token *t);
void jose_free(struct jose_token *t);

// Whether the signature is by this key with this algorithm. ECDSA signatures have their exact length, 1 <= r, s < n.
bool jose_signature_good(const struct jose_token *t, const struct key *k, enum jose_algorithm algorithm);

#endif
