// jwk - print public keys as JSON Web Keys
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILEs: keys (PEM, JWK, JWK sets), of which only the public half is taken. stdout: one JWK (RFC 7517) with `kid`, the RFC 7638
// thumbprint; several, or --set, as a JWK set in the order given, each once.
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/b64.h"
#include "crypto/hash.h"
#include "crypto/jose.h"
#include "crypto/jwks.h"

static struct {
	bool set, legacy_kid;
	const char *kid_format, *algorithm;
} user = { .kid_format = "hex", .algorithm = "RS256" };

static const struct cmd_option options[] = {
	CMD_FLAG(0, "set", &user.set, "print a JWK set, for one key too"),
	CMD_CHOICE(0, "kid-format", &user.kid_format, "hex|base64url", "how the thumbprint is spelled; hex unless told"),
	CMD_CHOICE(0, "alg", &user.algorithm, "RS256|PS256",
		"what an RSA key is for, where its JWK does not say; RS256 unless told"),
	CMD_FLAG(0, "legacy-kid", &user.legacy_kid, "the kid of brkt-cli 1.0.4, which dropped leading zero bytes"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "jwk",
	.operands = "[FILE ...]",
	.summary = "print public keys as JSON Web Keys",
	.reads = CMD_BYTES,
	.writes = CMD_JSON,
	.most_operands = -1,
	.options = options,
};

// One of an EC key's coordinates without its leading zero bytes.
static void strip_zeros(json_t *jwk, const char *name)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	buf_auto bytes = { 0 };
	buf_auto stripped = { 0 };
	if (!text || !b64_decode(text, strlen(text), &bytes))
		return;
	size_t zeros = 0;
	while (zeros < bytes.length && !bytes.data[zeros])
		zeros++;
	b64_encode(bytes.data + zeros, bytes.length - zeros, &stripped);
	json_object_set_new(jwk, name, json_string(buf_text(&stripped)));
}

static json_t *kid_of(const struct jwks_entry *entry)
{
	char base64url[44], digest[DIGEST_TEXT_MAX];
	if (user.legacy_kid) {
		jsonio_auto json_t *jwk = key_jwk(&entry->key);
		strip_zeros(jwk, "x");
		strip_zeros(jwk, "y");
		mem_auto char *text = jsonio_text(jwk);
		hash_bytes(DIGEST_SHA256, text, strlen(text), digest);
		return json_string(digest_digits(digest));
	}
	if (!strcmp(user.kid_format, "hex"))
		return json_string(entry->thumbprint);
	jwks_thumbprint_base64url(entry->thumbprint, base64url);
	return json_string(base64url);
}

static json_t *jwk_of(const struct jwks_entry *entry)
{
	json_t *jwk = key_jwk(&entry->key);
	const char *algorithm =
		entry->key.type == KEY_RSA ? user.algorithm : jose_algorithm_name(jose_algorithm_of(entry->key.type));
	json_object_set_new(jwk, "alg", json_string(entry->algorithm ? entry->algorithm : algorithm));
	json_object_set_new(jwk, "use", json_string("sig"));
	json_object_set_new(jwk, "kid", kid_of(entry));
	return jwk;
}

static json_t *product(const struct jwks *keys)
{
	if (keys->count == 1 && !user.set)
		return jwk_of(&keys->entries[0]);
	json_t *array = json_array();
	for (size_t i = 0; i < keys->count; i++)
		json_array_append_new(array, jwk_of(&keys->entries[i]));
	return json_pack("{s:o}", "keys", array);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	jwks_auto keys = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	struct sandbox sandbox = { 0 };
	secret_guard();
	for (int i = 0; i < files.count; i++)
		texts_add(&sandbox.reads, files.items[i]);
	if (sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	if (!files.count && jwks_read(&keys, "-", &e) < 0)
		return cmd_fail(&e);
	for (int i = 0; i < files.count; i++)
		if (jwks_read(&keys, files.items[i], &e) < 0)
			return cmd_fail(&e);
	jsonio_auto json_t *result = product(&keys);
	record_write(result);
	return cmd_finish();
}
