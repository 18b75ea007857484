// One key of one PKCS #11 token, by p11-kit's list of modules. Not for others than pkcs11.c: no module comes into a program's own process.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_TOKEN11_H
#define CRYPTO_TOKEN11_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

// Logs in and finds the private key and its public half, whose JWK it returns, a new reference. Statuses as pkcs11_open.
struct token11;
json_t *token11_open(const char *uri, const char *pin, struct token11 **t, struct err *e);
void token11_close(struct token11 *t); // NULL is fine

int token11_sign(const struct token11 *t, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e);

#endif
