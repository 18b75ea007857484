// Unit tests of common/pod, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "pod/caps.h"
#include "pod/environ.h"
#include "pod/identity.h"
#include "pod/state.h"
#include "pod/volume.h"

static void volumes(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *json; // NULL: refused
	} cases[] = {
		{ "v,kind=empty", "{\"kind\":\"empty\",\"name\":\"v\"}" },
		{ "v,kind=host,source=/a,readOnly=true",
			"{\"kind\":\"host\",\"name\":\"v\",\"readOnly\":true,\"source\":\"/a\"}" },
		{ "v,mode=1777,uid=1,gid=2,kind=empty",
			"{\"gid\":2,\"kind\":\"empty\",\"mode\":\"1777\",\"name\":\"v\",\"uid\":1}" },
		{ "v", NULL },
		{ "", NULL },
		{ ",", NULL },
		{ "v,kind=host", NULL },
		{ "v,kind=host,source=a", NULL },
		{ "v,kind=empty,source=/a", NULL },
		{ "v,kind=empty,kind=empty", NULL },
		{ "v,kind=empty,mode=888", NULL },
		{ "v,kind=empty,mode=07777", NULL },
		{ "v,kind=empty,uid=4294967295", NULL },
		{ "v,kind=empty,", NULL },
		{ "v,kind=empty,readOnly", NULL },
		{ "\xff,kind=empty", NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		jsonio_auto json_t *volume = volume_parse(cases[i].text, &e);
		assert_int_equal(e.status, cases[i].json ? STATUS_OK : STATUS_USAGE);
		mem_auto char *text = volume ? jsonio_text(volume) : NULL;
		if (text)
			assert_string_equal(text, cases[i].json);
	}
}

static void paths(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *clean; // NULL: refused
	} cases[] = {
		{ "/a", "/a" },
		{ "//a//b/", "/a/b" },
		{ "/a/./b", "/a/b" },
		{ "/..a", "/..a" },
		{ "/", NULL },
		{ "//", NULL },
		{ "", NULL },
		{ "a", NULL },
		{ "/a/..", NULL },
		{ "/../a", NULL },
		{ "/.", NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *clean = volume_clean_path(cases[i].text);
		assert_int_equal(clean != NULL, cases[i].clean != NULL);
		if (clean)
			assert_string_equal(clean, cases[i].clean);
	}
}

static void uuids(void **unused)
{
	(void)unused;
	assert_true(state_is_uuid("01234567-89ab-4cde-8f01-23456789abcd"));
	static const char *const bad[] = { "", "0123", "01234567-89ab-4cde-8f01-23456789abcde",
		"01234567-89ab-4cde-8f01-23456789abc", "0123456789ab-4cde-8f01-23456789abcd--",
		"01234567-89AB-4cde-8f01-23456789abcd", "../../../../../../../../../../etc/pass" };
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(state_is_uuid(bad[i]));
}

static void passwd_lines(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *name; // NULL: no entry
		unsigned long id, group;
	} cases[] = {
		{ "root:x:0:0:r:/root:/bin/sh\n", "root", 0, 0 },
		{ "a:b:12:34", "a", 12, 34 },
		{ "bad\nu:x:1:2:::", "u", 1, 2 },
		{ ":x:0:0::/:\n", NULL, 0, 0 },
		{ "u:x:4294967295:0\n", NULL, 0, 0 },
		{ "u:x:99999999999999999999:0\n", NULL, 0, 0 },
		{ "u:x:-1:0\n", NULL, 0, 0 },
		{ "u:x: 1:0\n", NULL, 0, 0 },
		{ "u:x:1\n", NULL, 0, 0 },
		{ "u:x:1:\n", NULL, 0, 0 },
		{ "", NULL, 0, 0 },
		{ "::::::::\n\n\n", NULL, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const char *at = cases[i].text, *end = at + strlen(at);
		struct identity_entry entry;
		bool found = identity_next(&at, end, true, &entry);
		assert_int_equal(found, cases[i].name != NULL);
		if (!found)
			continue;
		assert_int_equal(entry.name_length, strlen(cases[i].name));
		assert_memory_equal(entry.name, cases[i].name, entry.name_length);
		assert_int_equal(entry.id, cases[i].id);
		assert_int_equal(entry.group, cases[i].group);
	}
}

static void capabilities(void **unused)
{
	(void)unused;
	static const struct {
		const char *json;
		uint64_t set;
		enum status status;
	} cases[] = {
		{ "[]", CAPS_DEFAULT, 0 },
		{ "[{\"name\":\"os/linux/capabilities-remove-set\",\"value\":{\"set\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}}]",
			CAPS_DEFAULT & ~UINT64_C(1), 0 },
		{ "[{\"name\":\"os/linux/capabilities-retain-set\",\"value\":{\"set\":[\"CAP_KILL\"]}}]", 32, 0 },
		{ "[{\"name\":\"os/linux/capabilities-retain-set\",\"value\":{\"set\":[\"KILL\"]}}]", 0, STATUS_MALFORMED },
		{ "[{\"name\":\"os/linux/capabilities-retain-set\",\"value\":{\"set\":[1]}}]", 0, STATUS_MALFORMED },
		{ "[{\"name\":\"os/linux/capabilities-retain-set\",\"value\":1}]", 0, STATUS_MALFORMED },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		uint64_t set = 0;
		jsonio_auto json_t *isolators = json_loads(cases[i].json, 0, NULL);
		caps_of_isolators(isolators, &set, &e);
		assert_int_equal(e.status, cases[i].status);
		if (!e.status)
			assert_int_equal(set, cases[i].set);
	}
}

static void environments(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	jsonio_auto json_t *array = json_array();
	assert_int_equal(environ_assign(array, "A=1=2", &e), 0);
	assert_int_equal(environ_assign(array, "container=x", &e), 0);
	assert_int_equal(environ_assign(array, "A=", &e), 0);
	static const char *const bad[] = { "", "A", "=x", "a b=c", "$(x)=1", "A=\xff" };
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(environ_assign(array, bad[i], &e), -1);
	struct texts all = { 0 };
	environ_finish(array, "app", &all);
	assert_string_equal(environ_get(&all, "A"), "");
	assert_string_equal(environ_get(&all, "container"), "tackle");
	assert_string_equal(environ_get(&all, "AC_APP_NAME"), "app");
	assert_string_equal(environ_get(&all, "PATH"), ENVIRON_DEFAULT_PATH);
	assert_null(environ_get(&all, "PAT"));
	texts_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes),
		cmocka_unit_test(paths),
		cmocka_unit_test(uuids),
		cmocka_unit_test(passwd_lines),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(environments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
