// Fuzz target of tuf/scan and tuf/canon: both accept the same texts, and what scan calls canonical is what canon writes. Reading by
// scan finds what Jansson finds.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/canon.h"
#include "tuf/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void compare(struct scan_part part, const json_t *tree)
{
	int64_t number;
	bool truth;
	size_t count = 0;
	struct scan_part key = { 0 }, item;
	switch (json_typeof(tree)) {
	case JSON_STRING:
		check(scan_text_is(part, json_string_value(tree), json_string_length(tree)));
		break;
	case JSON_INTEGER:
		check(scan_integer(part, &number) && number == json_integer_value(tree));
		break;
	case JSON_OBJECT:
		for (struct scan_cursor c = scan_open(part); scan_next(&c, &key, &item); count++) {
			mem_auto char *name = scan_text(key);
			check(name && json_object_get(tree, name));
			check(scan_member(part, name).at == item.at);
			compare(item, json_object_get(tree, name));
		}
		check(count == json_object_size(tree));
		break;
	case JSON_ARRAY:
		for (struct scan_cursor c = scan_open(part); scan_next(&c, &key, &item); count++)
			compare(item, json_array_get(tree, count));
		check(count == json_array_size(tree));
		break;
	case JSON_NULL:
		check(scan_kind(part) == 'n');
		break;
	default:
		check(scan_boolean(part, &truth) && truth == json_is_true(tree));
	}
}

// What is noted in passing is what a search finds.
static void check_metadata(const char *text, size_t size, struct scan_part whole)
{
	struct scan_metadata m;
	struct scan_part signatures = scan_member(whole, "signatures"), body = scan_member(whole, "signed");
	int result = scan_metadata(text, size, "input", &m, &(struct err){ 0 });
	check((result == 0) == (scan_kind(signatures) == '[' && scan_kind(body) == '{'));
	if (result < 0)
		return;
	struct scan_part targets = scan_member(body, "targets");
	check(m.signatures.at == signatures.at && m.signed_part.at == body.at && m.targets.at == targets.at);
	check(m.signatures.length == signatures.length && m.signed_part.length == body.length &&
		m.targets.length == targets.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 }, other = { 0 };
	struct scan_part value;
	bool canonical;
	buf_auto form = { 0 };
	mem_auto char *text = mem_text_n((const char *)data, size);
	int result = scan_value(text, size, "input", &value, &canonical, &e);
	check(result == canon_text(text, size, CANON_SIGNED, "input", &form, &other));
	check((result < 0) == (e.status != STATUS_OK) && e.status == other.status);
	if (result < 0)
		return 0;
	check(canonical == (value.length == form.length && !memcmp(value.at, form.data, form.length)));
	jsonio_auto json_t *tree = jsonio_parse(text, size, "input", &e);
	check(tree != NULL);
	compare(value, tree);
	check_metadata(text, size, value);
	return 0;
}
