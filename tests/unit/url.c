// Unit tests of common/net/url.h, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "net/url.h"

static void checked(void **unused)
{
	(void)unused;
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
		{ "https://h/x", true },
		{ "http://h:80/", true },
		{ "https://[::1]:8443/x?y#z", true },
		{ "HTTPS://H", true },
		{ "https://h/%7Bname%7D", true },
		{ "", false },
		{ "h/x", false },
		{ "file:///etc/passwd", false },
		{ "gopher://h/1", false },
		{ "https://", false },
		{ "https:///x", false },
		{ "https://u@h/x", false },
		{ "https://u:p@h/x", false },
		{ "https://h/x@y", true },
		{ "https://h/a b", false },
		{ "https://h/\r\nX: y", false },
		{ "https://h/\x7f", false },
		{ "https://h/\xc3\xa9", false },
		{ "https://h/{x}", false },
		{ "https://h/a\\b", false },
		{ "https://-h/x", false },
		{ "--output=/x", false },
		{ "https://h:99999/", false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		if ((url_check(cases[i].url, &e) == 0) != cases[i].good)
			fail_msg("'%s': %s", cases[i].url, e.text);
		assert_int_equal(e.status, cases[i].good ? STATUS_OK : STATUS_REFUSED);
	}
	char long_url[URL_MAX + 20] = "https://h/";
	memset(long_url + 10, 'x', sizeof long_url - 11);
	assert_int_equal(url_check(long_url, &(struct err){ 0 }), -1);
}

static void dot_segments(void **unused)
{
	(void)unused;
	static const struct {
		const char *url;
		bool climbs;
	} cases[] = {
		{ "https://h/a/../b", true },
		{ "https://h/..", true },
		{ "https://h/.", true },
		{ "https://h/%2e%2E/x", true },
		{ "https://h/.%2e", true },
		{ "https://h/a/..?x", true },
		{ "https://h/..%2fx", true },
		{ "https://h/...", false },
		{ "https://h/..a", false },
		{ "https://h/a..b/.c", false },
		{ "https://h?x=/../", false },
		{ "https://h/x?y=/../z", false },
		{ "https://..", false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		if (url_has_dot_segments(cases[i].url) != cases[i].climbs)
			fail_msg("'%s'", cases[i].url);
}

static void origins(void **unused)
{
	(void)unused;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "https://h/x", "https://H:443/y", true },
		{ "https://h/x", "http://h/x", false },
		{ "https://h/x", "https://h:8443/x", false },
		{ "https://h/x", "https://h.evil/x", false },
		{ "http://h/", "http://h:80/", true },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		if (url_same_origin(cases[i].a, cases[i].b) != cases[i].same)
			fail_msg("'%s' '%s'", cases[i].a, cases[i].b);
}

static void shown_without_secrets(void **unused)
{
	(void)unused;
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{ "https://h/x?token=secret", "https://h/x" },
		{ "https://u:secret@h:1/x", "https://h:1/x" },
		{ "https://u:se@cret@h?y@z", "https://h" },
		{ "https://h/x@y#z", "https://h/x@y#z" },
		{ "file:/a?b@c", "file:/a?b@c" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *shown = url_shown(cases[i].url);
		assert_string_equal(shown, cases[i].shown);
	}
}

// rkt:F-03
static void local_addresses(void **unused)
{
	(void)unused;
	static const struct {
		const char *address;
		bool local;
	} cases[] = {
		{ "127.0.0.1", true },
		{ "127.255.0.1", true },
		{ "169.254.169.254", true },
		{ "0.0.0.0", true },
		{ "128.0.0.1", false },
		{ "169.255.0.1", false },
		{ "10.0.0.1", false },
		{ "::1", true },
		{ "::", true },
		{ "fe80::1", true },
		{ "febf::1", true },
		{ "fec0::1", false },
		{ "::ffff:127.0.0.1", true },
		{ "::ffff:169.254.1.1", true },
		{ "::ffff:8.8.8.8", false },
		{ "2001:db8::1", false },
		{ "64:ff9b::7f00:1", true },
		{ "64:ff9b::a9fe:a9fe", true },
		{ "64:ff9b::808:808", false },
		{ "fd00:ec2::254", true },
		{ "fd00:ec2::253", false },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct sockaddr_in four = { .sin_family = AF_INET };
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
		bool is_four = inet_pton(AF_INET, cases[i].address, &four.sin_addr) == 1;
		assert_true(is_four || inet_pton(AF_INET6, cases[i].address, &six.sin6_addr) == 1);
		const struct sockaddr *address = is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
		if (url_address_is_local(address) != cases[i].local)
			fail_msg("'%s'", cases[i].address);
		mem_auto char *url = mem_format(is_four ? "https://%s/" : "https://[%s]/", cases[i].address);
		if (url_names_local(url) != cases[i].local)
			fail_msg("'%s'", url);
	}
	assert_true(url_names_local("https://LocalHost/"));
	assert_true(url_names_local("https://a.localhost/"));
	assert_true(url_names_local("https://0x7f000001/"));
	assert_true(url_names_local("https://2130706433/"));
	assert_false(url_names_local("https://localhost.example/"));
}

static void resolved(void **unused)
{
	(void)unused;
	static const struct {
		const char *base, *reference, *expected;
	} cases[] = {
		{ "https://h/v2/a/blobs/uploads/", "https://h/u?x=1", "https://h/u?x=1" },
		{ "https://h:5000/v2/a/blobs/uploads/", "/u?x=%2f", "https://h:5000/u?x=%2f" },
		{ "https://h/v2/a/tags/list?n=2", "?n=2&last=b", "https://h/v2/a/tags/list?n=2&last=b" },
		{ "https://h/a/b", "c", "https://h/a/c" },
		{ "https://h/a/b", "//other/c", "https://other/c" },
		{ "https://h/a", "https://u:p@h/b", NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *found = url_resolve(cases[i].base, cases[i].reference);
		if (!found != !cases[i].expected || (found && strcmp(found, cases[i].expected) != 0))
			fail_msg("%s + %s: %s", cases[i].base, cases[i].reference, found);
	}
}

// dtuf:D48
static void at_host(void **unused)
{
	(void)unused;
	static const struct {
		const char *url, *host, *expected;
	} cases[] = {
		{ "https://auth.example/token?a=b", NULL, "https://auth.example/token?a=b" },
		{ "http://auth.example/token", NULL, "https://auth.example/token" },
		{ "https://auth.example:5001/token?a=b", "other:6001", "https://other:6001/token?a=b" },
		{ "https://auth.example/token", "other", "https://other/token" },
		{ "https://auth.example/token", "evil/x", NULL },
		{ "https://auth.example/token", "u@h", NULL },
		{ "nothing", "h", NULL },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		mem_auto char *found = url_at_host(cases[i].url, cases[i].host);
		if (!found != !cases[i].expected || (found && strcmp(found, cases[i].expected) != 0))
			fail_msg("%s at %s: %s", cases[i].url, cases[i].host, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checked),
		cmocka_unit_test(resolved),
		cmocka_unit_test(at_host),
		cmocka_unit_test(dot_segments),
		cmocka_unit_test(origins),
		cmocka_unit_test(shown_without_secrets),
		cmocka_unit_test(local_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
