// Private keys on a token, named by a pkcs11: URI (RFC 7512) wherever a file is (dtuf:K12). The token's module is a shared object of others
// that may need any file and socket: a child has it, made before the sandbox is entered, and signs what it is sent.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PKCS11_H
#define CRYPTO_PKCS11_H

#include "crypto/key.h"

bool pkcs11_is_uri(const char *path);

// Starts the child for this URI, unless it has one. Call it while the process has one thread.
int pkcs11_prepare(const char *uri, struct err *e);

// The key that the URI names, on the one token that it names; `ask` gives the PIN. STATUS_REFUSED when there is no p11-kit, or several match;
// STATUS_NOT_FOUND, STATUS_NOT_AUTHORISED for a wrong PIN, STATUS_USAGE for a URI that is none or has a PIN in it.
int pkcs11_open(const char *uri, key_passphrase *ask, void *context, struct key *k, struct err *e);

// As key_sign.
int pkcs11_sign(const struct pkcs11 *p, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e);

#endif
