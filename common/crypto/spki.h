// Public keys in PEM (SubjectPublicKeyInfo: RFC 5280 section 4.1.2.7, RFC 7468 section 13) as the signers of registries have them, and
// raw signatures by them. Such a key is known as `spki-` and the SHA-256 of its DER form in hex.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_SPKI_H
#define CRYPTO_SPKI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "crypto/key.h"

#define SPKI_ID_MAX (sizeof "spki-" + 64)

bool spki_is_id(const char *text);                    // `spki-` and 64 lower-case hex digits
bool spki_recognise(const void *data, size_t length); // whether it starts, behind blanks, as a PEM public key does
void spki_id(const struct key *k, char id[static SPKI_ID_MAX]);

// As key_parse_public, of one key: a second block in PEM is STATUS_MALFORMED, since nobody would look at it. The text ends with a NUL.
int spki_parse(const char *text, size_t length, struct key *k, struct err *e);

// The key record (tackle-records(5)) of one key in PEM: fingerprint is its id. A new reference, or NULL with the errors of
// spki_parse.
json_t *spki_record(const char *text, size_t length, struct err *e);

// Whether a signature as `openssl dgst -sha256 -sign` and cosign make them is by this key: ECDSA in DER and RSA with PKCS #1 v1.5
// padding, both over SHA-256; Ed25519 over the data itself.
bool spki_good(const struct key *k, const void *data, size_t length, const void *signature, size_t size);

#endif
