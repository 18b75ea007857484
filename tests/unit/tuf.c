// Unit tests of common/tuf: canonical JSON, names, lifetimes, keys, the form of metadata. Tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/canon.h"
#include "tuf/delegation.h"
#include "tuf/lifetime.h"
#include "tuf/names.h"
#include "tuf/role.h"

// dtuf:K7 dtuf:A7
static void canonical(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *wanted; // NULL: refused
	} cases[] = {
		{ "{}", "{}" },
		{ " [ ] ", "[]" },
		{ "{\"b\":1,\"a\":[true,false,null]}", "{\"a\":[true,false,null],\"b\":1}" },
		{ "{\"a\":1,\"\":2,\"B\":3}", "{\"\":2,\"B\":3,\"a\":1}" },
		{ "{\"a\":{\"z\":1,\"y\":{\"x\":1,\"w\":2}},\"A\":[{\"b\":1,\"a\":2}]}",
			"{\"A\":[{\"a\":2,\"b\":1}],\"a\":{\"y\":{\"w\":2,\"x\":1},\"z\":1}}" },
		{ "\"\\u0041\\/\\b\\t\\n\"", "\"A/\b\t\n\"" },
		{ "\"\\\"\\\\\"", "\"\\\"\\\\\"" },
		{ "\"\\u00e9\\ud83d\\ude00\x7f\"", "\"\xc3\xa9\xf0\x9f\x98\x80\x7f\"" },
		// by code point, not by UTF-16 unit, and as what they stand for
		{ "{\"\xef\xbf\xbd\":1,\"\\ud83d\\ude00\":2}", "{\"\xef\xbf\xbd\":1,\"\xf0\x9f\x98\x80\":2}" },
		{ "{\"A\":1,\"\\\"\":2,\"!\":3,\"\\u0001\":4,\"]\":5,\"\\\\\":6}",
			"{\"\x01\":4,\"!\":3,\"\\\"\":2,\"A\":1,\"\\\\\":6,\"]\":5}" },
		{ "[0,-1,9223372036854775807,-9223372036854775808]", "[0,-1,9223372036854775807,-9223372036854775808]" },
		{ "-0", "0" },
		{ "9223372036854775808", NULL },
		{ "-9223372036854775809", NULL },
		{ "123456789012345678901234567890", NULL },
		{ "1.0", NULL },
		{ "1e3", NULL },
		{ "1E3", NULL },
		{ "01", NULL },
		{ "-", NULL },
		{ "+1", NULL },
		{ "NaN", NULL },
		{ "tru", NULL },
		{ "", NULL },
		{ "{} x", NULL },
		{ "{}{}", NULL },
		{ "{\"a\":1,\"a\":1}", NULL },
		{ "{\"a\":1,\"b\":1,\"\\u0061\":1}", NULL },
		{ "{\"a\":1,}", NULL },
		{ "[1,]", NULL },
		{ "[1", NULL },
		{ "[", NULL },
		{ "{", NULL },
		{ "{\"a\"", NULL },
		{ "{\"a\":", NULL },
		{ "{\"a\":1", NULL },
		{ "[,1]", NULL },
		{ "[1 2]", NULL },
		{ "{a:1}", NULL },
		{ "{\"a\" 1}", NULL },
		{ "'a'", NULL },
		{ "\"\\ud800\"", NULL },
		{ "\"\\udc00\"", NULL },
		{ "\"\\ud800\\u0041\"", NULL },
		{ "\"\\u0000\"", NULL },
		{ "\"\\x41\"", NULL },
		{ "\"\\u12g4\"", NULL },
		{ "\"a\nb\"", NULL },
		{ "\"\xff\"", NULL },
		{ "\"\xed\xa0\x80\"", NULL },
		{ "\"\xc0\x80\"", NULL },
		{ "\"abc", NULL },
		{ "\"abc\\", NULL },
		{ "\xef\xbb\xbf{}", NULL },
		{ "[1,/**/2]", NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		buf_auto out = { 0 };
		buf_add_text(&out, "x");
		int failed = canon_text(cases[i].text, strlen(cases[i].text), CANON_SIGNED, "t", &out, &e);
		if (failed != (cases[i].wanted ? 0 : -1) || (!failed && strcmp(out.data + 1, cases[i].wanted) != 0))
			fail_msg("%s: %s%s", cases[i].text, out.data, e.text);
		assert_int_equal(e.status, failed ? STATUS_MALFORMED : STATUS_OK);
		if (failed) {
			assert_string_equal(out.data, "x");
			continue;
		}
		buf_auto file = { 0 };
		assert_int_equal(canon_text(cases[i].text, strlen(cases[i].text), CANON_FILE, "t", &file, &e), 0);
		out.length = 0;
		canon_to_signed(file.data, file.length, &out);
		assert_string_equal(out.data, cases[i].wanted);
	}
}

static void canonical_limits(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	buf_auto deep = { 0 };
	buf_auto out = { 0 };
	for (int i = 0; i < JSONIO_DEPTH_MAX; i++)
		buf_add_byte(&deep, '[');
	for (int i = 0; i < JSONIO_DEPTH_MAX; i++)
		buf_add_byte(&deep, ']');
	assert_int_equal(canon_text(deep.data, deep.length, CANON_FILE, "t", &out, &e), 0);
	mem_auto char *deeper = mem_format("[%s]", deep.data);
	assert_int_equal(canon_text(deeper, strlen(deeper), CANON_FILE, "t", &out, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
	e = (struct err){ 0 };
	assert_int_equal(canon_text("\"a\0b\"", 5, CANON_FILE, "t", &out, &e), -1);
	assert_int_equal(canon_text("{}\0", 3, CANON_FILE, "t", &out, &e), -1);
	assert_int_equal(canon_text("{\"a\":\n  x}", 10, CANON_FILE, "t", &out, &e), -1);
	assert_string_equal(e.text, "t: 2:3: bad JSON");
	out.length = 0;
	assert_int_equal(canon_text("\"\\u0001\\n\\u001f\\r\"", 18, CANON_FILE, "t", &out, &e), 0);
	assert_string_equal(out.data, "\"\\u0001\\n\\u001f\\u000d\"");
}

// dtuf:S17 dtuf:A9: what a file or URL is called, and back.
static void quoted(void **unused)
{
	(void)unused;
	static const struct {
		const char *name, *file, *url;
	} cases[] = {
		{ "targets", "targets.json", "7.targets.json" },
		{ "a/b", "a%2Fb.json", "7.a%2Fb.json" },
		{ "../x", "..%2Fx.json", "7...%2Fx.json" },
		{ ".", "%2E.json", "7...json" },
		{ "..", "%2E%2E.json", "7....json" },
		{ "...", "....json", "7.....json" },
		{ "?#%", "%3F%23%25.json", "7.%3F%23%25.json" },
		{ "\xc3\xa9 ~A-_", "%C3%A9%20~A-_.json", "7.%C3%A9%20~A-_.json" },
		{ "\n", "%0A.json", "7.%0A.json" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto part = { 0 };
		mem_auto char *file = names_role_file(cases[i].name, 0);
		mem_auto char *url = names_role_url(cases[i].name, 7);
		assert_string_equal(file, cases[i].file);
		assert_string_equal(url, cases[i].url);
		names_file(cases[i].name, &part);
		mem_auto char *back = names_unfile(buf_text(&part));
		assert_string_equal(back, cases[i].name);
	}
	static const char *const strange[] = { "%2f", "%2E%2e", "%", "%4", "%41", "a/b", ".", "..", "%00", "%%41" };
	for (size_t i = 0; i < ARRAY_LENGTH(strange); i++)
		assert_null(names_unfile(strange[i]));
	char name[4097];
	memset(name, 'x', sizeof name - 1);
	name[4096] = '\0';
	mem_auto char *hashed = names_role_file(name, 0);
	assert_int_equal(strlen(hashed), 2 + 64 + 5);
	assert_int_equal(strncmp(hashed, "%%", 2), 0);
	name[NAMES_FILE_MAX] = '\0';
	mem_auto char *whole = names_role_file(name, 3);
	assert_int_equal(strlen(whole), NAMES_FILE_MAX + 2 + 5);
}

// dtuf:S24 dtuf:S26
static void targets(void **unused)
{
	(void)unused;
	static const struct {
		const char *path, *plain, *hashed;
		bool is_plain;
	} cases[] = {
		{ "a", "a", "H.a", true },
		{ "a/b c", "a/b%20c", "a/H.b%20c", true },
		{ "../x", "../x", "../H.x", false },
		{ "/x", "/x", "/H.x", false },
		{ "a//b", "a//b", "a//H.b", false },
		{ "a/", "a/", "a/H.", false },
		{ "a/./b", "a/./b", "a/./H.b", false },
		{ "a/...", "a/...", "a/H....", true },
		{ "[x]", "%5Bx%5D", "H.%5Bx%5D", true },
		{ "", "", "H.", false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *plain = names_target_url(cases[i].path, NULL);
		mem_auto char *hashed = names_target_url(cases[i].path, "H");
		assert_string_equal(plain, cases[i].plain);
		assert_string_equal(hashed, cases[i].hashed);
		assert_int_equal(names_is_plain_path(cases[i].path), cases[i].is_plain);
	}
}

// dtuf:S20
static void patterns(void **unused)
{
	(void)unused;
	static const struct {
		const char *pattern, *path;
		bool match;
	} cases[] = {
		{ "a", "a", true },
		{ "*", "a", true },
		{ "*", "a/b", false },
		{ "*/*", "a/b", true },
		{ "a/*", "a/", true },
		{ "a/*", "a", false },
		{ "a/*/c", "a/b/c", true },
		{ "a/?", "a//", false },
		{ "a?b", "a/b", false },
		{ "a[/]b", "a/b", false },
		{ "a[!x]b", "a/b", false },
		{ "[a-c]", "b", true },
		{ "[!a-c]", "b", false },
		{ "*.tar", ".tar", true },
		{ "*", ".hidden", true },
		{ "A", "a", false },
		{ "a\\*", "a*", false },
		{ "a\\*", "a\\b", true },
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "?", "", false },
		{ "*", "", true },
		{ "a*b*c", "aXbXbc", true },
		{ "a*b*c", "aXbXb", false },
		{ "**a", "bca", true },
		{ "?", "\xc3\xa9", true }, // characters, not bytes
		{ "??", "\xc3\xa9", false },
		{ "[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true },
		{ "[!a]", "\xc3\xa9", true },
		{ "[]]", "]", true },
		{ "[!]]", "]", false },
		{ "[a-]", "-", true },
		{ "[^a]", "^", true },
		{ "[a", "[a", true },
		{ "[", "[", true },
		{ "[", "a", false },
		{ "[c-a]", "b", false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		if (names_match(cases[i].pattern, cases[i].path) != cases[i].match)
			fail_msg("%s %s", cases[i].pattern, cases[i].path);
}

// dtuf:S21
static void bins(void **unused)
{
	(void)unused;
	char hash[NAMES_HASH_MAX];
	names_path_hash("hello", hash); // 2cf24dba...
	assert_int_equal(names_bin(hash, 1), 0);
	assert_int_equal(names_bin(hash, 3), 1);
	assert_int_equal(names_bin(hash, 8), 0x2c);
	assert_int_equal(names_bin(hash, 14), 0x2cf2 >> 2);
	assert_int_equal(names_bin(hash, 32), 0x2cf24dba);
	static const struct {
		int bits;
		uint32_t bin;
		const char *role;
	} cases[] = { { 1, 1, "b-1" }, { 4, 15, "b-f" }, { 5, 1, "b-01" }, { 8, 255, "b-ff" }, { 9, 1, "b-001" },
		{ 14, 0x3fff, "b-3fff" }, { 32, 0xffffffff, "b-ffffffff" } };
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *role = names_bin_role("b", cases[i].bits, cases[i].bin);
		assert_string_equal(role, cases[i].role);
	}
}

// dtuf:D62
static void lifetimes(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		int64_t seconds; // 0: refused
	} cases[] = {
		{ "1s", 1 },
		{ "2h", 7200 },
		{ "3d", 259200 },
		{ "1w 2d", 777600 },
		{ "1w2d", 777600 },
		{ "1 week, 2 days", 777600 },
		{ "1.5h", 5400 },
		{ "4:13:02", 15182 },
		{ "2:10", 130 },
		{ "1:02:03:04", 93784 },
		{ "1w 2d 4:13:02", 792782 },
		{ "3 days 4:00", 259440 },
		{ "1h30m", 5400 },
		{ "10 mins 5 secs", 605 },
		{ "1 wk", 604800 },
		{ "2 hrs 1 min 1 sec", 7261 },
		{ "90", 90 },
		{ "0.5s", 1 },
		{ " 1s ", 1 },
		{ "", 0 },
		{ " ", 0 },
		{ "0", 0 },
		{ "0s", 0 },
		{ "-1", 0 },
		{ "-1s", 0 },
		{ "+1s", 0 },
		{ "1", 1 },
		{ "1.5", 0 },
		{ "s", 0 },
		{ "1x", 0 },
		{ "1sx", 0 },
		{ "2d 1w", 0 },
		{ "1h 1h", 0 },
		{ "1h 2:10", 0 },
		{ "1w 1:02:03:04", 0 },
		{ "2:10 1s", 0 },
		{ "2:60", 0 },
		{ "1:2", 0 },
		{ "1:24:00:00", 0 },
		{ "1:1:02:03:04", 0 },
		{ "1e3s", 0 },
		{ "0x10s", 0 },
		{ "1,,2s", 0 },
		{ "99999999999999", 0 },
		{ "999999999999999w", 0 },
		{ "forever", 0 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t seconds = 0;
		bool good = lifetime_parse(cases[i].text, &seconds);
		if (good != (cases[i].seconds > 0) || (good && seconds != cases[i].seconds))
			fail_msg("'%s': %lld", cases[i].text, (long long)seconds);
	}
}

// dtuf:K5 dtuf:K6 dtuf:K8 dtuf:K1: each type signs and verifies, and nothing else does.
static void signatures(void **unused)
{
	(void)unused;
	static const enum key_type types[] = { KEY_ED25519, KEY_P256, KEY_P384, KEY_RSA };
	static const char *const schemes[] = { "ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "rsassa-pss-sha256" };
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		struct err e = { 0 };
		key_auto key = { 0 };
		buf_auto hex = { 0 };
		keys_auto set = { 0 };
		char id[KEYS_ID_MAX];
		assert_int_equal(key_generate(types[i], &key, &e), 0);
		json_t *object = keys_object(&key);
		assert_string_equal(json_string_value(json_object_get(object, "scheme")), schemes[i]);
		keys_id(&key, id);
		jsonio_auto json_t *all = json_pack("{s:o, s:O}", id, object, "again", object);
		jsonio_auto json_t *role = json_pack("{s:[s,s,s,s], s:i}", "keyids", id, id, "again", "missing", "threshold", 2);
		assert_int_equal(keys_read(all, role, &set, &e), 0);
		assert_int_equal(set.count, 2);
		assert_int_equal(keys_sign(&key, "payload", 7, &hex, &e), 0);
		assert_true(keys_good(&set.items[0], "payload", 7, hex.data));
		assert_false(keys_good(&set.items[0], "payloaD", 7, hex.data));
		assert_false(keys_good(&set.items[0], "payload", 7, ""));
		assert_false(keys_good(&set.items[0], "payload", 7, "zz"));
		// two ids of one key count once: dtuf:S14 dtuf:A6
		jsonio_auto json_t *both =
			json_pack("[{s:s, s:s}, {s:s, s:s}]", "keyid", id, "sig", hex.data, "keyid", "again", "sig", hex.data);
		assert_int_equal(keys_count(&set, both, "payload", 7, &e), 1);
		assert_int_equal(keys_check(&set, "root", both, "payload", 7, &e), -1);
		assert_int_equal(e.status, STATUS_REFUSED);
		jsonio_auto json_t *twice =
			json_pack("[{s:s, s:s}, {s:s, s:s}]", "keyid", id, "sig", hex.data, "keyid", id, "sig", "");
		e = (struct err){ 0 };
		assert_int_equal(keys_count(&set, twice, "payload", 7, &e), -1);
		assert_int_equal(e.status, STATUS_REFUSED);
	}
}

// dtuf:K9 dtuf:K10: a legacy key as PEM or point; unknown types and broken values sign nothing but are no error.
static void odd_keys(void **unused)
{
	(void)unused;
	static const char *const objects[] = {
		"{\"keytype\":\"foo\",\"scheme\":\"bar\",\"keyval\":{}}",
		"{\"keytype\":\"ed25519\",\"scheme\":\"bar\",\"keyval\":{\"public\":\"00\"}}",
		"{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"00\"}}",
		"{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":\"xyz\"}}",
		"{\"keytype\":\"rsa\",\"scheme\":\"rsassa-pss-sha256\",\"keyval\":{\"public\":\"-----BEGIN PUBLIC KEY-----\"}}",
		"{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-sha2-nistp256\",\"keyval\":{\"public\":\"{}\"}}",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(objects); i++) {
		struct err e = { 0 };
		keys_auto set = { 0 };
		jsonio_auto json_t *object = jsonio_parse(objects[i], strlen(objects[i]), "key", &e);
		jsonio_auto json_t *all = json_pack("{s:O}", "k", object);
		jsonio_auto json_t *role = json_pack("{s:[s], s:i}", "keyids", "k", "threshold", 1);
		assert_int_equal(keys_read(all, role, &set, &e), 0);
		assert_null(set.items[0].key.pkey);
		assert_false(keys_good(&set.items[0], "x", 1, "00"));
	}
	static const char *const roles[] = {
		"{\"keyids\":[],\"threshold\":0}",
		"{\"keyids\":[],\"threshold\":-1}",
		"{\"keyids\":[],\"threshold\":1.5}",
		"{\"keyids\":[],\"threshold\":\"1\"}",
		"{\"keyids\":[1],\"threshold\":1}",
		"{\"keyids\":{},\"threshold\":1}",
		"{\"threshold\":1}",
		"{\"keyids\":[]}",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		struct err e = { 0 };
		keys_auto set = { 0 };
		jsonio_auto json_t *role = jsonio_parse(roles[i], strlen(roles[i]), "role", &e);
		jsonio_auto json_t *all = json_object();
		assert_int_equal(keys_read(all, role, &set, &e), -1);
		assert_int_equal(e.status, STATUS_MALFORMED);
	}
}

#define BODY(members)                                                                                                            \
	"{\"signatures\":[],\"signed\":{\"spec_version\":\"1.0.34\",\"version\":1,\"expires\":\"2030-01-01T00:00:00Z\"," members \
	"}}"
#define TARGETS(delegations) BODY("\"_type\":\"targets\",\"targets\":{},\"delegations\":{\"keys\":{}," delegations "}")
#define NAMED(name, rest)    "{\"name\":\"" name "\",\"keyids\":[],\"threshold\":1,\"terminating\":false," rest "}"

// dtuf:S18 dtuf:S27 dtuf:A6 dtuf:A8
static void metadata(void **unused)
{
	(void)unused;
	static const struct {
		enum status status;
		const char *text;
	} cases[] = {
		{ STATUS_OK, BODY("\"_type\":\"targets\",\"targets\":{}") },
		{ STATUS_OK, BODY("\"_type\":\"snapshot\",\"meta\":{\"targets.json\":{\"version\":1}}") },
		{ STATUS_OK,
			BODY("\"_type\":\"timestamp\",\"meta\":{\"snapshot.json\":{\"version\":1,\"length\":1,\"hashes\":{\"x\":"
			     "\"y\"}}}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"timestamp\",\"meta\":{}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"timestamp\",\"meta\":{\"snapshot.json\":{\"version\":0}}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"timestamp\",\"meta\":{\"snapshot.json\":{\"version\":1,\"hashes\":{}}}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"timestamp\",\"meta\":{\"snapshot.json\":{\"version\":1,\"length\":-1}}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"mirrors\"") },
		{ STATUS_MALFORMED, BODY("\"targets\":{}") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"targets\"") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"targets\",\"targets\":[]") },
		{ STATUS_MALFORMED, BODY("\"_type\":\"root\",\"keys\":{},\"roles\":{}") },
		{ STATUS_MALFORMED, "{\"signed\":{}}" },
		{ STATUS_MALFORMED, "{\"signatures\":[]}" },
		{ STATUS_MALFORMED,
			"{\"signatures\":{},\"signed\":{\"spec_version\":\"1.0\",\"version\":1,\"expires\":\"2030-01-01T00:00:"
			"00Z\","
			"\"_type\":\"targets\",\"targets\":{}}}" },
		{ STATUS_MALFORMED, "[]" },
		{ STATUS_MALFORMED, "7" },
		{ STATUS_OK, TARGETS("\"roles\":[" NAMED("a", "\"paths\":[\"*\"]") "]") },
		{ STATUS_OK, TARGETS("\"roles\":[" NAMED("a", "\"path_hash_prefixes\":[\"00\"]") "]") },
		{ STATUS_REFUSED, TARGETS("\"roles\":[" NAMED("a", "\"paths\":[],\"path_hash_prefixes\":[]") "]") },
		{ STATUS_MALFORMED, TARGETS("\"roles\":[" NAMED("a", "\"x\":1") "]") },
		{ STATUS_REFUSED, TARGETS("\"roles\":[" NAMED("root", "\"paths\":[]") "]") },
		{ STATUS_REFUSED, TARGETS("\"roles\":[" NAMED("targets", "\"paths\":[]") "]") },
		{ STATUS_REFUSED, TARGETS("\"roles\":[" NAMED("", "\"paths\":[]") "]") },
		{ STATUS_REFUSED, TARGETS("\"roles\":[" NAMED("a", "\"paths\":[]") "," NAMED("a", "\"paths\":[]") "]") },
		{ STATUS_OK,
			TARGETS("\"succinct_roles\":{\"keyids\":[],\"threshold\":1,\"bit_length\":32,\"name_prefix\":\"b\"}") },
		{ STATUS_MALFORMED,
			TARGETS("\"succinct_roles\":{\"keyids\":[],\"threshold\":1,\"bit_length\":33,\"name_prefix\":\"b\"}") },
		{ STATUS_MALFORMED,
			TARGETS("\"succinct_roles\":{\"keyids\":[],\"threshold\":1,\"bit_length\":0,\"name_prefix\":\"b\"}") },
		{ STATUS_REFUSED,
			TARGETS("\"roles\":[],\"succinct_roles\":{\"keyids\":[],\"threshold\":1,\"bit_length\":3,\"name_prefix\":"
				"\"b\"}") },
		{ STATUS_MALFORMED, TARGETS("\"x\":1") },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		role_auto r = { 0 };
		role_parse(cases[i].text, strlen(cases[i].text), "t", &r, &e);
		if (e.status != cases[i].status)
			fail_msg("%d: %s: %s", e.status, cases[i].text, e.text);
	}
}

// dtuf:S27 dtuf:R5: unknown members stay, and are part of what is signed; targets come back as they were.
static void rewritten(void **unused)
{
	(void)unused;
	static const char text[] = "{\"signed\":{\"version\":3,\"x\":{\"b\":1,\"a\":2},\"spec_version\":\"1.0.0\",\"expires\":"
				   "\"2030-01-01T00:00:00.5+01:00\","
				   "\"targets\":{\"b\":{\"length\":1,\"hashes\":{\"sha256\":\"00\"}},\"a\\n\":{}},\"_type\":"
				   "\"targets\"},\"y\":1,\"signatures\":[]}";
	struct err e = { 0 };
	role_auto r = { 0 };
	buf_auto file = { 0 };
	buf_auto payload = { 0 };
	assert_int_equal(role_parse(text, sizeof text - 1, "t", &r, &e), 0);
	assert_int_equal(r.version, 3);
	assert_int_equal(r.expires, 1893452400);
	role_text(&r, &file);
	role_payload(&r, &payload);
	assert_string_equal(buf_text(&payload),
		"{\"_type\":\"targets\",\"expires\":\"2030-01-01T00:00:00.5+01:00\",\"spec_version\":\"1.0.0\",\"targets\":"
		"{\"a\n\":{},\"b\":{\"hashes\":{\"sha256\":\"00\"},\"length\":1}},\"version\":3,\"x\":{\"a\":2,\"b\":1}}");
	assert_string_equal(buf_text(&file),
		"{\"signatures\":[],\"signed\":{\"_type\":\"targets\",\"expires\":\"2030-01-01T00:00:00.5+01:00\","
		"\"spec_version\":\"1.0.0\",\"targets\":{\"a\\n\":{},\"b\":{\"hashes\":{\"sha256\":\"00\"},\"length\":1}},"
		"\"version\":3,\"x\":{\"a\":2,\"b\":1}},\"y\":1}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical),
		cmocka_unit_test(canonical_limits),
		cmocka_unit_test(quoted),
		cmocka_unit_test(targets),
		cmocka_unit_test(patterns),
		cmocka_unit_test(bins),
		cmocka_unit_test(lifetimes),
		cmocka_unit_test(signatures),
		cmocka_unit_test(odd_keys),
		cmocka_unit_test(metadata),
		cmocka_unit_test(rewritten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
