// tuf-refresh - bring the trusted metadata of a TUF repository up to date
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one role record for each top-level role, as it is trusted now. 1 when the repository shows something that is
// not to be trusted: a bad signature, a rollback, an expiry. What was trusted before stays.
#include "base/cmd.h"
#include "base/date.h"
#include "base/progress.h"
#include "base/record.h"
#include "tuf/clientcmd.h"

static const struct cmd_option options[] = {
	CMD_GROUP(clientcmd_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-refresh",
	.operands = "",
	.summary = "bring the trusted metadata of a TUF repository up to date",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.options = options,
};

static void add_record(json_t *records, const struct received *r)
{
	char expires[DATE_TEXT_MAX];
	if (!r->role)
		return;
	json_array_append_new(records,
		json_pack("{s:s, s:s, s:I, s:s}", "kind", "role", "role", r->role, "version", (json_int_t)r->version, "expires",
			date_format(r->expires, expires)));
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct client c;
	struct sandbox sandbox = { 0 };
	cmd_start(&cmd, argc, argv);
	if (clientcmd_open(&c, &sandbox, &e) < 0 || (!clientcmd_only_root() && clientcmd_update(&c, &e) < 0))
		return cmd_fail(&e);
	jsonio_auto json_t *records = json_array();
	add_record(records, &c.root);
	add_record(records, &c.timestamp);
	add_record(records, &c.snapshot);
	add_record(records, &c.targets);
	clientcmd_close(&c);
	record_write_all(records);
	return cmd_finish();
}
