// Signing keys: Ed25519, ECDSA on P-256 and P-384, RSA. PEM in every form OpenSSL writes, JWK for the public half.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sandbox.h"

enum key_type { KEY_ED25519, KEY_P256, KEY_P384, KEY_RSA };

enum { KEY_FILE_MAX = 64 * 1024, KEY_RSA_BITS_MADE = 3072, KEY_RSA_BITS_LEAST = 2048 };

struct key {
	void *pkey; // EVP_PKEY *, owned
	enum key_type type;
	bool is_private;
	struct pkcs11 *token; // that has the private half, when pkey is the public one alone; borrowed (pkcs11.h)
};

// `key_auto struct key k = { 0 };` is freed when the scope ends.
void key_free(struct key *k);
#define key_auto __attribute__((cleanup(key_free))) struct key

const char *key_type_name(enum key_type type); // ed25519 p256 p384 rsa
bool key_type_find(const char *name, enum key_type *type);

int key_generate(enum key_type type, struct key *k, struct err *e);

// Asked for a passphrase only when the key turns out to be encrypted, judged by the PEM type and the Proc-Type header.
typedef int key_passphrase(void *context, struct buf *passphrase, struct err *e);

// One private key from PEM text: PKCS#8 (RFC 5958) or traditional, plain or encrypted, other text around it, an EC PARAMETERS
// block, CRLF. was_encrypted may be NULL. STATUS_MALFORMED for damage, none or a second one; STATUS_NOT_AUTHORISED for a wrong
// passphrase; STATUS_REFUSED for a type not listed above or RSA under 2048 bits.
int key_parse_private(const char *text, size_t length, key_passphrase *ask, void *context, struct key *k, bool *was_encrypted,
	struct err *e);

// Before sandbox_enter, with one thread: has ready what key_read_private of this path will need.
int key_allow(const char *path, struct sandbox *s, struct err *e);

// The same from a file ("-" is stdin), or with a pkcs11: URI from a token (pkcs11.h). A file that holds an unencrypted key and is open to group
// or others is refused.
int key_read_private(const char *path, key_passphrase *ask, void *context, struct key *k, struct err *e);

// Signs: Ed25519; ECDSA (DER) over SHA-256, with P-384 over SHA-384; RSA over SHA-256, PSS with 32 bytes of salt, or PKCS #1 v1.5 (RFC 8017).
// Appended to signature.
int key_sign(const struct key *k, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e);

void key_ecdsa_der(const void *raw, size_t length, struct buf *der); // r and s at full width as DER, appended

// A public key: SPKI PEM (RFC 7468) or a JWK (RFC 7517).
int key_parse_public(const char *text, size_t length, struct key *k, struct err *e);
int key_read_public(const char *path, struct key *k, struct err *e);

// A public or a private key, whichever the text holds: for who wants the public half.
int key_parse_any(const char *text, size_t length, key_passphrase *ask, void *context, struct key *k, struct err *e);
int key_from_jwk(const json_t *jwk, struct key *k, struct err *e);

// PEM texts, appended. A passphrase makes PKCS#8 with PBES2 (AES-256-CBC, PBKDF2-HMAC-SHA256, 600,000 rounds; RFC 8018), or with
// `traditional` the Proc-Type form. traditional is for EC keys only (STATUS_USAGE else).
int key_private_pem(const struct key *k, const struct buf *passphrase, bool traditional, struct buf *out, struct err *e);
int key_public_pem(const struct key *k, struct buf *out, struct err *e);

// The public half as the required members of its JWK alone, as RFC 7638 wants them for the thumbprint; coordinates have their full
// width. A new reference.
json_t *key_jwk(const struct key *k);

// The RFC 7638 thumbprint, SHA-256: 64 lower-case hex digits into hex.
void key_thumbprint(const struct key *k, char hex[65]);

bool key_same_public(const struct key *a, const struct key *b);

#endif
