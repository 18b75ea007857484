// reg-resolve - find the manifest, config and layers of images
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records of ref-parse. stdout: the same with manifest, config, layers and platform. 1 for what is no image or two things
// at once (a manifest with `layers` and `manifests`, schema 1). Nothing is stored: fetch-blob brings what the record names.
#include "base/cmd.h"
#include "base/mem.h"
#include "base/record.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/origin.h"
#include "oci/registry.h"
#include "oci/resolve.h"

static struct {
	const char *platform;
	bool all;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT('p', "platform", "OS/ARCH", &user.platform, "the image for this platform; this machine's unless told"),
	CMD_FLAG(0, "all", &user.all, "the images for all platforms, one record each"),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-resolve",
	.operands = "",
	.summary = "find the manifest, config and layers of images",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORDS,
	.options = options,
};

static int resolve_all(const json_t *records, const struct resolve_request *request, json_t *out, struct err *e)
{
	struct sandbox sandbox = { 0 };
	origins_auto origins = { .limits = &codeclimits_asked };
	size_t i;
	json_t *record;
	if (origin_needs_network(records) && registry_prepare(&sandbox, e) < 0)
		return -1;
	json_array_foreach(records, i, record)
		origin_add(&origins, record, &sandbox);
	if (sandbox_enter(&sandbox, e) < 0)
		return -1;
	json_array_foreach(records, i, record) {
		struct source *source = origin_find(&origins, record, e);
		for (const char *const *check = http_insecure(); origin_is_registry(record) && *check; check++)
			image_add_insecure(record, *check);
		if (!source || resolve_image(source, record, request, out, e) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	cmd_start(&cmd, argc, argv);
	if (user.all && user.platform)
		cmd_usage("options --all and --platform exclude each other");
	struct resolve_request request = { .all = user.all };
	if (user.platform && !(request.platform = platform_parse(user.platform, &e)))
		return cmd_fail(&e);
	jsonio_auto json_t *records = image_read_all("image", &e);
	jsonio_auto json_t *out = json_array();
	if (!records || resolve_all(records, &request, out, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	record_write_all(out);
	return cmd_finish();
}
