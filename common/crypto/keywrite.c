// key.h says what these promise: the part that writes keys.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum { PBKDF2_ROUNDS = 600000, SALT_BYTES = 16 };

static int take_text(BIO *from, bool ok, struct buf *out, struct err *e)
{
	char *data;
	long length = BIO_get_mem_data(from, &data);
	if (ok && length > 0)
		buf_add(out, data, (size_t)length);
	BIO_free(from);
	return ok ? 0 : err_set(e, STATUS_SYSTEM, "cannot write the key as PEM");
}

// EncryptedPrivateKeyInfo with PBES2, RFC 8018 section 6.2.
static bool write_sealed(BIO *out, EVP_PKEY *pkey, const struct buf *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	X509_ALGOR *scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, NULL, SALT_BYTES, NULL, NID_hmacWithSHA256);
	X509_SIG *sealed = info && scheme ? PKCS8_set0_pbe(passphrase->data, (int)passphrase->length, info, scheme) : NULL;
	bool ok = sealed && PEM_write_bio_PKCS8(out, sealed) == 1;
	if (!sealed)
		X509_ALGOR_free(scheme);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(info);
	return ok;
}

int key_private_pem(const struct key *k, const struct buf *passphrase, bool traditional, struct buf *out, struct err *e)
{
	if (traditional && k->type != KEY_P256 && k->type != KEY_P384)
		return err_set(e, STATUS_USAGE, "only EC keys have a traditional form");
	BIO *text = BIO_new(BIO_s_secmem());
	bool ok;
	if (traditional)
		ok = PEM_write_bio_PrivateKey_traditional(text, k->pkey, passphrase ? EVP_aes_256_cbc() : NULL,
			     passphrase ? (unsigned char *)passphrase->data : NULL, passphrase ? (int)passphrase->length : 0,
			     NULL, NULL) == 1;
	else if (passphrase)
		ok = write_sealed(text, k->pkey, passphrase);
	else
		ok = PEM_write_bio_PKCS8PrivateKey(text, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	return take_text(text, ok, out, e);
}

int key_public_pem(const struct key *k, struct buf *out, struct err *e)
{
	BIO *text = BIO_new(BIO_s_mem());
	return take_text(text, PEM_write_bio_PUBKEY(text, k->pkey) == 1, out, e);
}

static void set_bytes(json_t *jwk, const char *name, const unsigned char *data, size_t length)
{
	buf_auto text = { 0 };
	b64_encode(data, length, &text);
	json_object_set_new(jwk, name, json_string(buf_text(&text)));
}

// width 0: as many bytes as the number has (RFC 7518 section 6.3.1.1); else left-padded to it (section 6.2.1.2).
static void set_number(json_t *jwk, const char *name, EVP_PKEY *pkey, const char *parameter, size_t width)
{
	unsigned char bytes[2048];
	BIGNUM *number = NULL;
	EVP_PKEY_get_bn_param(pkey, parameter, &number);
	size_t length = width ? width : (size_t)BN_num_bytes(number);
	if (length <= sizeof bytes && BN_bn2binpad(number, bytes, (int)length) >= 0)
		set_bytes(jwk, name, bytes, length);
	BN_free(number);
}

json_t *key_jwk(const struct key *k)
{
	if (k->type == KEY_RSA) {
		json_t *jwk = json_pack("{s:s}", "kty", "RSA");
		set_number(jwk, "n", k->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
		set_number(jwk, "e", k->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
		return jwk;
	}
	if (k->type == KEY_ED25519) {
		unsigned char raw[32];
		size_t length = sizeof raw;
		json_t *jwk = json_pack("{s:s, s:s}", "kty", "OKP", "crv", "Ed25519");
		EVP_PKEY_get_raw_public_key(k->pkey, raw, &length);
		set_bytes(jwk, "x", raw, length);
		return jwk;
	}
	size_t width = k->type == KEY_P256 ? 32 : 48;
	json_t *jwk = json_pack("{s:s, s:s}", "kty", "EC", "crv", k->type == KEY_P256 ? "P-256" : "P-384");
	set_number(jwk, "x", k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, width);
	set_number(jwk, "y", k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width);
	return jwk;
}

void key_thumbprint(const struct key *k, char hex[65])
{
	jsonio_auto json_t *jwk = key_jwk(k);
	mem_auto char *text = jsonio_text(jwk); // sorted and compact, as RFC 7638 section 3.3 wants it
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, text, strlen(text), digest);
	memcpy(hex, digest_digits(digest), 65);
}
