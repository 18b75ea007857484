// tuf-find - look up targets in the trusted metadata of a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one target record per operand, with length, hashes, custom and the role that vouches for it. 3 when no role
// that may speak for a target has it.
#include "base/cmd.h"
#include "base/record.h"
#include "tuf/clientcmd.h"

static const struct cmd_option options[] = {
	CMD_GROUP(clientcmd_local_options),
	CMD_GROUP(clientcmd_map_options),
	CMD_GROUP(clientcmd_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-find",
	.operands = "TARGET...",
	.summary = "look up targets in the trusted metadata of a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

static int find_all(struct client *c, const struct cmd_operands *paths, json_t *records, struct err *e)
{
	for (int i = 0; i < paths->count; i++) {
		struct map_found found;
		if (clientcmd_find(c, paths->items[i], &found, e) < 0)
			return -1;
		json_object_set_new(found.target, "kind", json_string("target"));
		json_array_append(records, found.target);
		map_found_free(&found);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct client c;
	struct sandbox sandbox = { 0 };
	struct cmd_operands paths = cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = json_array();
	if (clientcmd_open(&c, &sandbox, &e) < 0 || find_all(&c, &paths, records, &e) < 0)
		return cmd_fail(&e);
	clientcmd_close(&c);
	record_write_all(records);
	return cmd_finish();
}
