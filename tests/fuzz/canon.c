// Fuzz target of tuf/canon: what it accepts Jansson accepts too, with the same meaning; its output is a fixed point; and the walk over
// its output finds what Jansson finds.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_walk(const struct buf *text, const json_t *value)
{
	size_t members = 0;
	struct canon_span key, inner, last = { 0 };
	struct canon_walk w = canon_walk_start(text->data, text->length);
	for (; canon_walk_next(&w, &key, &inner); last = key, members++) {
		mem_auto char *name = canon_unquote(&key);
		buf_auto again = { 0 };
		buf_auto expected = { 0 };
		canon_quote(name, &again);
		demand(again.length == key.length && !memcmp(again.data, key.text, key.length));
		demand(canon_value(json_object_get(value, name), CANON_FILE, &expected, &(struct err){ 0 }) == 0);
		demand(expected.length == inner.length && !memcmp(expected.data, inner.text, inner.length));
		demand(!members || canon_compare(&last, &key) < 0);
	}
	demand(members == json_object_size(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 }, other = { 0 };
	buf_auto file = { 0 };
	buf_auto again = { 0 };
	buf_auto payload = { 0 };
	buf_auto second = { 0 };
	const char *text = (const char *)data;
	int failed = canon_text(text, size, CANON_FILE, "input", &file, &e);
	demand(!failed == !e.status && failed == canon_text(text, size, CANON_SIGNED, "input", &payload, &other));
	jsonio_auto json_t *value = jsonio_parse(text, size, "input", &other);
	demand(failed || value);
	if (failed) // what Jansson takes and we do not are numbers that are no integers
		demand(!file.length && (!value || strstr(e.text, "integer") || e.status == STATUS_LIMIT));
	if (failed)
		return 0;
	jsonio_auto json_t *round = jsonio_parse(file.data, file.length, "output", &e);
	demand(json_equal(value, round));
	demand(canon_text(file.data, file.length, CANON_FILE, "output", &again, &e) == 0);
	demand(file.length == again.length && !memcmp(file.data, again.data, file.length));
	demand(canon_text(file.data, file.length, CANON_SIGNED, "output", &second, &e) == 0);
	demand(payload.length == second.length && !memcmp(payload.data, second.data, second.length));
	second.length = 0;
	canon_to_signed(file.data, file.length, &second);
	demand(payload.length == second.length && !memcmp(payload.data, second.data, second.length));
	if (json_is_object(value))
		check_walk(&file, value);
	return 0;
}
