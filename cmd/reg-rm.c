// reg-rm - remove images from a registry
// SPDX-License-Identifier: Apache-2.0
//
// operands: references, as in docker://. stdout: their records, with the digest of what was removed. Nothing goes that another tag still
// leads to (1, dtuf:D26), nor when an operand is not found (3). 1 for a registry that removes nothing (dtuf:D27).
#include <stdlib.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/record.h"
#include "oci/ref.h"
#include "oci/registry.h"

#define ACTIONS "pull,delete"

static struct {
	bool force;
	int64_t max_names;
} user = { .max_names = 1000000 };

static const struct cmd_option options[] = {
	CMD_FLAG('f', "force", &user.force, "remove an image with all tags that lead to it"),
	CMD_NUMBER(0, "max-names", "N", &user.max_names, 1, 100000000, "look at no more than N tags; 1000000 unless told"),
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-rm",
	.operands = "REFERENCE ...",
	.summary = "remove images from a registry",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

// Its record with the digest it has now.
static json_t *find(const char *operand, struct err *e)
{
	buf_auto text = { 0 };
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *type = NULL;
	json_t *record = ref_parse_registry(operand, e);
	if (!record)
		return NULL;
	const char *named = jsonio_find_text(record, "digest");
	struct registry *r =
		registry_open(jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"), ACTIONS, e);
	int failed = r ? registry_manifest(r, named ? named : jsonio_find_text(record, "tag"), &text, &type, digest, e) : -1;
	registry_close(r);
	if (failed) {
		json_decref(record);
		return NULL;
	}
	if (!named)
		json_object_set_new(record, "digest", json_string(digest));
	return record;
}

static int check_unused(struct registry *r, const json_t *record, struct err *e)
{
	struct registry_use use = { .digest = jsonio_find_text(record, "digest") };
	if (user.force)
		return 0;
	int failed = registry_find_uses(r, jsonio_find_text(record, "tag"), (size_t)user.max_names, &use, 1, e);
	if (!failed && use.tag) {
		failed = err_set(e, STATUS_REFUSED, "'%s': the tag '%s' leads to the same image", jsonio_find_text(record, "ref"),
			use.tag);
		err_hint(e, "--force removes the image with all its tags");
	}
	free(use.tag);
	return failed;
}

// A tag alone, where the registry knows how; else the manifest, and its tags go with it.
static int remove_image(const json_t *record, struct err *e)
{
	struct err why = { 0 };
	struct registry *r =
		registry_open(jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"), ACTIONS, e);
	const char *tag = jsonio_find_text(record, "tag");
	bool done = !user.force && tag && registry_delete_manifest(r, tag, &why) == 0;
	bool cannot = !done && tag && !user.force && why.status != STATUS_REFUSED && why.status != STATUS_NOT_FOUND;
	if (cannot)
		*e = why;
	if (!done && !cannot && check_unused(r, record, e) == 0)
		registry_delete_manifest(r, jsonio_find_text(record, "digest"), e);
	registry_close(r);
	return e->status ? -1 : 0;
}

static int run(struct cmd_operands references, json_t *records, struct err *e)
{
	size_t at;
	json_t *record;
	for (int i = 0; i < references.count; i++) {
		record = find(references.items[i], e);
		if (!record)
			return -1;
		json_array_append_new(records, record);
	}
	json_array_foreach(records, at, record)
		if (remove_image(record, e) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands references = cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = json_array();
	if (registry_prepare(&sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0 || run(references, records, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	record_write_all(records);
	return cmd_finish();
}
