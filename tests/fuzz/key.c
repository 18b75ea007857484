// Fuzz target of crypto/key and crypto/jwks: what is taken for a key, as PEM, JWK or JWK set, comes back from its JWK with the same id.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jwks_entry *entry)
{
	struct err e = { 0 };
	char thumbprint[65];
	key_auto again = { 0 };
	json_t *jwk = key_jwk(&entry->key);
	if (key_from_jwk(jwk, &again, &e) < 0)
		abort();
	key_thumbprint(&again, thumbprint);
	json_decref(jwk);
	if (strcmp(thumbprint, entry->thumbprint) != 0 || again.type != entry->key.type)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	jwks_auto set = { 0 };
	mem_auto char *text = mem_text_n((const char *)data, size);
	if (jwks_parse(&set, text, size, &e) < 0)
		return 0;
	for (size_t i = 0; i < set.count; i++)
		check(&set.entries[i]);
	return 0;
}
