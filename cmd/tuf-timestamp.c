// tuf-timestamp - make the next version of a TUF timestamp
// SPDX-License-Identifier: Apache-2.0
//
// Of the snapshot.json in DIRECTORY, which must be complete (else 1) and gets its published name V.snapshot.json. Nothing else is
// touched, and no other key is needed.
#include "base/cmd.h"
#include "base/mem.h"
#include "tuf/assemble.h"
#include "tuf/lifetime.h"

static struct {
	bool no_hashes;
	int64_t version;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "no-hashes", &user.no_hashes, "state the snapshot's version alone, without length and hash"),
	CMD_NUMBER(0, "set-version", "N", &user.version, 1, INT64_MAX,
		"the version to write, after a recovery from a stolen key"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-timestamp",
	.operands = "DIRECTORY",
	.summary = "make the next version of a TUF timestamp",
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
	mem_auto char *file = mem_format("%s/timestamp.json", what.items[0]);
	struct assemble a = { .directory = what.items[0],
		.no_hashes = user.no_hashes,
		.version = user.version,
		.lifetime = LIFETIME_TIMESTAMP };
	if (draft_start(&sandbox, (const char *const[]){ file, NULL }, &e) < 0 || assemble_timestamp(&a, &e) < 0)
		return cmd_fail(&e);
	draft_end();
	return cmd_finish();
}
