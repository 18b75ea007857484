// tuf-lint - tell everything that a client would refuse about a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// TREE: a directory with metadata/ and targets/, as it will be published; without targets/ where the data lies elsewhere; or a place where it
// is published. stderr: a line for each finding. 1 when there is one that a client would refuse (dtuf:R20).
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/msg.h"
#include "oci/registry.h"
#include "tuf/lint.h"

static struct {
	const char *from;
	bool data, strict;
	int64_t first_root;
} user = { .first_root = 1 };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "from", "OLD", &user.from,
		"also for a client at this state: an older tree, a directory of trusted metadata, or a place"),
	CMD_FLAG(0, "data", &user.data, "also hash the data of the targets"),
	CMD_NUMBER(0, "first-root", "N", &user.first_root, 1, INT64_MAX, "clients were given root N; 1 unless told"),
	CMD_FLAG(0, "strict", &user.strict, "end with 1 when there are warnings"),
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-lint",
	.operands = "TREE",
	.summary = "tell everything that a client would refuse about a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_NONE,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

static int judge(const struct lint *l, const char *tree, struct err *e)
{
	for (size_t i = 0; i < l->warnings.count; i++)
		msg_warn("%s", l->warnings.items[i]);
	if (lint_judge(l, tree, e) < 0)
		return -1;
	if (user.strict && l->warnings.count)
		return err_set(e, STATUS_REFUSED, "'%s': warnings: %zu, and --strict", tree, l->warnings.count);
	return 0;
}

// Of a tree that has no data at all, and of a repository that is published elsewhere than in one, that is said once.
static void look_for_data(struct lint *l, const char *tree, bool published)
{
	mem_auto char *targets = mem_format("%s/targets", tree);
	if (published && user.data)
		cmd_usage("option --data: for a directory alone");
	l->data = user.data ? LINT_DATA_HASHED : LINT_DATA_THERE;
	if (!published && (user.data || access(targets, F_OK) == 0 || errno != ENOENT))
		return;
	l->data = LINT_DATA_UNSEEN;
	texts_take(&l->warnings,
		published ? mem_format("'%s': no data was looked for", tree)
			  : mem_format("'%s': there is none: no data was looked for", targets));
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands tree = cmd_start(&cmd, argc, argv);
	struct lint l = { .now = date_now(), .first_root = user.first_root };
	const char *where = tree.items[0];
	where += !strncmp(where, "file:", 5) ? 5 : 0;
	bool published = remote_is_place(where);
	look_for_data(&l, where, published);
	mem_auto char *repository = mem_format("%s%s", published ? "" : "file:", where);
	struct lint_place *place = lint_open(remote_open_at(repository, NULL, NULL, &sandbox, &e), user.from, &sandbox, &e);
	int failed = !place || sandbox_enter(&sandbox, &e) < 0 || lint_tree(place, &l, &e) < 0;
	lint_close(place);
	registry_end();
	if (failed || judge(&l, tree.items[0], &e) < 0)
		return cmd_fail(&e);
	lint_free(&l);
	return cmd_finish();
}
