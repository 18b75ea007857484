// Fuzz target of net/challenge: a line is read or malformed, and its parameters hold no control character.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *value)
{
	for (; value && *value; value++)
		if ((unsigned char)*value < ' ' && *value != '\t')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mem_auto char *line = mem_text_n((const char *)data, size);
	struct err e = { 0 };
	struct challenge c = { 0 };
	if (challenge_add(&c, line, &e) < 0 && e.status != STATUS_MALFORMED)
		abort();
	check(c.realm);
	check(c.service);
	check(c.scope);
	challenge_free(&c);
	return 0;
}
