// discover - find where App Container images and their keys are
// SPDX-License-Identifier: Apache-2.0
//
// operand, or stdin: names, or image records (as from ref-parse; those that need no discovery pass on
// unchanged). stdout: one image record each, with endpoints and keys. 3 when no page has a tag for the name
// (App Container Specification, discovery.md).
#include <string.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "image/discovery.h"
#include "image/image.h"
#include "net/http.h"
#include "oci/acname.h"
#include "oci/platform.h"
#include "oci/ref.h"

static struct {
	bool keys;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "keys", &user.keys, "find the public keys for a name prefix, not images"),
	CMD_GROUP(http_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "discover",
	.operands = "[NAME[:VERSION][,LABEL=VALUE] ...]",
	.summary = "find where App Container images and their keys are",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORDS,
	.most_operands = -1,
	.options = options,
};

static json_t *parse_names(struct cmd_operands names, struct err *e)
{
	json_t *records = json_array();
	for (int i = 0; i < names.count; i++) {
		json_t *record = ref_parse(names.items[i], e);
		if (record)
			json_array_append_new(records, record);
		if (record && strcmp(jsonio_find_text(record, "transport"), "appc") != 0)
			err_set(e, STATUS_USAGE, "'%s': not the name of an App Container image", names.items[i]);
		if (e->status) {
			json_decref(records);
			return NULL;
		}
	}
	return records;
}

static bool needs_discovery(const json_t *record)
{
	const char *transport = jsonio_find_text(record, "transport");
	return (!transport || !strcmp(transport, "appc")) && !json_object_get(record, "endpoints") &&
		!json_object_get(record, "id");
}

static int check_labels(const json_t *labels, struct err *e)
{
	const char *key;
	json_t *value;
	if (!json_is_object(labels))
		return err_set(e, STATUS_MALFORMED, "field 'labels': not an object");
	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		if (!acname_is_identifier(key) || !json_is_string(value))
			return err_set(e, STATUS_MALFORMED, "field 'labels': '%.80s' is not an identifier with a string", key);
	return 0;
}

// Fills in a label that was not asked for, and notes that, so that nobody holds the image to it.
static void add_default(json_t *record, const char *label, const char *value)
{
	json_t *labels = json_object_get(record, "labels");
	if (json_object_get(labels, label))
		return;
	json_object_set_new(labels, label, json_string(value));
	if (!json_object_get(record, "defaults"))
		json_object_set_new(record, "defaults", json_array());
	json_array_append_new(json_object_get(record, "defaults"), json_string(label));
}

static int complete(json_t *record, struct err *e)
{
	const char *name = jsonio_need_text(record, "name", e);
	if (!name)
		return -1;
	if (!acname_is_identifier(name))
		return err_set(e, STATUS_MALFORMED, "field 'name': '%.200s' is not an App Container identifier", name);
	if (!json_object_get(record, "labels"))
		json_object_set_new(record, "labels", json_object());
	if (check_labels(json_object_get(record, "labels"), e) < 0)
		return -1;
	const struct platform *host = platform_host();
	add_default(record, "os", host->os);
	add_default(record, "arch", host->appc);
	add_default(record, "version", "latest");
	return 0;
}

static int discover(json_t *record, struct err *e)
{
	struct discovery found;
	if (!needs_discovery(record))
		return 0;
	if (complete(record, e) < 0)
		return -1;
	const char *name = jsonio_find_text(record, "name");
	const json_t *labels = json_object_get(record, "labels");
	int result = discovery_run(name, labels, user.keys, &found, e);
	if (!result && !user.keys)
		json_object_set(record, "endpoints", found.endpoints);
	if (!result)
		json_object_set(record, "keys", found.keys);
	discovery_free(&found);
	if (result < 0 || user.keys)
		return result;
	if (!strcmp(jsonio_find_text(labels, "version"), "latest")) {
		msg_info("'%s': version latest is unpinned: another image may come next time", name);
		json_object_set_new(record, "pinned", json_false());
	}
	for (const char *const *check = http_insecure(); *check; check++)
		image_add_insecure(record, *check);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands names = cmd_start(&cmd, argc, argv);
	struct sandbox sandbox = { .fork = true };
	if (http_prepare(&sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *records = names.count ? parse_names(names, &e) : image_read_all("image", &e);
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (discover(record, &e) < 0)
			break;
	http_end();
	if (e.status)
		return cmd_fail(&e);
	record_write_all(records);
	return cmd_finish();
}
