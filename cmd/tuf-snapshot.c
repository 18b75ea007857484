// tuf-snapshot - make the next version of a TUF snapshot
// SPDX-License-Identifier: Apache-2.0
//
// Lists the metadata files of DIRECTORY that targets.json leads to, each complete: 1 when one lacks signatures. With consistent snapshots
// each gets its published name, V.ROLE.json, beside it (section 6.2 of the TUF specification); snapshot.json is written last.
#include "base/cmd.h"
#include "base/mem.h"
#include "tuf/assemble.h"
#include "tuf/lifetime.h"

static struct {
	bool no_hashes, no_bin_hashes;
	struct texts drop;
	int64_t version;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "no-hashes", &user.no_hashes, "list versions alone, without length and hash"),
	CMD_FLAG(0, "no-bin-hashes", &user.no_bin_hashes, "the same for succinct bins"),
	CMD_TEXTS(0, "drop", "ROLE", &user.drop, "list this role no longer; repeatable"),
	CMD_NUMBER(0, "set-version", "N", &user.version, 1, INT64_MAX,
		"the version to write, after a recovery from a stolen key"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-snapshot",
	.operands = "DIRECTORY",
	.summary = "make the next version of a TUF snapshot",
	.reads = CMD_NONE,
	.writes = CMD_NONE,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	mem_auto char *file = mem_format("%s/snapshot.json", what.items[0]);
	struct assemble a = { what.items[0], user.no_hashes, user.no_bin_hashes, &user.drop, user.version, LIFETIME_SNAPSHOT };
	if (draft_start(&sandbox, (const char *const[]){ file, NULL }, &e) < 0 || assemble_snapshot(&a, &e) < 0)
		return cmd_fail(&e);
	draft_end();
	texts_free(&user.drop);
	return cmd_finish();
}
