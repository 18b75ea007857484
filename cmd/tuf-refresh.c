// tuf-refresh - bring the trusted metadata of a TUF repository up to date
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one role record for each top-level role, as it is trusted now, with --map of each repository. 1 when a repository
// shows something that is not to be trusted: a bad signature, a rollback, an expiry. What was trusted before stays.
#include "base/cmd.h"
#include "base/date.h"
#include "base/progress.h"
#include "base/record.h"
#include "tuf/clientcmd.h"

static const struct cmd_option options[] = {
	CMD_GROUP(clientcmd_map_options),
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

static void add_record(json_t *records, const struct received *r, const char *repository)
{
	char expires[DATE_TEXT_MAX];
	if (!r->role)
		return;
	json_t *record = json_pack("{s:s, s:s, s:I, s:s}", "kind", "role", "role", r->role, "version", (json_int_t)r->version,
		"expires", date_format(r->expires, expires));
	if (repository)
		json_object_set_new(record, "repository", json_string(repository));
	json_array_append_new(records, record);
}

static int refresh(struct client *only, json_t *records, struct err *e)
{
	const char *name;
	const struct client *c;
	for (size_t i = 0; (c = clientcmd_repository(only, i, &name, e)); i++) {
		add_record(records, &c->root, name);
		add_record(records, &c->timestamp, name);
		add_record(records, &c->snapshot, name);
		add_record(records, &c->targets, name);
	}
	return e->status ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct client c;
	struct sandbox sandbox = { 0 };
	cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = json_array();
	if (clientcmd_open(&c, &sandbox, &e) < 0 || refresh(&c, records, &e) < 0)
		return cmd_fail(&e);
	clientcmd_close(&c);
	record_write_all(records);
	return cmd_finish();
}
