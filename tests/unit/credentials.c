// Unit tests of common/net/credentials.h: which login of which file, as a table of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "net/credentials.h"

static char directory[] = "/tmp/tackle-credentials-XXXXXX";

static void put(const char *path, const char *text, mode_t mode)
{
	mem_auto char *full = mem_format("%s/%s", directory, path);
	mem_auto char *parent = mem_text_n(full, (size_t)(strrchr(full, '/') - full));
	struct err e = { 0 };
	assert_int_equal(path_make(parent, 0755, &e), 0);
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	assert_int_equal(chmod(full, mode), 0);
}

static void set(const char *name, const char *path)
{
	mem_auto char *full = mem_format("%s/%s", directory, path);
	setenv(name, full, 1);
}

static int set_up(void **unused)
{
	(void)unused;
	if (!mkdtemp(directory))
		return -1;
	const char *path = getenv("PATH");
	mem_auto char *with_helpers = mem_format("%s/bin:%s", directory, path ? path : "/usr/bin:/bin");
	setenv("PATH", with_helpers, 1);
	set("HOME", "home");
	unsetenv("DOCKER_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("REGISTRY_AUTH_FILE");
	put("bin/docker-credential-ok",
		"#!/bin/sh\nread -r s\necho "
		"\"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"helper\\\",\\\"Secret\\\":\\\"$s\\\"}\"\n",
		0755);
	put("bin/docker-credential-identity", "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"i\"}'\n", 0755);
	put("bin/docker-credential-none", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n", 0755);
	put("bin/docker-credential-broken", "#!/bin/sh\necho 'locked'\nexit 1\n", 0755);
	put("bin/docker-credential-garbage", "#!/bin/sh\necho '{\"Username\":1}'\n", 0755);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	mem_auto char *command = mem_format("rm -rf '%s'", directory);
	return system(command);
}

// What is found, as text: USER:PASSWORD, `token T`, `none`, or the status of the failure.
static char *found(const char *host, const char *repository)
{
	struct credential c;
	struct err e = { 0 };
	int got = credentials_prepare(&e) < 0 ? -1 : credentials_find(host, repository, &c, &e);
	char *text = got < 0 ? mem_format("%d", (int)e.status)
		: !got       ? mem_text("none")
		: c.token    ? mem_format("token %s", c.token)
			     : mem_format("%s:%s", c.user, c.password);
	if (got >= 0)
		credentials_forget(&c);
	credentials_end();
	return text;
}

// "YTpi" is a:b, "YzpkOmU=" is c:d:e. dtuf:O20
static void one_file(void **unused)
{
	(void)unused;
	static const struct {
		const char *file, *host, *repository, *expected;
	} cases[] = {
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}", "h", "r", "a:b" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}", "h", NULL, "a:b" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YzpkOmU=\"}}}", "H", "r", "c:d:e" },
		{ "{\"auths\":{\"h\":{\"username\":\"a\",\"password\":\"b\"}}}", "h", "r", "a:b" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}", "h:5000", "r", "none" },
		{ "{\"auths\":{\"h:5000\":{\"auth\":\"YTpi\"}}}", "h", "r", "none" },
		{ "{\"auths\":{\"https://h/v2/\":{\"auth\":\"YTpi\"}}}", "h", "r", "a:b" },
		{ "{\"auths\":{\"h\":{}}}", "h", "r", "none" },
		{ "{}", "h", "r", "none" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"},\"h/a\":{\"auth\":\"YzpkOmU=\"}}}", "h", "a/b", "c:d:e" },
		{ "{\"auths\":{\"h/a/b\":{\"username\":\"u\",\"password\":\"p\"},\"h/a\":{\"auth\":\"YTpi\"}}}", "h", "a/b",
			"u:p" },
		{ "{\"auths\":{\"h/a\":{\"auth\":\"YTpi\"}}}", "h", "ab", "none" },
		{ "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpi\"}}}", "docker.io", "library/x", "a:b" },
		{ "{\"auths\":{\"docker.io\":{\"auth\":\"YTpi\"}}}", "index.docker.io", "library/x", "a:b" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\",\"identitytoken\":\"t\"}}}", "h", "r", "token t" },
		{ "{\"credHelpers\":{\"h\":\"ok\"},\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}", "h", "r", "helper:h" },
		{ "{\"credHelpers\":{\"h/a\":\"ok\",\"h\":\"none\"}}", "h", "a/b", "helper:h/a" },
		{ "{\"credHelpers\":{\"h\":\"none\"},\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}", "h", "r", "a:b" },
		{ "{\"credHelpers\":{\"h\":\"none\"},\"credsStore\":\"ok\"}", "h", "r", "helper:h" },
		{ "{\"credsStore\":\"ok\"}", "docker.io", "library/x", "helper:https://index.docker.io/v1/" },
		{ "{\"credsStore\":\"identity\"}", "h", "r", "token i" },
		{ "{\"credsStore\":\"broken\"}", "h", "r", "4" },
		{ "{\"credsStore\":\"garbage\"}", "h", "r", "6" },
		{ "{\"credsStore\":\"absent\"}", "h", "r", "3" },
		{ "{\"credsStore\":\"../../bin/sh\"}", "h", "r", "6" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"}}", "h", "r", "6" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YTpi\"},\"h\":{}}}", "h", "r", "6" },
		{ "{\"auths\":{\"h\":{\"auth\":\"!\"}}}", "h", "r", "6" },
		{ "{\"auths\":{\"h\":{\"auth\":\"YWI=\"}}}", "h", "r", "6" },
		{ "{\"auths\":{\"h\":{\"username\":\"a\",\"password\":\"b\\n\"}}}", "h", "r", "6" },
		{ "{\"auths\":[]}", "h", "r", "6" },
		{ "[]", "h", "r", "6" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		put("home/.docker/config.json", cases[i].file, 0600);
		mem_auto char *is = found(cases[i].host, cases[i].repository);
		if (strcmp(is, cases[i].expected) != 0)
			fail_msg("%s for %s/%s: expected %s, found %s", cases[i].file, cases[i].host, cases[i].repository,
				cases[i].expected, is);
	}
}

static void check(const char *expected)
{
	mem_auto char *is = found("h", "r");
	assert_string_equal(is, expected);
}

// dtuf:O20: each file comes before the one of the step before.
static void order(void **unused)
{
	(void)unused;
	put("home/.docker/config.json", "{\"auths\":{\"h\":{\"username\":\"docker\",\"password\":\"p\"}}}", 0600);
	check("docker:p");
	put("docker/config.json", "{\"auths\":{\"h\":{\"username\":\"DOCKER_CONFIG\",\"password\":\"p\"}}}", 0600);
	set("DOCKER_CONFIG", "docker");
	check("DOCKER_CONFIG:p");
	put("home/.config/containers/auth.json", "{\"auths\":{\"h\":{\"username\":\"config\",\"password\":\"p\"}}}", 0600);
	check("config:p");
	put("xdg/containers/auth.json", "{\"auths\":{\"h\":{\"username\":\"XDG_CONFIG_HOME\",\"password\":\"p\"}}}", 0600);
	set("XDG_CONFIG_HOME", "xdg");
	check("XDG_CONFIG_HOME:p");
	put("run/containers/auth.json", "{\"auths\":{\"h\":{\"username\":\"XDG_RUNTIME_DIR\",\"password\":\"p\"}}}", 0600);
	set("XDG_RUNTIME_DIR", "run");
	check("XDG_RUNTIME_DIR:p");
	put("named", "{\"auths\":{\"h\":{\"username\":\"REGISTRY_AUTH_FILE\",\"password\":\"p\"}}}", 0600);
	set("REGISTRY_AUTH_FILE", "named");
	check("REGISTRY_AUTH_FILE:p");
	put("named", "{\"auths\":{\"other\":{\"username\":\"x\",\"password\":\"p\"}}}", 0600);
	check("XDG_RUNTIME_DIR:p");
	set("REGISTRY_AUTH_FILE", "absent");
	check("XDG_RUNTIME_DIR:p");
	put("run/containers/auth.json", "{\"auths\":{\"h\":{\"username\":\"u\",\"password\":\"p\"}}}", 0640);
	check("1"); // others may read the secret
	put("run/containers/auth.json", "{\"credsStore\":\"ok\"}", 0644);
	check("helper:h");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_file), cmocka_unit_test(order) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
