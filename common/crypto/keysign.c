// key_sign and key_ecdsa_der of key.h.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/key.h"
#include "crypto/pkcs11.h"

enum { SIGNATURE_MAX = 2048 }; // bytes: RSA of 16384 bits

static const char *hash_of(enum key_type type)
{
	return type == KEY_ED25519 ? NULL : type == KEY_P384 ? "SHA384" : "SHA256";
}

static bool set_padding(EVP_PKEY_CTX *context, const struct key *k, bool pkcs1)
{
	return k->type != KEY_RSA || pkcs1 ||
		(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

void key_ecdsa_der(const void *raw, size_t length, struct buf *der)
{
	const unsigned char *r = raw;
	int width = (int)length / 2;
	unsigned char *text = NULL;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	ECDSA_SIG_set0(signature, BN_bin2bn(r, width, NULL), BN_bin2bn(r + width, width, NULL));
	int n = i2d_ECDSA_SIG(signature, &text);
	buf_add(der, text, n > 0 ? (size_t)n : 0);
	OPENSSL_free(text);
	ECDSA_SIG_free(signature);
}

int key_sign(const struct key *k, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e)
{
	unsigned char raw[SIGNATURE_MAX];
	size_t size = sizeof raw;
	EVP_PKEY_CTX *context;
	if (k->token)
		return pkcs11_sign(k->token, pkcs1, data, length, signature, e);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestSignInit_ex(md, &context, hash_of(k->type), NULL, NULL, k->pkey, NULL) == 1 &&
		set_padding(context, k, pkcs1) && EVP_DigestSign(md, raw, &size, data, length) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	if (!good)
		return err_set(e, STATUS_SYSTEM, "cannot sign with this key");
	buf_add(signature, raw, size);
	return 0;
}
