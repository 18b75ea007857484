// Fuzz target of tuf/role: a metadata file is refused, or it has the form of its role and survives being written and read again with
// the same bytes to sign.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "tuf/role.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	role_auto first = { 0 };
	role_auto second = { 0 };
	keys_auto set = { 0 };
	buf_auto text = { 0 };
	buf_auto before = { 0 };
	buf_auto after = { 0 };
	if (role_parse((const char *)data, size, "input", &first, &e) < 0) {
		demand(e.status);
		return 0;
	}
	role_payload(&first, &before);
	role_text(&first, &text);
	demand(role_parse(text.data, text.length, "output", &second, &e) == 0);
	role_payload(&second, &after);
	demand(before.length == after.length && !memcmp(before.data, after.data, before.length));
	demand(json_equal(role_signatures(&first), role_signatures(&second)));
	if (role_keys(&first, "timestamp", &set, &(struct err){ 0 }) == 0)
		keys_count(&set, role_signatures(&first), before.data, before.length, &(struct err){ 0 });
	return 0;
}
