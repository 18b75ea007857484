// A set of trusted public keys: what a verifier of tokens was given, as PEM, JWK or JWK set (RFC 7517 section 5).
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_JWKS_H
#define CRYPTO_JWKS_H

#include "crypto/key.h"

struct jwks_entry {
	struct key key;
	char *kid;           // as the JWK had it, or NULL
	char *algorithm;     // the same: the only one the key is for (RFC 7517 section 4.4)
	char thumbprint[65]; // RFC 7638, hex
};

struct jwks {
	struct jwks_entry *entries;
	size_t count;
};

// Adds the keys of a file ("-" is stdin). A key that is there already is not added again; one that is not for signatures refuses the whole.
int jwks_read(struct jwks *set, const char *path, struct err *e);
int jwks_parse(struct jwks *set, const char *text, size_t length, struct err *e);

// Whether a token's kid means this key: the kid of its JWK, else its thumbprint in hex or base64url.
bool jwks_matches(const struct jwks_entry *entry, const char *kid);
void jwks_free(struct jwks *set); // also the cleanup of jwks_auto
#define jwks_auto __attribute__((cleanup(jwks_free))) struct jwks

// The thumbprint in base64url, as RFC 7638 section 3.1 shows it: 43 characters and a NUL.
void jwks_thumbprint_base64url(const char hex[65], char out[44]);

#endif
