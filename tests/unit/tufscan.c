// Unit tests of common/tuf/scan.h beside common/tuf/canon.h, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "tuf/canon.h"
#include "tuf/scan.h"

// dtuf:A7, dtuf:K7: what is refused, and what the rest is in canonical form.
static void canonical_form(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *canonical; // NULL: refused
	} cases[] = {
		{ "{}", "{}" },
		{ " [ ] \r\n\t", "[]" },
		{ "{\"b\":1,\"a\":[true,false,null]}", "{\"a\":[true,false,null],\"b\":1}" },
		{ "{\"a\" : {\"d\":1, \"c\":-2}}", "{\"a\":{\"c\":-2,\"d\":1}}" },
		{ "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}" },
		{ "\"\\u0061\\/\\n\\\"\\\\\\u00e9\"", "\"a/\n\\\"\\\\\xc3\xa9\"" },
		{ "\"\\ud83d\\ude00\\uffff\\u07ff\"", "\"\xf0\x9f\x98\x80\xef\xbf\xbf\xdf\xbf\"" },
		// by code point, not by UTF-16 unit nor by the bytes of an escape
		{ "{\"\\ud83d\\ude00\":1,\"\xef\xbf\xbd\":2,\"\\u0062\":3,\"a\":4}",
			"{\"a\":4,\"b\":3,\"\xef\xbf\xbd\":2,\"\xf0\x9f\x98\x80\":1}" },
		{ "-0", "0" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "9223372036854775808", NULL },
		{ "-9223372036854775809", NULL },
		{ "184467440737095516160", NULL },
		{ "", NULL },
		{ " ", NULL },
		{ "{", NULL },
		{ "{\"a\"}", NULL },
		{ "{\"a\":1,}", NULL },
		{ "{a:1}", NULL },
		{ "[1,]", NULL },
		{ "[1", NULL },
		{ "[1}", NULL },
		{ "{\"a\":1]", NULL },
		{ "{} {}", NULL },
		{ "{}x", NULL },
		{ "tru", NULL },
		{ "truex", NULL },
		{ "1e3", NULL },
		{ "1.0", NULL },
		{ "01", NULL },
		{ "-", NULL },
		{ "+1", NULL },
		{ "NaN", NULL },
		{ "\xef\xbb\xbf{}", NULL },
		{ "{\"a\":1,\"a\":2}", NULL },
		{ "{\"b\":1,\"a\":2,\"b\":3}", NULL },
		{ "{\"a\":1,\"\\u0061\":2}", NULL },
		{ "{\"x\":1,\"a\":{\"a\":2},\"b\":{\"b\":1}}", "{\"a\":{\"a\":2},\"b\":{\"b\":1},\"x\":1}" },
		{ "\"\xff\"", NULL },
		{ "\"\xc0\x80\"", NULL },
		{ "\"\xed\xa0\x80\"", NULL },
		{ "\"\\ud800\"", NULL },
		{ "\"\\udc00\"", NULL },
		{ "\"\\ud800\\u0041\"", NULL },
		{ "\"\\u0000\"", NULL },
		{ "\"\\u00g0\"", NULL },
		{ "\"\\x41\"", NULL },
		{ "\"a\nb\"", NULL },
		{ "\"a", NULL },
		{ "\"a\\", NULL },
		{ "\"\x7f\"", "\"\x7f\"" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct scan_part value;
		bool canonical;
		buf_auto out = { 0 };
		int result = scan_value(cases[i].text, strlen(cases[i].text), "input", &value, &canonical, &e);
		if ((result == 0) != (cases[i].canonical != NULL))
			fail_msg("'%s': %s", cases[i].text, e.text);
		if (result < 0) {
			assert_int_equal(canon_text(cases[i].text, strlen(cases[i].text), CANON_SIGNED, "input", &out,
						 &(struct err){ 0 }),
				-1);
			assert_int_equal(e.status, STATUS_MALFORMED);
			continue;
		}
		assert_int_equal(canon_text(cases[i].text, strlen(cases[i].text), CANON_SIGNED, "input", &out, &e), 0);
		assert_string_equal(buf_text(&out), cases[i].canonical);
		// the flag says no more and no less than that
		assert_int_equal(canonical, value.length == out.length && !memcmp(value.at, out.data, out.length));
	}
}

static void nul_byte_and_depth(void **unused)
{
	(void)unused;
	struct scan_part value;
	struct err e = { 0 };
	assert_int_equal(scan_value("\"a\0b\"", 5, "input", &value, NULL, &e), -1);
	char deep[2 * 65];
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	assert_int_equal(scan_value(deep + 1, 128, "input", &value, NULL, &e), 0);
	assert_int_equal(scan_value(deep, 130, "input", &value, NULL, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
	e = (struct err){ 0 };
	assert_int_equal(scan_value("{\n \"a\":\n  x}", 12, "'f'", &value, NULL, &e), -1);
	assert_string_equal(e.text, "'f': 3:3: bad JSON: not JSON");
}

static void reading(void **unused)
{
	(void)unused;
	static const char text[] =
		"{ \"a\" : [ 1 , \"x\\u0079\" , {\"]\":\"}\"} ] ,\n\"b\\/c\": -5, \"t\":true,\"n\":null,\"e\":{}}";
	struct scan_part whole, key = { 0 }, part;
	struct err e = { 0 };
	int64_t number;
	bool truth;
	size_t count = 0;
	assert_int_equal(scan_value(text, sizeof text - 1, "input", &whole, NULL, &e), 0);
	for (struct scan_cursor c = scan_open(whole); scan_next(&c, &key, &part);)
		count++;
	assert_int_equal(count, 5);
	struct scan_cursor items = scan_open(scan_member(whole, "a"));
	assert_true(scan_next(&items, &key, &part) && scan_integer(part, &number) && number == 1);
	assert_true(scan_next(&items, &key, &part) && scan_text_is(part, "xy", 2) && !scan_text_is(part, "x\\u0079", 7));
	mem_auto char *decoded = scan_text(part);
	assert_string_equal(decoded, "xy");
	assert_true(scan_next(&items, &key, &part) && scan_text_is(scan_member(part, "]"), "}", 1));
	assert_false(scan_next(&items, &key, &part));
	assert_true(scan_integer(scan_member(whole, "b/c"), &number) && number == -5);
	assert_false(scan_integer(scan_member(whole, "t"), &number));
	assert_true(scan_boolean(scan_member(whole, "t"), &truth) && truth);
	assert_false(scan_boolean(scan_member(whole, "n"), &truth));
	assert_int_equal(scan_kind(scan_member(whole, "absent")), 'N');
	assert_int_equal(scan_kind(scan_member(scan_member(whole, "n"), "x")), 'N');
	items = scan_open(scan_member(whole, "e"));
	assert_false(scan_next(&items, &key, &part));
	items = scan_open(scan_member(whole, "t"));
	assert_false(scan_next(&items, &key, &part));
}

static void metadata(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		bool good, canonical;
	} cases[] = {
		{ "{\"signatures\":[],\"signed\":{}}\n", true, true },
		{ "{\"signed\":{},\"signatures\":[]}", true, false },
		{ "{\"signatures\":{},\"signed\":{}}", false, false },
		{ "{\"signatures\":[],\"signed\":[]}", false, false },
		{ "{\"signatures\":[]}", false, false },
		{ "{\"signatures\":[{\"signed\":{\"targets\":1}}],\"\\u0073igned\":{\"t\\u0061rgets\":{}}}", true, false },
		{ "[{\"signatures\":[],\"signed\":{}}]", false, false },
		{ "[]", false, false },
		{ "1", false, false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct scan_metadata m;
		assert_int_equal(scan_metadata(cases[i].text, strlen(cases[i].text), "input", &m, &e) == 0, cases[i].good);
		assert_true(!cases[i].good || m.targets.at == scan_member(m.signed_part, "targets").at);
		assert_true(!cases[i].good || m.canonical == cases[i].canonical);
		assert_int_equal(e.status, cases[i].good ? STATUS_OK : STATUS_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(nul_byte_and_depth),
		cmocka_unit_test(reading),
		cmocka_unit_test(metadata),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
