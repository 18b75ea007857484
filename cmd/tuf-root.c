// tuf-root - make the next version of a TUF root
// SPDX-License-Identifier: Apache-2.0
//
// FILE (stdin: `-`): the root as it is. It becomes the draft of the version after it, with the keys, thresholds and expiry asked for, to
// be signed by the keys of both (section 6.1 of the TUF specification); N.root.json of all versions before stay beside it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "tuf/draft.h"
#include "tuf/names.h"
#include "tuf/rolekeys.h"

static struct {
	struct texts add, drop, thresholds;
	const char *consistent;
} user;

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "add-key", "ROLE=FILE", &user.add, "a role may be signed by this public key, too; repeatable"),
	CMD_TEXTS(0, "drop-key", "ROLE=KEY", &user.drop,
		"a role is not signed by this key any more: its keyid or its file; repeatable"),
	CMD_TEXTS(0, "threshold", "ROLE=N", &user.thresholds, "a role needs N of its keys; repeatable"),
	CMD_CHOICE(0, "consistent-snapshot", &user.consistent, "yes|no",
		"whether published files carry their version in their name"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-root",
	.operands = "FILE",
	.summary = "make the next version of a TUF root",
	.reads = CMD_NONE,
	.writes = CMD_JSON,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

// With the keys of the root before it as well, so that one run signs for both.
static int sign_with_former(struct role *r, const struct keys_set *former, const char *path, struct err *e)
{
	keys_auto own = { 0 };
	if (!draft_has_keys())
		return draft_write(r, path, e);
	if (role_keys(r, "root", &own, e) < 0 || draft_sign(r, &own, e) < 0 || draft_sign(r, former, e) < 0 ||
		draft_all_used(e) < 0)
		return -1;
	return draft_write(r, path, e);
}

static int next_root(const char *path, struct err *e)
{
	role_auto r = { 0 };
	role_auto before = { 0 };
	keys_auto former = { 0 };
	if (draft_read(path, &r, e) < 0 || role_expect(&r, ROLE_ROOT, path, e) < 0)
		return -1;
	if (draft_change(&r, path, "root", e) < 0)
		return -1;
	mem_auto char *name = names_role_file("root", r.version - 1);
	mem_auto char *file = draft_beside(path, name);
	struct err missing = { 0 };
	if (strcmp(path, "-") != 0 && draft_read(file, &before, &missing) == 0 && role_keys(&before, "root", &former, e) < 0)
		return -1;
	for (size_t i = 0; i < user.add.count; i++)
		if (rolekeys_add(&r, user.add.items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < user.drop.count; i++)
		if (rolekeys_drop(&r, user.drop.items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < user.thresholds.count; i++)
		if (rolekeys_threshold(&r, user.thresholds.items[i], e) < 0)
			return -1;
	if (rolekeys_finish(&r, e) < 0)
		return -1;
	if (user.consistent)
		json_object_set_new(r.body, "consistent_snapshot", json_boolean(!strcmp(user.consistent, "yes")));
	draft_expire(&r, draft_lifetime(ROLE_ROOT));
	return sign_with_former(&r, &former, path, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	rolekeys_allow(&user.add, &sandbox);
	rolekeys_allow(&user.drop, &sandbox);
	if (draft_start(&sandbox, (const char *const *)files.items, &e) < 0 || next_root(files.items[0], &e) < 0)
		return cmd_fail(&e);
	draft_end();
	texts_free(&user.add);
	texts_free(&user.drop);
	texts_free(&user.thresholds);
	return cmd_finish();
}
