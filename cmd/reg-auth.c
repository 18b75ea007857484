// reg-auth - get a token for a repository
// SPDX-License-Identifier: Apache-2.0
//
// operands: a repository, as in docker://, and actions. stdout: the token and a newline, or nothing where the registry wants none
// (dtuf:D50). 4 when there is no login, or it is not let in.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/ref.h"
#include "oci/registry.h"

static const struct cmd_option options[] = {
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-auth",
	.operands = "REPOSITORY [pull|push|delete|'*' ...]",
	.summary = "get a token for a repository",
	.reads = CMD_NONE,
	.writes = CMD_LINES,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

// The actions with commas between them, malloced; NULL for none.
static char *actions(char **items, int count)
{
	struct buf all = { 0 };
	for (int i = 0; i < count; i++) {
		static const char *const known[] = { "pull", "push", "delete", "*" };
		bool found = false;
		for (size_t k = 0; k < ARRAY_LENGTH(known); k++)
			found |= !strcmp(items[i], known[k]);
		if (!found)
			cmd_usage("'%s': not an action: pull, push, delete or *", items[i]);
		buf_add_format(&all, "%s%s", i ? "," : "", items[i]);
	}
	return buf_steal(&all);
}

static struct registry *log_in(const char *operand, const char *wanted, struct err *e)
{
	jsonio_auto json_t *ref = ref_parse_registry(operand, e);
	const char *host = json_string_value(json_object_get(ref, "registry"));
	const char *repository = json_string_value(json_object_get(ref, "repository"));
	struct registry *r = ref ? registry_open(host, repository, wanted, e) : NULL;
	if (!r || registry_ping(r, e) == 0)
		return r;
	registry_close(r);
	return NULL;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	mem_auto char *wanted = actions(operands.items + 1, operands.count - 1);
	if (registry_prepare(&sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	struct registry *r = log_in(operands.items[0], wanted, &e);
	if (!r)
		return cmd_fail(&e);
	if (registry_token(r))
		printf("%s\n", registry_token(r));
	registry_close(r);
	registry_end();
	return cmd_finish();
}
