// store-rm - remove images from the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the records of the images removed. Nothing is removed unless every operand is found (3) and none is the
// image of a prepared or running pod (1). The blobs go with the next store-gc.
#include "base/cmd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/record.h"
#include "image/layoutindex.h"
#include "image/poduse.h"
#include "image/storecmd.h"
#include "image/storeindex.h"

static struct {
	const char *pods;
} user;

static const struct cmd_option options[] = {
	CMD_GROUP(storecmd_options),
	CMD_TEXT(0, "pods", "DIR", &user.pods, "the pods whose images stay; else TACKLE_PODS or this user's own"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "store-rm",
	.operands = "IMAGE ...",
	.summary = "remove images from the store",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

static json_t *find_all(struct store *s, struct cmd_operands images, struct err *e)
{
	jsonio_auto json_t *all = json_array();
	for (int i = 0; i < images.count; i++) {
		json_t *record = store_find(s, images.items[i], e);
		if (!record)
			return NULL;
		json_array_append_new(all, record);
	}
	return json_incref(all);
}

static int check_unused(const json_t *records, const json_t *used, struct err *e)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		const char *id = json_string_value(json_object_get(record, "id"));
		const char *uuid = id ? json_string_value(json_object_get(used, id)) : NULL;
		if (uuid)
			return err_set(e, STATUS_REFUSED, "image '%s': in use by the pod %s", id, uuid);
	}
	return 0;
}

// An image named by two operands goes once.
static int remove_all(struct store *s, const json_t *records, json_t *removed, struct err *e)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		char key[STORE_KEY_MAX];
		if (store_key(record, key, e) < 0)
			return -1;
		mem_auto char *id = store_key_text(key);
		if (store_remove_image(s, id, e) == 0)
			json_array_append(removed, record);
		else if (e->status == STATUS_NOT_FOUND)
			*e = (struct err){ 0 };
		else
			return -1;
	}
	return layoutindex_follow(s, LAYOUTINDEX_CHEAP, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands images = cmd_start(&cmd, argc, argv);
	mem_auto char *pods = path_pods(user.pods);
	jsonio_auto json_t *used = poduse_images(pods, &e);
	store_auto *s = used ? storecmd_open(STORECMD_WRITE, &sandbox, &e) : NULL;
	jsonio_auto json_t *records = s ? find_all(s, images, &e) : NULL;
	jsonio_auto json_t *removed = json_array();
	if (!records || check_unused(records, used, &e) < 0 || remove_all(s, records, removed, &e) < 0)
		return cmd_fail(&e);
	record_write_all(removed);
	return cmd_finish();
}
