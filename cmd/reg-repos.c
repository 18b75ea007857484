// reg-repos - list the repositories of a registry
// SPDX-License-Identifier: Apache-2.0
//
// operand: HOST[:PORT]. stdout: a repository record for each name in the registry's catalogue, sorted (registry API v2,
// "Listing Repositories"; many public registries have none).
#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/namelist.h"
#include "oci/registry.h"

static struct {
	int64_t max_names;
} user = { .max_names = 1000000 };

static const struct cmd_option options[] = {
	CMD_GROUP(namelist_options),
	CMD_NUMBER(0, "max-names", "N", &user.max_names, 1, 100000000, "take at most N repositories; 1000000 unless told"),
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-repos",
	.operands = "HOST[:PORT]",
	.summary = "list the repositories of a registry",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

static int list(const char *host, json_t *records, struct err *e)
{
	texts_auto names = { 0 };
	struct registry *r = registry_open(host, NULL, "registry:catalog:*", e);
	int result = r ? registry_repositories(r, (size_t)user.max_names, &names, e) : -1;
	registry_close(r);
	for (size_t i = 0; !result && i < names.count; i++) {
		const char *path = names.items[i];
		json_array_append_new(records,
			json_pack("{s:s, s:o, s:s, s:s, s:o}", "kind", "repository", "name", json_sprintf("%s/%s", host, path),
				"registry", host, "repository", path, "ref", json_sprintf("docker://%s/%s", host, path)));
	}
	return result;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = json_array();
	if (registry_prepare(&sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0 || list(operands.items[0], records, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	namelist_write(records, "repository");
	return cmd_finish();
}
