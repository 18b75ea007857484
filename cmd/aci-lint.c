// aci-lint - tell everything that is wrong with an App Container Image
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: an image, compressed or not. stderr: a line for each finding, with the path of the field or the name of the entry.
// stdout: the image record when nothing is wrong. The status is that of the first error; 1 for warnings with --strict.
#include <string.h>

#include "base/cmd.h"
#include "base/msg.h"
#include "base/record.h"
#include "image/acifile.h"
#include "oci/descriptor.h"

static struct {
	bool strict;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "strict", &user.strict, "end with 1 when there are warnings"),
	CMD_GROUP(acifile_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "aci-lint",
	.operands = "[FILE]",
	.summary = "tell everything that is wrong with an App Container Image",
	.reads = CMD_BYTES,
	.writes = CMD_RECORD,
	.most_operands = 1,
	.options = options,
};

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

// What the specification allows but users stumble over.
static void add_advice(const char *path, const struct aci_scan *scan, struct findings *findings)
{
	jsonio_auto json_t *labels = aci_labels(scan->manifest);
	if (strcmp(path, "-") != 0 && !ends_in(path, ".aci")) // rkt:I-001
		findings_add(findings, STATUS_OK, "the name of an image file ends in .aci");
	if (scan->codec == CODEC_ZSTD) // rkt:I-004
		findings_add(findings, STATUS_OK, "compressed with zstd, which the specification does not name");
	if (!json_object_get(labels, "version"))
		findings_add(findings, STATUS_OK, "manifest: labels: no version: every build is taken for the same");
	if (!json_object_get(labels, "os") || !json_object_get(labels, "arch"))
		findings_add(findings, STATUS_OK, "manifest: labels: no os and arch: taken to run anywhere");
}

static int lint(const char *path, struct acifile *file, struct err *e)
{
	struct findings *findings = &file->findings;
	int failed = acifile_read(path, true, file, e);
	if (!failed && !findings->errors)
		add_advice(path, &file->scan, findings);
	for (size_t i = 0; i < findings->count; i++)
		(findings->items[i].status ? msg_error : msg_warn)("%s", findings->items[i].text);
	if (failed)
		return -1;
	if (findings_error(findings, e) < 0)
		return err_set(e, e->status, "%s: errors: %zu, warnings: %zu", file->subject, findings->errors,
			findings->warnings);
	if (user.strict && findings->warnings)
		return err_set(e, STATUS_REFUSED, "%s: warnings: %zu, and --strict", file->subject, findings->warnings);
	return 0;
}

static void write_image_record(const struct acifile *file)
{
	jsonio_auto json_t *record = aci_record(file->scan.id, file->scan.manifest);
	json_object_set_new(record, "blob", descriptor_json(MEDIA_ACI, file->digest, file->size));
	record_write(record);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	acifile_auto file = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	if (lint(operands.count ? operands.items[0] : "-", &file, &e) < 0)
		return cmd_fail(&e);
	write_image_record(&file);
	return cmd_finish();
}
