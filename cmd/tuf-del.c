// tuf-del - remove targets from a TUF role
// SPDX-License-Identifier: Apache-2.0
//
// FILE: the metadata of the role, which becomes a draft of its next version; where it has bins, only those change that are concerned.
// Operands: the names of targets; without them stdin: records with `path`, such as tuf-list writes. 3 when one is not there, and nothing
// changes. The data stays where it is: clients with older metadata still ask for it.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/record.h"
#include "tuf/bulk.h"

static struct {
	bool ignore_missing;
	const char *role, *delegator;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "ignore-missing", &user.ignore_missing, "a target that is not there is as good as removed"),
	CMD_TEXT(0, "role", "NAME", &user.role, "the role that FILE is of, where its name does not say so"),
	CMD_TEXT(0, "delegator", "FILE", &user.delegator, "the metadata that says who may sign it"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-del",
	.operands = "FILE [TARGET ...]",
	.summary = "remove targets from a TUF role",
	.reads = CMD_RECORDS,
	.writes = CMD_JSON,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

static int remove_targets(struct bulk *b, const struct cmd_operands *what, struct err *e)
{
	const char *file = what->items[0];
	if ((what->count == 1 ? bulk_read(b, file, user.role, user.delegator, NULL, e)
			      : bulk_open(b, file, user.role, user.delegator, e)) < 0)
		return -1;
	for (int i = 1; i < what->count; i++)
		if (bulk_change(b, what->items[i], NULL, e) < 0)
			return -1;
	b->strict = !user.ignore_missing;
	return bulk_apply(b, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct bulk b = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	if (what.count == 1 && !strcmp(what.items[0], "-"))
		cmd_usage("FILE is stdin: the targets must be operands");
	if (user.delegator)
		texts_add(&sandbox.reads, user.delegator);
	const char *temporary = getenv("TMPDIR");
	texts_add(&sandbox.writes, temporary && *temporary ? temporary : "/tmp");
	if (draft_start(&sandbox, (const char *const[]){ what.items[0], NULL }, &e) < 0 || remove_targets(&b, &what, &e) < 0)
		return cmd_fail(&e);
	bulk_free(&b);
	draft_end();
	return cmd_finish();
}
