// ref-parse - turn image references into image records
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one image record per reference, saying by which transport it is to be had; nothing is opened or
// looked up. 2 when a reference breaks the grammar of its transport (tackle-records(5), "References").
#include "base/cmd.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "oci/platform.h"
#include "oci/ref.h"

static struct {
	const char *platform;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT('p', "platform", "OS/ARCH", &user.platform, "put this platform into the records; either spelling"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "ref-parse",
	.operands = "REFERENCE ...",
	.summary = "turn image references into image records",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

// OCI's object for registries, appc's two labels for discovery; a label the reference itself gave stays.
static void add_platform(json_t *record, const struct platform *platform)
{
	json_object_set_new(record, "platform", platform_json(platform));
	json_t *labels = json_object_get(record, "labels");
	if (labels && !json_object_get(labels, "os"))
		json_object_set_new(labels, "os", json_string(platform->os));
	if (labels && !json_object_get(labels, "arch"))
		json_object_set_new(labels, "arch", json_string(platform->appc));
}

static int parse_all(struct cmd_operands refs, const struct platform *platform, json_t *records, struct err *e)
{
	for (int i = 0; i < refs.count; i++) {
		json_t *record = ref_parse(refs.items[i], e);
		if (!record)
			return -1;
		if (platform)
			add_platform(record, platform);
		json_array_append_new(records, record);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands refs = cmd_start(&cmd, argc, argv);
	if (sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	const struct platform *platform = user.platform ? platform_parse(user.platform, &e) : NULL;
	jsonio_auto json_t *records = json_array();
	if (e.status || parse_all(refs, platform, records, &e) < 0)
		return cmd_fail(&e);
	record_write_all(records);
	return cmd_finish();
}
