// key.h says what these promise. Reading; writing is in keywrite.c.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/b64.h"
#include "crypto/key.h"
#include "crypto/keyder.h"
#include "crypto/libcrypto.h"
#include "crypto/pkcs11.h"

static const struct {
	const char *name;
	const char *openssl; // its key type
	const char *group;
	const char *jwk_curve;
	size_t coordinate; // bytes
} types[] = {
	[KEY_ED25519] = { "ed25519", "ED25519", NULL, "Ed25519", 32 },
	[KEY_P256] = { "p256", "EC", "prime256v1", "P-256", 32 },
	[KEY_P384] = { "p384", "EC", "secp384r1", "P-384", 48 },
	[KEY_RSA] = { "rsa", "RSA", NULL, NULL, 0 },
};

const char *key_type_name(enum key_type type)
{
	return types[type].name;
}

bool key_type_find(const char *name, enum key_type *type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (!strcmp(name, types[i].name)) {
			*type = (enum key_type)i;
			return true;
		}
	return false;
}

void key_free(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}

static void start_library(void)
{
	libcrypto_start();
	ERR_clear_error();
}

int key_generate(enum key_type type, struct key *k, struct err *e)
{
	start_library();
	*k = (struct key){ .type = type, .is_private = true };
	k->pkey = type == KEY_RSA   ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KEY_RSA_BITS_MADE)
		: types[type].group ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", types[type].group)
				    : EVP_PKEY_Q_keygen(NULL, NULL, types[type].openssl);
	return k->pkey ? 0 : err_set(e, STATUS_SYSTEM, "cannot make a key of type %s", types[type].name);
}

// Takes over pkey, or refuses and frees it.
static int adopt(EVP_PKEY *pkey, bool is_private, struct key *k, struct err *e)
{
	char group[64] = "";
	EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL);
	*k = (struct key){ .pkey = pkey, .is_private = is_private };
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		k->type = (enum key_type)i;
		if (!EVP_PKEY_is_a(pkey, types[i].openssl) || (types[i].group && strcmp(types[i].group, group) != 0))
			continue;
		if (k->type != KEY_RSA || EVP_PKEY_get_bits(pkey) >= KEY_RSA_BITS_LEAST)
			return 0;
		err_set(e, STATUS_REFUSED, "an RSA key of %d bits: at least %d are needed", EVP_PKEY_get_bits(pkey),
			KEY_RSA_BITS_LEAST);
		key_free(k);
		return -1;
	}
	const char *name = EVP_PKEY_get0_type_name(pkey);
	err_set(e, STATUS_REFUSED, "a key of type %.40s %.40s: expected ed25519, p256, p384 or rsa", name ? name : "unknown",
		group);
	key_free(k);
	return -1;
}

// ---- private keys ----

struct pem { // one block; free with pem_free
	char *name, *header;
	unsigned char *data;
	long length;
};

static void pem_free(struct pem *p)
{
	OPENSSL_free(p->name);
	OPENSSL_free(p->header);
	OPENSSL_clear_free(p->data, (size_t)p->length);
	*p = (struct pem){ 0 };
}

static bool is_private_name(const char *name)
{
	static const char *const names[] = { "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY" };
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

// The only private block of the text. What is behind it is read too, so that a second one is noticed.
static int find_private(const char *text, size_t length, struct pem *found, struct err *e)
{
	BIO *in = BIO_new_mem_buf(text, (int)length);
	struct pem next = { 0 };
	size_t count = 0, others = 0;
	while (PEM_read_bio(in, &next.name, &next.header, &next.data, &next.length)) {
		bool is_private = is_private_name(next.name);
		others += !is_private && strcmp(next.name, "EC PARAMETERS") != 0;
		if (is_private && count++ == 0) {
			*found = next;
			next = (struct pem){ 0 };
		}
		pem_free(&next);
	}
	bool damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(in);
	if (count == 1 && !damaged)
		return 0;
	pem_free(found);
	return err_set(e, STATUS_MALFORMED, "%s",
		damaged             ? "damaged PEM"
			: count > 1 ? "more than one private key"
			: others    ? "no private key, though other PEM blocks"
				    : "no private key in PEM form");
}

static int passphrase_given(char *out, int room, int writing, void *passphrase)
{
	(void)writing;
	const struct buf *given = passphrase;
	if (given->length > (size_t)room)
		return -1;
	memcpy(out, given->data, given->length);
	return (int)given->length;
}

// PKCS#8, EncryptedPrivateKeyInfo. NULL when the passphrase does not fit.
static EVP_PKEY *open_pkcs8(const struct pem *pem, const struct buf *passphrase)
{
	const unsigned char *at = pem->data;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &at, pem->length);
	PKCS8_PRIV_KEY_INFO *info = sealed ? PKCS8_decrypt(sealed, passphrase->data, (int)passphrase->length) : NULL;
	EVP_PKEY *pkey = info ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	X509_SIG_free(sealed);
	return pkey;
}

static EVP_PKEY *decode(const struct pem *pem)
{
	const unsigned char *at = pem->data;
	EVP_PKEY *pkey = keyder_private(at, (size_t)pem->length);
	if (pkey)
		return pkey;
	pkey = d2i_AutoPrivateKey(NULL, &at, pem->length);
	if (pkey && at != pem->data + pem->length) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static EVP_PKEY *open_encrypted(struct pem *pem, const struct buf *passphrase)
{
	if (!strcmp(pem->name, "ENCRYPTED PRIVATE KEY"))
		return open_pkcs8(pem, passphrase);
	EVP_CIPHER_INFO cipher;
	if (!PEM_get_EVP_CIPHER_INFO(pem->header, &cipher) ||
		!PEM_do_header(&cipher, pem->data, &pem->length, passphrase_given, (void *)passphrase))
		return NULL;
	return decode(pem);
}

static int parse_block(struct pem *pem, key_passphrase *ask, void *context, struct key *k, bool *encrypted, struct err *e)
{
	*encrypted = !strcmp(pem->name, "ENCRYPTED PRIVATE KEY") || !strncmp(pem->header, "Proc-Type: 4,ENCRYPTED", 22);
	secret_auto passphrase = { 0 };
	if (*encrypted && !ask)
		return err_set(e, STATUS_USAGE, "the private key is encrypted and no passphrase was given");
	if (*encrypted && ask(context, &passphrase, e) < 0)
		return -1;
	EVP_PKEY *pkey = *encrypted ? open_encrypted(pem, &passphrase) : decode(pem);
	ERR_clear_error();
	if (pkey)
		return adopt(pkey, true, k, e);
	if (*encrypted)
		return err_set(e, STATUS_NOT_AUTHORISED, "wrong passphrase");
	return err_set(e, STATUS_MALFORMED, "damaged private key");
}

int key_parse_private(const char *text, size_t length, key_passphrase *ask, void *context, struct key *k, bool *was_encrypted,
	struct err *e)
{
	struct pem pem = { 0 };
	bool encrypted;
	start_library();
	if (find_private(text, length, &pem, e) < 0)
		return -1;
	int failed = parse_block(&pem, ask, context, k, &encrypted, e);
	pem_free(&pem);
	if (was_encrypted)
		*was_encrypted = encrypted;
	return failed;
}

int key_allow(const char *path, struct sandbox *s, struct err *e)
{
	if (pkcs11_is_uri(path))
		return pkcs11_prepare(path, e);
	texts_add(&s->reads, path);
	return 0;
}

int key_read_private(const char *path, key_passphrase *ask, void *context, struct key *k, struct err *e)
{
	if (pkcs11_is_uri(path))
		return pkcs11_open(path, ask, context, k, e);
	secret_auto text = { 0 };
	struct stat st;
	bool encrypted;
	io_auto int fd = io_open_input(path, e);
	if (fd < 0)
		return -1;
	mem_auto char *subject = mem_format("'%s'", path);
	if (fstat(fd, &st) < 0)
		return err_system(e, "%s: cannot stat", subject);
	if (io_read_stream(fd, KEY_FILE_MAX, subject, &text, e) < 0)
		return -1;
	if (key_parse_private(buf_text(&text), text.length, ask, context, k, &encrypted, e) < 0)
		return err_context(e, "%s", subject);
	if (encrypted || !S_ISREG(st.st_mode) || !(st.st_mode & 077) || !strcmp(path, "-"))
		return 0;
	key_free(k);
	err_set(e, STATUS_REFUSED, "%s: holds an unencrypted private key but group or others may use it: mode %04o", subject,
		(unsigned)(st.st_mode & 07777));
	return err_hint(e, "chmod 600 %s", subject);
}

// ---- public keys ----

static bool decode_member(const json_t *jwk, const char *name, size_t width, struct buf *out)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text && b64_decode(text, strlen(text), out) && (!width || out->length == width);
}

// The point as SEC 1 writes it, section 2.3.3: 04, x, y. OpenSSL checks that it lies on the curve.
static EVP_PKEY *ec_from_jwk(const json_t *jwk, enum key_type type)
{
	buf_auto point = { 0 };
	buf_auto y = { 0 };
	buf_add_byte(&point, 4);
	if (!decode_member(jwk, "x", 0, &point) || point.length != 1 + types[type].coordinate ||
		!decode_member(jwk, "y", types[type].coordinate, &y))
		return NULL;
	buf_add(&point, y.data, y.length);
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)types[type].group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data, point.length),
		OSSL_PARAM_construct_end(),
	};
	return keyder_from_numbers("EC", EVP_PKEY_PUBLIC_KEY, parameters);
}

// OSSL_PARAM wants integers in the machine's byte order.
static void reverse(struct buf *b)
{
	for (size_t i = 0; i < b->length / 2; i++) {
		char c = b->data[i];
		b->data[i] = b->data[b->length - 1 - i];
		b->data[b->length - 1 - i] = c;
	}
}

static EVP_PKEY *rsa_from_jwk(const json_t *jwk)
{
	buf_auto n = { 0 };
	buf_auto exponent = { 0 };
	if (!decode_member(jwk, "n", 0, &n) || !decode_member(jwk, "e", 0, &exponent) || !n.length || !exponent.length ||
		exponent.length > 8 || n.length > 2048)
		return NULL;
	reverse(&n);
	reverse(&exponent);
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, (unsigned char *)n.data, n.length),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, (unsigned char *)exponent.data, exponent.length),
		OSSL_PARAM_construct_end(),
	};
	return keyder_from_numbers("RSA", EVP_PKEY_PUBLIC_KEY, parameters);
}

static EVP_PKEY *ed25519_from_jwk(const json_t *jwk)
{
	buf_auto x = { 0 };
	if (!decode_member(jwk, "x", types[KEY_ED25519].coordinate, &x))
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (unsigned char *)x.data, x.length);
}

int key_from_jwk(const json_t *jwk, struct key *k, struct err *e)
{
	start_library();
	const char *kty = json_string_value(json_object_get(jwk, "kty"));
	const char *crv = json_string_value(json_object_get(jwk, "crv"));
	EVP_PKEY *pkey = NULL;
	if (!kty)
		return err_set(e, STATUS_MALFORMED, "not a JWK: no kty");
	if (!strcmp(kty, "RSA"))
		pkey = rsa_from_jwk(jwk);
	else if (!strcmp(kty, "OKP") && crv && !strcmp(crv, "Ed25519"))
		pkey = ed25519_from_jwk(jwk);
	else if (!strcmp(kty, "EC") && crv && (!strcmp(crv, "P-256") || !strcmp(crv, "P-384")))
		pkey = ec_from_jwk(jwk, strcmp(crv, "P-256") ? KEY_P384 : KEY_P256);
	else
		return err_set(e, STATUS_REFUSED, "a JWK of another type: expected EC P-256 or P-384, OKP Ed25519 or RSA");
	ERR_clear_error();
	return pkey ? adopt(pkey, false, k, e) : err_set(e, STATUS_MALFORMED, "damaged JWK");
}

static int parse_spki(const char *text, size_t length, struct key *k, struct err *e)
{
	BIO *in = BIO_new_mem_buf(text, (int)length);
	struct pem pem = { 0 };
	EVP_PKEY *pkey = NULL;
	if (PEM_read_bio(in, &pem.name, &pem.header, &pem.data, &pem.length) && !strcmp(pem.name, "PUBLIC KEY"))
		pkey = keyder_public(pem.data, (size_t)pem.length);
	pem_free(&pem);
	if (!pkey && BIO_reset(in) == 1)
		pkey = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
	BIO_free(in);
	ERR_clear_error();
	return pkey ? adopt(pkey, false, k, e) : err_set(e, STATUS_MALFORMED, "damaged public key");
}

int key_parse_public(const char *text, size_t length, struct key *k, struct err *e)
{
	start_library();
	size_t blanks = strspn(text, " \t\r\n");
	if (text[blanks] == '{') {
		jsonio_auto json_t *jwk = jsonio_parse(text, length, "JWK", e);
		return jwk ? key_from_jwk(jwk, k, e) : -1;
	}
	return parse_spki(text, length, k, e);
}

int key_parse_any(const char *text, size_t length, key_passphrase *ask, void *context, struct key *k, struct err *e)
{
	bool is_private = strstr(text, "PRIVATE KEY-----");
	return is_private ? key_parse_private(text, length, ask, context, k, NULL, e) : key_parse_public(text, length, k, e);
}

int key_read_public(const char *path, struct key *k, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_file(path, KEY_FILE_MAX, &text, e) < 0)
		return -1;
	return key_parse_public(buf_text(&text), text.length, k, e) < 0 ? err_context(e, "'%s'", path) : 0;
}

bool key_same_public(const struct key *a, const struct key *b)
{
	return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}
