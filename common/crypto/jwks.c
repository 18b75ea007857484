// jwks.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/b64.h"
#include "crypto/jose.h"
#include "crypto/jwks.h"

enum { SET_FILE_MAX = 4 << 20 }; // bytes: some thousand keys

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

// Takes over k. jwk is NULL for a key that was none.
static void add(struct jwks *set, struct key k, const json_t *jwk)
{
	const char *kid = json_string_value(json_object_get(jwk, "kid"));
	const char *algorithm = json_string_value(json_object_get(jwk, "alg"));
	struct jwks_entry entry = { .key = k };
	key_thumbprint(&k, entry.thumbprint);
	for (size_t i = 0; i < set->count; i++) {
		const struct jwks_entry *old = &set->entries[i];
		if (!strcmp(old->thumbprint, entry.thumbprint) && same_text(old->kid, kid) &&
			same_text(old->algorithm, algorithm)) {
			key_free(&k);
			return;
		}
	}
	entry.kid = mem_text(kid);
	entry.algorithm = mem_text(algorithm);
	set->entries = mem_resize(set->entries, set->count + 1, sizeof *set->entries);
	set->entries[set->count++] = entry;
}

static int add_jwk(struct jwks *set, const json_t *jwk, struct err *e)
{
	struct key k;
	enum jose_algorithm algorithm;
	const json_t *use = json_object_get(jwk, "use"), *alg = json_object_get(jwk, "alg");
	if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return err_set(e, STATUS_REFUSED, "a JWK that is not for signatures: its `use' is not `sig'");
	if (key_from_jwk(jwk, &k, e) < 0)
		return -1;
	if (alg &&
		(!json_is_string(alg) || !jose_algorithm_find(json_string_value(alg), &algorithm) ||
			!jose_algorithm_fits(algorithm, k.type))) {
		key_free(&k);
		return err_set(e, STATUS_REFUSED, "a JWK whose `alg' is none that a key of type %s has here",
			key_type_name(k.type));
	}
	add(set, k, jwk);
	return 0;
}

static int add_set(struct jwks *set, const json_t *keys, struct err *e)
{
	size_t i;
	json_t *jwk;
	json_array_foreach(keys, i, jwk)
		if (add_jwk(set, jwk, e) < 0)
			return err_context(e, "keys[%zu]", i);
	return 0;
}

// Each PEM block in turn: a file may hold several.
static int add_pems(struct jwks *set, const char *text, struct err *e)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ";
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, begin)); count++) {
		const char *stop = strstr(at, end);
		const char *line_end = stop ? strstr(stop + sizeof end - 1, "-----") : NULL;
		if (!line_end)
			return err_set(e, STATUS_MALFORMED, "damaged PEM");
		mem_auto char *block = mem_format("%.*s\n", (int)(line_end + 5 - at), at);
		struct key k;
		if (key_parse_any(block, strlen(block), NULL, NULL, &k, e) < 0)
			return -1;
		add(set, k, NULL);
		at = line_end;
	}
	return count ? 0 : err_set(e, STATUS_MALFORMED, "neither PEM nor JWK");
}

int jwks_parse(struct jwks *set, const char *text, size_t length, struct err *e)
{
	if (text[strspn(text, " \t\r\n")] != '{')
		return add_pems(set, text, e);
	jsonio_auto json_t *value = jsonio_parse(text, length, "JWK", e);
	if (!value)
		return -1;
	const json_t *keys = jsonio_get_array(value, "keys", e);
	if (e->status)
		return -1;
	return keys ? add_set(set, keys, e) : add_jwk(set, value, e);
}

int jwks_read(struct jwks *set, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_file(path, SET_FILE_MAX, &text, e) < 0)
		return -1;
	return jwks_parse(set, buf_text(&text), text.length, e) < 0 ? err_context(e, "'%s'", path) : 0;
}

bool jwks_matches(const struct jwks_entry *entry, const char *kid)
{
	char base64url[44];
	if (entry->kid)
		return !strcmp(entry->kid, kid);
	jwks_thumbprint_base64url(entry->thumbprint, base64url);
	return !strcmp(entry->thumbprint, kid) || !strcmp(base64url, kid);
}

void jwks_free(struct jwks *set)
{
	for (size_t i = 0; i < set->count; i++) {
		key_free(&set->entries[i].key);
		free(set->entries[i].kid);
		free(set->entries[i].algorithm);
	}
	free(set->entries);
	*set = (struct jwks){ 0 };
}

void jwks_thumbprint_base64url(const char hex[65], char out[44])
{
	unsigned char bytes[32];
	sodium_hex2bin(bytes, sizeof bytes, hex, 64, NULL, NULL, NULL);
	buf_auto text = { 0 };
	b64_encode(bytes, sizeof bytes, &text);
	memcpy(out, text.data, 44); // with its NUL
}
