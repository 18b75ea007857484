// EC keys in DER, recognised byte by byte: OpenSSL's decoders try every kind of key by every provider, and take a process longer than the
// signature it wants the key for.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_KEYDER_H
#define CRYPTO_KEYDER_H

#include <openssl/evp.h>

// A P-256 or P-384 key, as a new EVP_PKEY, from exactly the DER that OpenSSL itself writes for it: PKCS#8 (RFC 5958) or SEC 1 (RFC 5915)
// with the public half, SubjectPublicKeyInfo (RFC 5480) with an uncompressed point. NULL for every other key, form or length, and when
// OpenSSL refuses the numbers: ask its decoders then.
EVP_PKEY *keyder_private(const unsigned char *der, size_t length);
EVP_PKEY *keyder_public(const unsigned char *der, size_t length);

// A public or private key of this type from its numbers; NULL when they make none. Reports nothing.
EVP_PKEY *keyder_from_numbers(const char *type, int selection, OSSL_PARAM *numbers);

#endif
