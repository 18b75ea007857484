// Fuzz target of crypto/jose and crypto/revoked: a token that parses has a header and a payload; whatever it says, nothing that was not
// signed is good, and a list of the revoked that parses is sorted.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/jose.h"
#include "crypto/revoked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(const struct jose_token *token)
{
	static struct key keys[2];
	struct err e = { 0 };
	if (!keys[0].pkey && (key_generate(KEY_P384, &keys[0], &e) < 0 || key_generate(KEY_ED25519, &keys[1], &e) < 0))
		abort();
	if (jose_signature_good(token, &keys[0], JOSE_ES384) || jose_signature_good(token, &keys[1], JOSE_EDDSA))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct jose_token token;
	mem_auto char *line = mem_text_n((const char *)data, size);
	if (jose_parse(line, size, &token) == JOSE_GOOD) {
		if (!json_is_object(token.header) || !json_is_object(token.payload) || size > JOSE_TOKEN_MAX)
			abort();
		verify(&token);
	}
	jose_free(&token);
	revoked_auto list = { 0 };
	struct buf text = { .data = line, .length = size, .room = size };
	if (revoked_parse(&list, &text, &e) == 0)
		for (size_t i = 1; i < list.lines.count; i++)
			if (strcmp(list.lines.items[i - 1], list.lines.items[i]) > 0)
				abort();
	return 0;
}
