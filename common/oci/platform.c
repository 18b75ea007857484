// platform.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/utsname.h>

#include "base/mem.h"
#include "oci/platform.h"

// Every pair that aci.md allows (rkt:I-011), then those that only OCI names. A row without variant matches any.
enum { OCI_ONLY = 1 }; // rows at the end
static const struct platform table[] = {
	{ "linux", "amd64", NULL, "amd64" },
	{ "linux", "386", NULL, "i386" },
	{ "linux", "arm64", NULL, "aarch64" },
	{ "linux", "arm64", "v8", "aarch64" },
	{ "linux", "arm64be", NULL, "aarch64_be" },
	{ "linux", "arm", "v6", "armv6l" },
	{ "linux", "arm", "v7", "armv7l" },
	{ "linux", "arm", NULL, "armv7l" },
	{ "linux", "armbe", "v7", "armv7b" },
	{ "linux", "ppc64", NULL, "ppc64" },
	{ "linux", "ppc64le", NULL, "ppc64le" },
	{ "linux", "s390x", NULL, "s390x" },
	{ "freebsd", "amd64", NULL, "amd64" },
	{ "freebsd", "386", NULL, "i386" },
	{ "freebsd", "arm", NULL, "arm" },
	{ "darwin", "amd64", NULL, "x86_64" },
	{ "darwin", "386", NULL, "i386" },
	{ "linux", "riscv64", NULL, "riscv64" },
};

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

const struct platform *platform_find(const char *os, const char *architecture, const char *variant)
{
	for (size_t i = 0; i < ARRAY_LENGTH(table); i++)
		if (!strcmp(os, table[i].os) && !strcmp(architecture, table[i].architecture) && same(variant, table[i].variant))
			return &table[i];
	for (size_t i = 0; !variant && i < ARRAY_LENGTH(table); i++)
		if (!strcmp(os, table[i].os) && !strcmp(architecture, table[i].appc))
			return &table[i];
	return NULL;
}

const struct platform *platform_host(void)
{
	static const struct {
		const char *machine, *appc;
	} machines[] = { { "x86_64", "amd64" }, { "i686", "i386" } }; // the others are called as appc calls them
	struct utsname name;
	uname(&name);
	for (size_t i = 0; i < ARRAY_LENGTH(machines); i++)
		if (!strcmp(name.machine, machines[i].machine))
			return platform_find("linux", machines[i].appc, NULL);
	const struct platform *p = platform_find("linux", name.machine, NULL);
	return p ? p : &table[0];
}

const struct platform *platform_parse(const char *text, struct err *e)
{
	const char *slash = strchr(text, '/');
	const char *second = slash ? strchr(slash + 1, '/') : NULL;
	if (slash) {
		mem_auto char *os = mem_text_n(text, (size_t)(slash - text));
		mem_auto char *architecture = mem_text_n(slash + 1, second ? (size_t)(second - slash - 1) : strlen(slash + 1));
		const struct platform *p = platform_find(os, architecture, second ? second + 1 : NULL);
		if (p)
			return p;
	}
	err_set(e, STATUS_USAGE, "platform '%s': not known: expected os/arch[/variant] such as linux/amd64", text);
	return NULL;
}

bool platform_in_appc(const char *os, const char *arch)
{
	for (size_t i = 0; i < ARRAY_LENGTH(table) - OCI_ONLY; i++)
		if (!strcmp(os, table[i].os) && (!arch || !strcmp(arch, table[i].appc)))
			return true;
	return false;
}

json_t *platform_json(const struct platform *p)
{
	json_t *object = json_pack("{s:s, s:s}", "os", p->os, "architecture", p->architecture);
	if (p->variant)
		json_object_set_new(object, "variant", json_string(p->variant));
	return object;
}
