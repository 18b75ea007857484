// keys.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/hash.h"
#include "tuf/canon.h"
#include "tuf/keys.h"

enum {
	SIGNATURE_MAX = 2048, // bytes: RSA of 16384 bits
	KEYS_MAX = 1024,      // of one role: each is compared with each
};

static const struct {
	const char *keytype, *scheme;
	enum key_type type;
	bool ours; // what is written for a key of this type
} schemes[] = {
	{ "ed25519", "ed25519", KEY_ED25519, true },
	{ "ecdsa", "ecdsa-sha2-nistp256", KEY_P256, true },
	{ "ecdsa", "ecdsa-sha2-nistp384", KEY_P384, true },
	{ "rsa", "rsassa-pss-sha256", KEY_RSA, true },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", KEY_P256, false },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", KEY_P384, false },
};

// ---- key objects ----

static bool unhex(const char *hex, struct buf *out)
{
	size_t length, digits = strlen(hex);
	const char *end;
	buf_reserve(out, digits / 2 + 1);
	if (sodium_hex2bin((unsigned char *)out->data, digits / 2, hex, digits, NULL, &length, &end) || *end || digits % 2)
		return false;
	out->data[out->length = length] = '\0';
	return true;
}

// A public value in hex, by way of the JWK that holds the same bytes.
static bool parse_raw(const char *hex, enum key_type type, struct key *k)
{
	buf_auto raw = { 0 };
	buf_auto x = { 0 };
	buf_auto y = { 0 };
	jsonio_auto json_t *jwk = NULL;
	size_t width = 32;
	if (!unhex(hex, &raw))
		return false;
	if (type == KEY_ED25519 && raw.length == width) {
		b64_encode(raw.data, width, &x);
		jwk = json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x", buf_text(&x));
	} else if (type == KEY_P256 && raw.length == 2 * width + 1 && raw.data[0] == 4) { // SEC 1, section 2.3.3
		b64_encode(raw.data + 1, width, &x);
		b64_encode(raw.data + 1 + width, width, &y);
		jwk = json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x", buf_text(&x), "y", buf_text(&y));
	}
	return jwk && key_from_jwk(jwk, k, &(struct err){ 0 }) == 0;
}

static bool parse_value(const char *value, size_t scheme, struct key *k)
{
	struct err ignored = { 0 };
	bool is_pem = strstr(value, "-----BEGIN ") && value[0] != '{';
	if (!is_pem)
		return (schemes[scheme].type == KEY_ED25519 || !schemes[scheme].ours) &&
			parse_raw(value, schemes[scheme].type, k);
	if (schemes[scheme].type == KEY_ED25519 || key_parse_public(value, strlen(value), k, &ignored) < 0)
		return false;
	if (k->type == schemes[scheme].type)
		return true;
	key_free(k);
	return false;
}

// Fills entry->key where type, scheme and value are known. An object of another form is malformed.
static int read_object(const json_t *object, struct keys_entry *entry, struct err *e)
{
	const char *keytype = jsonio_need_text(object, "keytype", e);
	const char *scheme = keytype ? jsonio_need_text(object, "scheme", e) : NULL;
	const json_t *keyval = scheme ? json_object_get(object, "keyval") : NULL;
	if (!scheme)
		return -1;
	if (!json_is_object(keyval))
		return err_set(e, STATUS_MALFORMED, "field 'keyval': missing or not an object");
	const char *value = json_string_value(json_object_get(keyval, "public"));
	for (size_t i = 0; value && i < ARRAY_LENGTH(schemes); i++)
		if (!strcmp(keytype, schemes[i].keytype) && !strcmp(scheme, schemes[i].scheme))
			parse_value(value, i, &entry->key);
	return 0;
}

json_t *keys_object(const struct key *k)
{
	size_t i = 0;
	buf_auto value = { 0 };
	while (!schemes[i].ours || schemes[i].type != k->type)
		i++;
	if (k->type == KEY_ED25519) {
		char hex[65];
		unsigned char raw[32];
		size_t length = sizeof raw;
		EVP_PKEY_get_raw_public_key(k->pkey, raw, &length);
		digest_hex(raw, length, hex);
		buf_add_text(&value, hex);
	} else {
		key_public_pem(k, &value, &(struct err){ 0 });
	}
	return json_pack("{s:s, s:s, s:{s:s}}", "keytype", schemes[i].keytype, "scheme", schemes[i].scheme, "keyval", "public",
		buf_text(&value));
}

void keys_id(const struct key *k, char hex[static KEYS_ID_MAX])
{
	buf_auto text = { 0 };
	char digest[DIGEST_TEXT_MAX];
	jsonio_auto json_t *object = keys_object(k);
	canon_value(object, CANON_SIGNED, &text, &(struct err){ 0 });
	hash_bytes(DIGEST_SHA256, text.data, text.length, digest);
	memcpy(hex, digest_digits(digest), KEYS_ID_MAX);
}

// ---- the keys of a role ----

static int add_entry(const json_t *keys, const char *id, struct keys_set *set, struct err *e)
{
	json_t *object = json_object_get(keys, id);
	if (!object || keys_find(set, id))
		return 0;
	if (set->count == KEYS_MAX)
		return err_set(e, STATUS_LIMIT, "field 'keyids': more than %d keys", KEYS_MAX);
	struct keys_entry entry = { .same_as = set->count };
	if (!json_is_object(object))
		return err_set(e, STATUS_MALFORMED, "key '%s': not an object", id);
	if (read_object(object, &entry, e) < 0)
		return err_context(e, "key '%s'", id);
	const struct keys_entry *same = entry.key.pkey ? keys_find_key(set, &entry.key) : NULL;
	entry.same_as = same ? same->same_as : set->count;
	entry.id = mem_text(id);
	entry.object = json_incref(object);
	set->items = mem_resize(set->items, set->count + 1, sizeof *set->items);
	set->items[set->count++] = entry;
	return 0;
}

int keys_read(const json_t *keys, const json_t *role, struct keys_set *set, struct err *e)
{
	size_t i;
	json_t *id, *threshold = json_object_get(role, "threshold"), *ids = json_object_get(role, "keyids");
	*set = (struct keys_set){ 0 };
	if (!json_is_object(keys))
		return err_set(e, STATUS_MALFORMED, "field 'keys': missing or not an object");
	if (!json_is_array(ids))
		return err_set(e, STATUS_MALFORMED, "field 'keyids': missing or not an array");
	if (!json_is_integer(threshold) || json_integer_value(threshold) < 1)
		return err_set(e, STATUS_MALFORMED, "field 'threshold': not a whole number of at least 1");
	set->threshold = json_integer_value(threshold);
	json_array_foreach(ids, i, id) {
		if (!json_is_string(id)) {
			keys_free(set);
			return err_set(e, STATUS_MALFORMED, "field 'keyids': not strings");
		}
		if (add_entry(keys, json_string_value(id), set, e) < 0) {
			keys_free(set);
			return -1;
		}
	}
	return 0;
}

void keys_free(struct keys_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].id);
		key_free(&set->items[i].key);
		json_decref(set->items[i].object);
	}
	free(set->items);
	*set = (struct keys_set){ 0 };
}

const struct keys_entry *keys_find(const struct keys_set *set, const char *id)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->items[i].id, id))
			return &set->items[i];
	return NULL;
}

const struct keys_entry *keys_find_key(const struct keys_set *set, const struct key *key)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].key.pkey && key_same_public(&set->items[i].key, key))
			return &set->items[i];
	return NULL;
}

// ---- signatures ----

static const char *hash_of(enum key_type type)
{
	return type == KEY_ED25519 ? NULL : type == KEY_P384 ? "SHA384" : "SHA256";
}

static bool set_padding(EVP_PKEY_CTX *context, enum key_type type, int salt)
{
	return type != KEY_RSA ||
		(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1);
}

int keys_sign(const struct key *k, const void *payload, size_t length, struct buf *hex, struct err *e)
{
	buf_auto signature = { 0 };
	if (key_sign(k, false, payload, length, &signature, e) < 0)
		return -1;
	mem_auto char *text = mem_alloc(2 * signature.length + 1);
	digest_hex((unsigned char *)signature.data, signature.length, text);
	buf_add_text(hex, text);
	return 0;
}

bool keys_good_raw(const struct keys_entry *k, const void *payload, size_t length, const void *signature, size_t size)
{
	if (!k->key.pkey || !size)
		return false;
	EVP_PKEY_CTX *context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestVerifyInit_ex(md, &context, hash_of(k->key.type), NULL, NULL, k->key.pkey, NULL) == 1 &&
		set_padding(context, k->key.type, RSA_PSS_SALTLEN_AUTO) &&
		EVP_DigestVerify(md, signature, size, payload, length) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}

bool keys_good(const struct keys_entry *k, const void *payload, size_t length, const char *hex)
{
	buf_auto signature = { 0 };
	return unhex(hex, &signature) && keys_good_raw(k, payload, length, signature.data, signature.length);
}

static int check_form(const json_t *signatures, struct err *e)
{
	size_t i;
	json_t *s;
	if (!json_is_array(signatures))
		return err_set(e, STATUS_MALFORMED, "field 'signatures': missing or not an array");
	jsonio_auto json_t *seen = json_object();
	json_array_foreach(signatures, i, s) {
		const char *id = json_string_value(json_object_get(s, "keyid"));
		if (!id || !json_is_string(json_object_get(s, "sig")))
			return err_set(e, STATUS_MALFORMED, "field 'signatures': an entry without keyid and sig");
		if (json_object_get(seen, id))
			return err_set(e, STATUS_REFUSED, "two signatures by the keyid '%s'", id);
		json_object_set_new(seen, id, json_true());
	}
	return 0;
}

int64_t keys_count(const struct keys_set *set, const json_t *signatures, const void *payload, size_t length, struct err *e)
{
	size_t i;
	json_t *s;
	int64_t count = 0;
	if (check_form(signatures, e) < 0)
		return -1;
	mem_auto bool *counted = mem_alloc((set->count + 1) * sizeof *counted);
	json_array_foreach(signatures, i, s) {
		const struct keys_entry *k = keys_find(set, json_string_value(json_object_get(s, "keyid")));
		if (!k || counted[k->same_as] || !keys_good(k, payload, length, json_string_value(json_object_get(s, "sig"))))
			continue;
		counted[k->same_as] = true;
		count++;
	}
	return count;
}

int keys_check(const struct keys_set *set, const char *role, const json_t *signatures, const void *payload, size_t length,
	struct err *e)
{
	int64_t count = keys_count(set, signatures, payload, length, e);
	if (count < 0)
		return err_context(e, "%s", role);
	if (count >= set->threshold)
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: threshold not met: good signatures by %" PRId64 " of its keys: expected %" PRId64,
		role, count, set->threshold);
}
