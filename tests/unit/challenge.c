// Unit tests of common/net/challenge.h, as a table of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "net/challenge.h"

// Of one line: `basic`, `bearer` and the parameters, as text.
static char *seen(const char *line)
{
	struct challenge c = { 0 };
	struct err e = { 0 };
	char *text;
	if (challenge_add(&c, line, &e) < 0) {
		assert_int_equal(e.status, STATUS_MALFORMED);
		text = mem_text("malformed");
	} else {
		text = mem_format("%s%s %s|%s|%s|%s", c.basic ? "basic" : "", c.bearer ? "bearer" : "", c.realm ? c.realm : "-",
			c.service ? c.service : "-", c.scope ? c.scope : "-", c.error ? c.error : "-");
	}
	challenge_free(&c);
	return text;
}

// dtuf:D45
static void lines(void **unused)
{
	(void)unused;
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{ "Basic realm=\"x\"", "basic -|-|-|-" },
		{ "basic", "basic -|-|-|-" },
		{ "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull\"",
			"bearer https://a/t|s|repository:a:pull|-" },
		{ "BEARER Realm = \"https://a/t\" , error=invalid_token", "bearer https://a/t|-|-|invalid_token" },
		{ "Bearer realm=https", "bearer https|-|-|-" },
		{ "Bearer realm=\"a\\\"b\\\\c\"", "bearer a\"b\\c|-|-|-" },
		{ "Bearer realm=\"a,b=c\", Basic realm=\"d\"", "basicbearer a,b=c|-|-|-" },
		{ "Basic realm=\"d\", Bearer realm=\"a\"", "basicbearer a|-|-|-" },
		{ "Negotiate, Bearer realm=\"a\"", "bearer a|-|-|-" },
		{ "Negotiate YWJj==, Bearer realm=\"a\"", "bearer a|-|-|-" },
		{ "NTLM YWJj, Basic", "basic -|-|-|-" },
		{ "Digest qop=\"auth, auth-int\", realm=\"x\", Bearer realm=\"a\"", "bearer a|-|-|-" },
		{ "Bearer realm=\"a\", Bearer realm=\"b\",service=\"c\"", "bearer a|-|-|-" },
		{ ", ,Bearer ,realm=\"a\",,service=\"s\", ", "bearer a|s|-|-" },
		{ "Bearer unknown=\"1\", realm=\"a\"", "bearer a|-|-|-" },
		{ "Bearer", "bearer -|-|-|-" },
		{ "", " -|-|-|-" },
		{ "Bearer realm=\"a\",realm=\"b\"", "malformed" },
		{ "Bearer realm=\"a", "malformed" },
		{ "Bearer realm=\"a\\", "malformed" },
		{ "Bearer realm=\"a\x01\"", "malformed" },
		{ "Bearer realm=,service=s", "malformed" },
		{ "Bearer realm=\"a\" service=\"s\"", "malformed" },
		{ "=x", "malformed" },
		{ "\"x\"", "malformed" },
		{ "Be@rer realm=x", "malformed" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *found = seen(cases[i].line);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("%s: expected %s, found %s", cases[i].line, cases[i].expected, found);
	}
}

static void several_lines(void **unused)
{
	(void)unused;
	struct challenge c = { 0 };
	struct err e = { 0 };
	assert_int_equal(challenge_add(&c, "Basic realm=\"r\"", &e), 0);
	assert_int_equal(challenge_add(&c, "Bearer realm=\"a\"", &e), 0);
	assert_true(c.basic && c.bearer);
	assert_string_equal(c.realm, "a");
	challenge_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(several_lines) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
