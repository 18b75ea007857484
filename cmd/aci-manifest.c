// aci-manifest - show the manifest of an App Container Image, or what it depends on
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: an image, compressed or not. stdout: its ImageManifest byte for byte, once the whole image was found good; with
// --dependencies one image record for each dependency, ready for `discover`. 3 when there are none, since no record is no input
// for what follows.
#include <stdio.h>

#include "base/cmd.h"
#include "base/buf.h"
#include "base/record.h"
#include "image/acifile.h"

static struct {
	bool dependencies;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "dependencies", &user.dependencies, "write one image record for each dependency instead"),
	CMD_GROUP(acifile_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "aci-manifest",
	.operands = "[FILE]",
	.summary = "show the manifest of an App Container Image, or what it depends on",
	.reads = CMD_BYTES,
	.writes = CMD_JSON,
	.most_operands = 1,
	.options = options,
};

// NAME[:VERSION][,LABEL=VALUE...], as a user would write it.
static json_t *reference(const char *name, const json_t *labels)
{
	buf_auto text = { 0 };
	const char *key, *version = json_string_value(json_object_get(labels, "version"));
	json_t *value;
	buf_add_format(&text, version ? "%s:%s" : "%s", name, version);
	json_object_foreach((json_t *)labels, key, value)
		if (json_object_get(labels, "version") != value)
			buf_add_format(&text, ",%s=%s", key, json_string_value(value));
	return json_string(buf_text(&text));
}

static json_t *record_of(const json_t *dependency)
{
	const char *name = json_string_value(json_object_get(dependency, "imageName"));
	json_t *labels = aci_labels(dependency);
	json_t *record = json_pack("{s:s, s:s, s:s, s:o, s:o}", "kind", "image", "transport", "appc", "name", name, "ref",
		reference(name, labels), "labels", labels);
	json_t *id = json_object_get(dependency, "imageID"), *size = json_object_get(dependency, "size");
	if (json_is_string(id))
		json_object_set(record, "id", id);
	if (json_is_integer(size))
		json_object_set(record, "size", size);
	return record;
}

static int write_dependencies(const json_t *manifest, struct err *e)
{
	jsonio_auto json_t *records = json_array();
	size_t i;
	json_t *dependency;
	json_array_foreach(json_object_get(manifest, "dependencies"), i, dependency)
		json_array_append_new(records, record_of(dependency));
	if (!json_array_size(records))
		return err_set(e, STATUS_NOT_FOUND, "'%s': no dependencies", aci_name(manifest));
	record_write_all(records);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	acifile_auto file = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	if (acifile_read(operands.count ? operands.items[0] : "-", false, &file, &e) < 0)
		return cmd_fail(&e);
	if (!user.dependencies)
		fwrite(file.manifest.data, 1, file.manifest.length, stdout);
	else if (write_dependencies(file.scan.manifest, &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
