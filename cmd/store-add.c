// store-add - publish images in the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records, all read before the first is added. stdout: the same records with `imported` and `used`. 3 when a blob that
// a record names is not in the store. Whether an image is verified is written down and not judged here: policy is the pipe's.
#include "base/cmd.h"
#include "base/record.h"
#include "image/layoutindex.h"
#include "image/storecmd.h"

static const struct cmd_option options[] = {
	CMD_GROUP(storecmd_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-add",
	.operands = "",
	.summary = "publish images in the store",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORDS,
	.options = options,
};

static int add(struct store *s, json_t *records, struct err *e)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (store_add_image(s, record, e) < 0)
			return -1;
	return layoutindex_follow(s, LAYOUTINDEX_CHEAP, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = record_read_all("image", &e);
	store_auto *s = records ? storecmd_open(STORECMD_CREATE, &sandbox, &e) : NULL;
	if (!s || add(s, records, &e) < 0)
		return cmd_fail(&e);
	record_write_all(records);
	return cmd_finish();
}
