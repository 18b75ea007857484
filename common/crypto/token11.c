// token11.h says what these promise. libp11-kit is loaded when a token is used, so that nothing else pays for it.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "crypto/token11.h"

#ifdef HAVE_P11_KIT
#include <dlfcn.h>
#include <openssl/evp.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/key.h"
#include "crypto/libcrypto.h"

enum { ATTRIBUTE_MAX = 4096, SIGNATURE_MAX = 2048, POINT_HEADER = 2 }; // bytes
enum { SLOTS_MAX = 256 };

struct token11 {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	enum key_type type;
};

// ---- the library ----

#define FUNCTIONS(F)                           \
	F(p11_kit_modules_load_and_initialize) \
	F(p11_kit_uri_new)                     \
	F(p11_kit_uri_parse)                   \
	F(p11_kit_uri_get_pin_value)           \
	F(p11_kit_uri_get_pin_source)          \
	F(p11_kit_uri_get_attributes)          \
	F(p11_kit_uri_match_module_info)       \
	F(p11_kit_uri_match_token_info)

#define DECLARE(NAME) __typeof__ (&(NAME))(NAME);
static struct {
	FUNCTIONS(DECLARE)
} p11;

static int load_library(struct err *e)
{
	void *library = dlopen("libp11-kit.so.0", RTLD_NOW);
	bool good = library;
#define FIND(NAME) good = good && (p11.NAME = (__typeof__(p11.NAME))dlsym(library, #NAME));
	FUNCTIONS(FIND)
	return good ? 0 : err_set(e, STATUS_REFUSED, "libp11-kit is not installed: it serves pkcs11: URIs");
}

// ---- the token ----

static int fail(struct err *e, const char *what, CK_RV why)
{
	bool pin = why == CKR_PIN_INCORRECT || why == CKR_PIN_LEN_RANGE || why == CKR_PIN_INVALID;
	if (pin || why == CKR_PIN_LOCKED)
		return err_set(e, STATUS_NOT_AUTHORISED, pin ? "wrong PIN" : "the PIN is locked");
	return err_set(e, STATUS_SYSTEM, "cannot %s: PKCS #11 error 0x%lx", what, why);
}

static int parse_uri(const char *text, P11KitUri *uri, struct err *e)
{
	if (p11.p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, uri) != P11_KIT_URI_OK)
		return err_set(e, STATUS_USAGE, "not a URI of a key on a token (RFC 7512)");
	if (p11.p11_kit_uri_get_pin_value(uri) || p11.p11_kit_uri_get_pin_source(uri))
		return err_set(e, STATUS_USAGE, "a PIN does not belong into an argument: use --passphrase-file");
	return 0;
}

// Adds those of one module.
static void match_tokens(struct token11 *t, CK_FUNCTION_LIST *module, P11KitUri *uri, CK_SLOT_ID *slot, bool *needs_login,
	size_t *count)
{
	CK_INFO about;
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	if (module->C_GetInfo(&about) != CKR_OK || !p11.p11_kit_uri_match_module_info(uri, &about) ||
		module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO token;
		if (module->C_GetTokenInfo(slots[i], &token) != CKR_OK || !(token.flags & CKF_TOKEN_INITIALIZED) ||
			!p11.p11_kit_uri_match_token_info(uri, &token))
			continue;
		++*count;
		t->module = module;
		*slot = slots[i];
		*needs_login = token.flags & CKF_LOGIN_REQUIRED;
	}
}

// The one token that it matches: a PIN tried on others could lock them.
static int find_token(struct token11 *t, P11KitUri *uri, CK_SLOT_ID *slot, bool *needs_login, struct err *e)
{
	size_t count = 0;
	CK_FUNCTION_LIST **modules = p11.p11_kit_modules_load_and_initialize(0);
	for (size_t i = 0; modules && modules[i]; i++)
		match_tokens(t, modules[i], uri, slot, needs_login, &count);
	if (count == 1)
		return 0;
	return count ? err_set(e, STATUS_REFUSED, "%zu tokens match: which one is not said", count)
		     : err_set(e, STATUS_NOT_FOUND, "no token matches");
}

static int log_in(struct token11 *t, CK_SLOT_ID slot, bool needs_login, const char *pin, struct err *e)
{
	CK_RV result = t->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (result != CKR_OK)
		return fail(e, "open a session", result);
	if (needs_login)
		result = t->module->C_Login(t->session, CKU_USER, (unsigned char *)(uintptr_t)pin, strlen(pin));
	return result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN ? 0 : fail(e, "log in", result);
}

// ---- objects ----

static int find_object(const struct token11 *t, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *attributes, size_t count,
	CK_OBJECT_HANDLE *object, struct err *e)
{
	size_t n = 1;
	CK_OBJECT_HANDLE found[2];
	unsigned long matches = 0;
	const char *what = class == CKO_PRIVATE_KEY ? "private" : "public";
	CK_ATTRIBUTE *wanted = mem_alloc((count + 1) * sizeof *wanted);
	wanted[0] = (CK_ATTRIBUTE){ CKA_CLASS, &class, sizeof class };
	for (size_t i = 0; i < count; i++)
		if (attributes[i].type != CKA_CLASS)
			wanted[n++] = attributes[i];
	CK_RV result = t->module->C_FindObjectsInit(t->session, wanted, n);
	if (result == CKR_OK) {
		result = t->module->C_FindObjects(t->session, found, 2, &matches);
		t->module->C_FindObjectsFinal(t->session);
	}
	free(wanted);
	if (result != CKR_OK)
		return fail(e, "look for the key", result);
	if (!matches)
		return err_set(e, STATUS_NOT_FOUND, "the token has no such %s key", what);
	if (matches > 1)
		return err_set(e, STATUS_REFUSED, "several %s keys of the token match", what);
	*object = found[0];
	return 0;
}

static int read_attribute(const struct token11 *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *out,
	struct err *e)
{
	unsigned char value[ATTRIBUTE_MAX];
	CK_ATTRIBUTE a = { type, value, sizeof value };
	CK_RV result = t->module->C_GetAttributeValue(t->session, object, &a, 1);
	if (result != CKR_OK)
		return fail(e, "read the key", result);
	buf_add(out, value, a.ulValueLen);
	return 0;
}

static json_t *encoded(const char *data, size_t length)
{
	buf_auto text = { 0 };
	b64_encode(data, length, &text);
	return json_string(buf_text(&text));
}

static json_t *rsa_jwk(struct token11 *t, CK_OBJECT_HANDLE object, struct err *e)
{
	buf_auto n = { 0 };
	buf_auto exponent = { 0 };
	if (read_attribute(t, object, CKA_MODULUS, &n, e) < 0 || read_attribute(t, object, CKA_PUBLIC_EXPONENT, &exponent, e) < 0)
		return NULL;
	size_t skip_n = n.length && !n.data[0], skip_e = exponent.length && !exponent.data[0];
	t->type = KEY_RSA;
	return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n", encoded(n.data + skip_n, n.length - skip_n), "e",
		encoded(exponent.data + skip_e, exponent.length - skip_e));
}

// The point stands in an OCTET STRING, but some tokens leave that away.
static json_t *point_jwk(struct token11 *t, CK_OBJECT_HANDLE object, bool edwards, struct err *e)
{
	buf_auto text = { 0 };
	if (read_attribute(t, object, CKA_EC_POINT, &text, e) < 0)
		return NULL;
	const char *point = buf_text(&text);
	size_t n = text.length;
	if (n > POINT_HEADER && point[0] == 4 && (size_t)point[1] == n - POINT_HEADER && (n % 2 == 1 || edwards)) {
		point += POINT_HEADER;
		n -= POINT_HEADER;
	}
	if (edwards && n == 32) {
		t->type = KEY_ED25519;
		return json_pack("{s:s, s:s, s:o}", "kty", "OKP", "crv", "Ed25519", "x", encoded(point, n));
	}
	if (!edwards && (n == 65 || n == 97) && point[0] == 4) {
		t->type = n == 65 ? KEY_P256 : KEY_P384;
		return json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", n == 65 ? "P-256" : "P-384", "x",
			encoded(point + 1, n / 2), "y", encoded(point + 1 + n / 2, n / 2));
	}
	err_set(e, STATUS_REFUSED, "a key on a curve other than Ed25519, P-256 and P-384");
	return NULL;
}

// By the public object with the same id.
static json_t *public_jwk(struct token11 *t, struct err *e)
{
	CK_OBJECT_HANDLE public;
	CK_KEY_TYPE type = 0;
	buf_auto id = { 0 };
	CK_ATTRIBUTE kind = { CKA_KEY_TYPE, &type, sizeof type };
	if (read_attribute(t, t->key, CKA_ID, &id, e) < 0)
		return NULL;
	const CK_ATTRIBUTE by_id = { CKA_ID, id.data, id.length };
	if (find_object(t, CKO_PUBLIC_KEY, &by_id, 1, &public, e) < 0)
		return NULL;
	CK_RV result = t->module->C_GetAttributeValue(t->session, public, &kind, 1);
	if (result != CKR_OK)
		fail(e, "read the key", result);
	else if (type == CKK_RSA)
		return rsa_jwk(t, public, e);
	else if (type == CKK_EC || type == CKK_EC_EDWARDS)
		return point_jwk(t, public, type == CKK_EC_EDWARDS, e);
	else
		err_set(e, STATUS_REFUSED, "a key of an unknown type: expected Ed25519, ECDSA or RSA");
	return NULL;
}

json_t *token11_open(const char *uri, const char *pin, struct token11 **t, struct err *e)
{
	CK_SLOT_ID slot;
	CK_ULONG count;
	bool needs_login;
	libcrypto_start();
	if (load_library(e) < 0)
		return NULL;
	P11KitUri *parsed = p11.p11_kit_uri_new(); // this and the modules go with the process
	*t = mem_alloc(sizeof **t);
	if (parse_uri(uri, parsed, e) < 0 || find_token(*t, parsed, &slot, &needs_login, e) < 0 ||
		log_in(*t, slot, needs_login, pin, e) < 0)
		return NULL;
	const CK_ATTRIBUTE *attributes = p11.p11_kit_uri_get_attributes(parsed, &count);
	return find_object(*t, CKO_PRIVATE_KEY, attributes, count, &(*t)->key, e) < 0 ? NULL : public_jwk(*t, e);
}

void token11_close(struct token11 *t)
{
	if (t && t->session)
		t->module->C_CloseSession(t->session);
	free(t);
}

// ---- signatures ----

static int sign(const struct token11 *t, CK_MECHANISM *how, const void *data, size_t length, unsigned char *out, size_t *size,
	struct err *e)
{
	CK_ULONG n = SIGNATURE_MAX;
	CK_RV result = t->module->C_SignInit(t->session, how, t->key);
	if (result == CKR_OK)
		result = t->module->C_Sign(t->session, (unsigned char *)(uintptr_t)data, length, out, &n);
	*size = n;
	return result == CKR_OK ? 0 : fail(e, "sign", result);
}

int token11_sign(const struct token11 *t, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e)
{
	static const unsigned char sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
		0x02, 0x01, 0x05, 0x00, 0x04, 0x20 }; // RFC 8017, section 9.2
	unsigned char digest[sizeof sha256_info + EVP_MAX_MD_SIZE], raw[SIGNATURE_MAX];
	unsigned size;
	size_t n;
	CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
	CK_MECHANISM eddsa = { CKM_EDDSA, NULL, 0 }, ecdsa = { CKM_ECDSA, NULL, 0 }, v15 = { CKM_RSA_PKCS, NULL, 0 },
		     by_pss = { CKM_RSA_PKCS_PSS, &pss, sizeof pss };
	if (t->type == KEY_ED25519) {
		if (sign(t, &eddsa, data, length, raw, &n, e) < 0)
			return -1;
		buf_add(signature, raw, n);
		return 0;
	}
	memcpy(digest, sha256_info, sizeof sha256_info);
	EVP_Digest(data, length, digest + sizeof sha256_info, &size, t->type == KEY_P384 ? EVP_sha384() : EVP_sha256(), NULL);
	size_t skip = t->type == KEY_RSA && pkcs1 ? 0 : sizeof sha256_info;
	CK_MECHANISM *how = t->type != KEY_RSA ? &ecdsa : pkcs1 ? &v15 : &by_pss;
	if (sign(t, how, digest + skip, sizeof sha256_info + size - skip, raw, &n, e) < 0)
		return -1;
	if (t->type == KEY_RSA)
		buf_add(signature, raw, n);
	else
		key_ecdsa_der(raw, n, signature);
	return 0;
}
#else
static int not_built(struct err *e)
{
	return err_set(e, STATUS_REFUSED, "this tackle was built without p11-kit, which serves pkcs11: URIs");
}

json_t *token11_open(const char *uri, const char *pin, struct token11 **t, struct err *e)
{
	(void)uri;
	(void)pin;
	(void)t;
	not_built(e);
	return NULL;
}

void token11_close(struct token11 *t)
{
	(void)t;
}

int token11_sign(const struct token11 *t, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e)
{
	(void)t;
	(void)pkcs1;
	(void)data;
	(void)length;
	(void)signature;
	return not_built(e);
}
#endif
