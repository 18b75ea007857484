// libcrypto, started the one way it is wanted here. Call it before anything else of that library; again is nothing.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_LIBCRYPTO_H
#define CRYPTO_LIBCRYPTO_H

#include <openssl/crypto.h>

// Its configuration file costs more than a hash, and its tables of messages, which nobody here prints, take 0.4 MB.
static inline void libcrypto_start(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

#endif
