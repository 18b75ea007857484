// Unit tests of common/image/discovery.h, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/discovery.h"

// rkt:C-006, C-007
static void scan(void **unused)
{
	(void)unused;
	static const struct {
		const char *html, *tags;
	} cases[] = {
		{ "", "[]" },
		{ "<meta>", "[]" },
		{ "<meta name=ac-discovery>", "[]" },
		{ "<meta name=ac-discovery content='a'>", "[]" },
		{ "<meta name=ac-discovery content='a b'>", "[{\"prefix\":\"a\",\"tag\":\"ac-discovery\",\"uri\":\"b\"}]" },
		{ "<META NAME=ac-discovery-pubkeys CONTENT=' a\n\tb '/>",
			"[{\"prefix\":\"a\",\"tag\":\"ac-discovery-pubkeys\",\"uri\":\"b\"}]" },
		{ "<meta name=ac-discovery content='a b c'>", "[]" },
		{ "<!--<meta name=ac-discovery content='a b'>-->", "[]" },
		{ "<script><meta name=ac-discovery content='a b'></script>", "[]" },
		{ "<style><meta name=ac-discovery content='a b'>", "[]" },
		{ "<meta name=ac-discovery content='a b' content='c d'>",
			"[{\"prefix\":\"a\",\"tag\":\"ac-discovery\",\"uri\":\"b\"}]" },
		{ "<meta name=\"ac-discovery\" content=\"a \xff\">",
			"[{\"prefix\":\"a\",\"tag\":\"ac-discovery\",\"uri\":\"\xef\xbf\xbd\"}]" },
		{ "<body><p></i><meta name=ac-discovery content='a b'>",
			"[{\"prefix\":\"a\",\"tag\":\"ac-discovery\",\"uri\":\"b\"}]" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		jsonio_auto json_t *tags = discovery_scan(cases[i].html, strlen(cases[i].html), &e);
		mem_auto char *text = jsonio_text(tags);
		if (strcmp(text, cases[i].tags) != 0)
			fail_msg("%s: %s", cases[i].html, text);
	}
}

// rkt:C-008, C-009, C-011, D-01
static void expand(void **unused)
{
	(void)unused;
	static const struct {
		const char *template, *url; // NULL: status says why, 0 for a variable left over
		enum status status;
	} cases[] = {
		{ "https://h/{os}/{name}-{version}.{ext}", "https://h/linux/a.b/c-1%2B2%20x.aci", 0 },
		{ "https://h/", "https://h/", 0 },
		{ "https://h/{slash}", "https://h/a%2Fb", 0 },
		{ "https://h/{other}", NULL, 0 },
		{ "https://h/{", NULL, 0 },
		{ "https://h/{}", NULL, 0 },
		{ "https://h/{climb}", NULL, STATUS_USAGE },
		{ "https://h/{dot}", NULL, STATUS_USAGE },
		{ "https://h/{control}", NULL, STATUS_USAGE },
		{ "https://h/../{os}", NULL, STATUS_REFUSED },
		{ "file:/{os}", NULL, STATUS_REFUSED },
		{ "https://{climb}", NULL, STATUS_USAGE },
		{ "https://h/}", NULL, STATUS_REFUSED },
		{ "https://{os}@h/", NULL, STATUS_REFUSED },
		{ "-x", NULL, STATUS_REFUSED },
	};
	jsonio_auto json_t *labels = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "os", "linux", "version", "1+2 x",
		"climb", "a/../b", "dot", ".", "control", "a\nb", "slash", "a/b", "name", "evil", "ext", "evil");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		mem_auto char *url = discovery_expand(cases[i].template, "a.b/c", labels, "aci", &e);
		bool same = url && cases[i].url ? !strcmp(url, cases[i].url) : url == cases[i].url;
		if (!same || e.status != cases[i].status)
			fail_msg("%s: %s %d %s", cases[i].template, url ? url : "NULL", e.status, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan),
		cmocka_unit_test(expand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
