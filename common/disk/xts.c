// xts.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "disk/xts.h"

struct xts {
	EVP_CIPHER_CTX *cipher;
	size_t sector;
};

struct xts *xts_open(const unsigned char key[static XTS_KEY], bool encrypt, size_t sector, struct err *e)
{
	if (!CRYPTO_memcmp(key, key + XTS_KEY / 2, XTS_KEY / 2)) {
		err_set(e, STATUS_REFUSED, "the volume key: its halves are equal");
		return NULL;
	}
	struct xts *x = mem_alloc(sizeof *x);
	x->sector = sector;
	x->cipher = EVP_CIPHER_CTX_new();
	if (x->cipher && EVP_CipherInit_ex(x->cipher, EVP_aes_256_xts(), NULL, key, NULL, encrypt) == 1)
		return x;
	err_set(e, STATUS_SYSTEM, "AES-256-XTS: the cryptographic library cannot start it");
	xts_close(x);
	return NULL;
}

void xts_close(struct xts *x)
{
	if (x)
		EVP_CIPHER_CTX_free(x->cipher);
	free(x);
}

int xts_run(struct xts *x, unsigned char *data, size_t length, int64_t at, struct err *e)
{
	for (size_t done = 0; done < length; done += x->sector) {
		int n;
		unsigned char tweak[16] = { 0 };
		uint64_t unit = htole64((uint64_t)(at + (int64_t)done) / 512);
		memcpy(tweak, &unit, sizeof unit);
		if (EVP_CipherInit_ex(x->cipher, NULL, NULL, NULL, tweak, -1) != 1 ||
			EVP_CipherUpdate(x->cipher, data + done, &n, data + done, (int)x->sector) != 1)
			return err_set(e, STATUS_SYSTEM, "AES-256-XTS: the cryptographic library failed");
	}
	return 0;
}
