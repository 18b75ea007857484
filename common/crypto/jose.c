// jose.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/jose.h"

static const struct {
	const char *name;
	enum key_type type;
	const char *hash;  // NULL: the algorithm hashes by itself
	size_t coordinate; // bytes of r and of s in the signature, 0 where it is not ECDSA
} algorithms[] = {
	[JOSE_ES384] = { "ES384", KEY_P384, "SHA384", 48 },
	[JOSE_ES256] = { "ES256", KEY_P256, "SHA256", 32 },
	[JOSE_EDDSA] = { "EdDSA", KEY_ED25519, NULL, 0 },
	[JOSE_RS256] = { "RS256", KEY_RSA, "SHA256", 0 },
	[JOSE_PS256] = { "PS256", KEY_RSA, "SHA256", 0 },
};

enum { SIGNATURE_MAX = 2048 }; // bytes: RSA of 16384 bits

const char *jose_reason_text(enum jose_reason reason)
{
	static const char *const texts[] = { "good", "malformed", "too-long", "alg", "typ", "crit", "unknown-kid", "signature",
		"expired", "not-yet-valid", "issuer", "audience", "missing-claim", "revoked" };
	return texts[reason];
}

const char *jose_algorithm_name(enum jose_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

bool jose_algorithm_find(const char *name, enum jose_algorithm *algorithm)
{
	for (size_t i = 0; i < ARRAY_LENGTH(algorithms); i++)
		if (!strcmp(name, algorithms[i].name)) {
			*algorithm = (enum jose_algorithm)i;
			return true;
		}
	return false;
}

bool jose_algorithm_fits(enum jose_algorithm algorithm, enum key_type type)
{
	return algorithms[algorithm].type == type;
}

enum jose_algorithm jose_algorithm_of(enum key_type type)
{
	size_t i = 0;
	while (algorithms[i].type != type)
		i++;
	return (enum jose_algorithm)i;
}

static bool set_padding(EVP_PKEY_CTX *context, enum jose_algorithm algorithm)
{
	if (algorithm != JOSE_PS256)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1; // RFC 7518 section 3.5
}

// DER of OpenSSL to r and s at full width, RFC 7518 section 3.4.
static bool from_der(struct buf *signature, size_t width)
{
	const unsigned char *at = (unsigned char *)signature->data;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)signature->length);
	unsigned char raw[SIGNATURE_MAX];
	bool ok = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), raw, (int)width) == (int)width &&
		BN_bn2binpad(ECDSA_SIG_get0_s(parsed), raw + width, (int)width) == (int)width;
	ECDSA_SIG_free(parsed);
	signature->length = 0;
	buf_add(signature, raw, ok ? 2 * width : 0);
	return ok;
}

int jose_sign(const struct key *k, enum jose_algorithm algorithm, const char *kid, const char *payload, struct buf *out,
	struct err *e)
{
	buf_auto signature = { 0 };
	mem_auto char *header = mem_format("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", algorithms[algorithm].name, kid);
	buf_auto text = { 0 };
	b64_encode(header, strlen(header), &text);
	buf_add_byte(&text, '.');
	b64_encode(payload, strlen(payload), &text);
	if (key_sign(k, algorithm == JOSE_RS256, text.data, text.length, &signature, e) < 0)
		return -1;
	if (algorithms[algorithm].coordinate && !from_der(&signature, algorithms[algorithm].coordinate))
		return err_set(e, STATUS_SYSTEM, "cannot sign with this key");
	buf_add_byte(&text, '.');
	b64_encode(signature.data, signature.length, &text);
	if (text.length > JOSE_TOKEN_MAX)
		return err_set(e, STATUS_LIMIT, "the token has %zu bytes: at most %d are allowed", text.length, JOSE_TOKEN_MAX);
	buf_add(out, text.data, text.length);
	return 0;
}

static bool too_deep(const json_t *value, int depth)
{
	const char *key;
	size_t i;
	json_t *inner;
	if (depth > JOSE_DEPTH_MAX)
		return true;
	json_array_foreach(value, i, inner)
		if (too_deep(inner, depth + 1))
			return true;
	json_object_foreach((json_t *)value, key, inner)
		if (too_deep(inner, depth + 1))
			return true;
	return false;
}

static json_t *parse_part(const char *part, size_t length)
{
	buf_auto text = { 0 };
	struct err ignored = { 0 };
	if (!length || !b64_decode(part, length, &text))
		return NULL;
	json_t *value = jsonio_parse(buf_text(&text), text.length, "token", &ignored);
	if (json_is_object(value) && !too_deep(value, 0))
		return value;
	json_decref(value);
	return NULL;
}

enum jose_reason jose_parse(const char *token, size_t length, struct jose_token *t)
{
	*t = (struct jose_token){ 0 };
	if (length > JOSE_TOKEN_MAX)
		return JOSE_TOO_LONG;
	const char *first = memchr(token, '.', length);
	const char *second = first ? memchr(first + 1, '.', length - (size_t)(first + 1 - token)) : NULL;
	if (!second || memchr(second + 1, '.', length - (size_t)(second + 1 - token)))
		return JOSE_MALFORMED;
	t->signed_text = token;
	t->signed_length = (size_t)(second - token);
	t->header = parse_part(token, (size_t)(first - token));
	t->payload = parse_part(first + 1, (size_t)(second - first - 1));
	bool whole = t->header && t->payload && b64_decode(second + 1, length - (size_t)(second + 1 - token), &t->signature);
	return whole ? JOSE_GOOD : JOSE_MALFORMED;
}

void jose_free(struct jose_token *t)
{
	json_decref(t->header);
	json_decref(t->payload);
	buf_free(&t->signature);
	*t = (struct jose_token){ 0 };
}

bool jose_signature_good(const struct jose_token *t, const struct key *k, enum jose_algorithm algorithm)
{
	buf_auto der = { 0 };
	size_t width = algorithms[algorithm].coordinate;
	const struct buf *signature = width ? &der : &t->signature;
	if (!jose_algorithm_fits(algorithm, k->type) || (width && t->signature.length != 2 * width))
		return false;
	if (width) // OpenSSL itself checks that r and s are in range
		key_ecdsa_der(t->signature.data, t->signature.length, &der);
	EVP_PKEY_CTX *context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = signature->length && md &&
		EVP_DigestVerifyInit_ex(md, &context, algorithms[algorithm].hash, NULL, NULL, k->pkey, NULL) == 1 &&
		set_padding(context, algorithm) &&
		EVP_DigestVerify(md, (const unsigned char *)signature->data, signature->length,
			(const unsigned char *)t->signed_text, t->signed_length) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}
