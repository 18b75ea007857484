// spki.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/spki.h"

#define PREFIX "spki-"
#define BEGIN  "-----BEGIN PUBLIC KEY-----"

bool spki_is_id(const char *text)
{
	return !strncmp(text, PREFIX, strlen(PREFIX)) && strlen(text) == SPKI_ID_MAX - 1 &&
		strspn(text + strlen(PREFIX), "0123456789abcdef") == 64;
}

bool spki_recognise(const void *data, size_t length)
{
	const char *at = data, *end = at + length;
	while (at < end && isspace((unsigned char)*at))
		at++;
	return (size_t)(end - at) >= strlen(BEGIN) && !memcmp(at, BEGIN, strlen(BEGIN));
}

void spki_id(const struct key *k, char id[static SPKI_ID_MAX])
{
	unsigned char *der = NULL;
	char digest[DIGEST_TEXT_MAX];
	int length = i2d_PUBKEY(k->pkey, &der);
	hash_bytes(DIGEST_SHA256, der, length > 0 ? (size_t)length : 0, digest);
	OPENSSL_free(der);
	snprintf(id, SPKI_ID_MAX, "%s%.64s", PREFIX, digest_digits(digest));
}

int spki_parse(const char *text, size_t length, struct key *k, struct err *e)
{
	const char *first = strstr(text, BEGIN);
	if (first && strstr(first + 1, "-----BEGIN "))
		return err_set(e, STATUS_MALFORMED, "more than one key in PEM");
	return key_parse_public(text, length, k, e);
}

json_t *spki_record(const char *text, size_t length, struct err *e)
{
	char id[SPKI_ID_MAX];
	key_auto k = { 0 };
	if (spki_parse(text, length, &k, e) < 0)
		return NULL;
	spki_id(&k, id);
	return json_pack("{s:s, s:s, s:s, s:i, s:b}", "kind", "key", "fingerprint", id, "algorithm", key_type_name(k.type),
		"bits", EVP_PKEY_get_bits(k.pkey), "signs", 1);
}

bool spki_good(const struct key *k, const void *data, size_t length, const void *signature, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const char *hash = k->type == KEY_ED25519 ? NULL : "SHA256";
	bool good = md && size && EVP_DigestVerifyInit_ex(md, NULL, hash, NULL, NULL, k->pkey, NULL) == 1 &&
		EVP_DigestVerify(md, signature, size, data, length) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}
