// store-add - publish images in the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records, all read before the first is added. stdout: the same records with `imported` and `used`. 3 when a blob that
// a record names is not in the store, 1 when the bytes are not the image that the record would replace. Whether an image is verified is written down and not judged here: policy is the pipe's.
#include <jansson.h>
#include <string.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/record.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/layoutindex.h"
#include "image/storecmd.h"
#include "image/storeindex.h"
#include "oci/descriptor.h"

static const struct cmd_option options[] = {
	CMD_GROUP(codeclimits_options),
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

// A record may take the place of another about the same id only when its bytes are that image: they are read again where they are not
// those that the store has for it.
static int check_replacing(struct store *s, const json_t *record, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct descriptor blob;
	struct aci_scan scan = { 0 };
	struct err damaged = { 0 };
	const char *id = jsonio_get_text(record, "id", e);
	if (!id || store_key(record, key, e) < 0)
		return e->status ? -1 : 0;
	jsonio_auto json_t *old = store_read_image(s, key, &damaged);
	if (descriptor_read(record, "blob", &blob, e) < 0)
		return -1;
	if (damaged.status == STATUS_NOT_FOUND || (old && image_digest(old) && !strcmp(blob.digest, image_digest(old))))
		return 0;
	io_auto int fd = store_open_blob(s, blob.digest, NULL, e);
	if (fd < 0 || aci_scan_confined(fd, &codeclimits_asked, &scan, e) < 0)
		return err_context(e, "image '%s'", id);
	json_decref(scan.manifest);
	if (!strcmp(scan.id, id))
		return 0;
	return err_set(e, STATUS_REFUSED, "image '%s': id mismatch: the bytes of this record have the id %s", id, scan.id);
}

static int add(struct store *s, json_t *records, struct err *e)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (check_replacing(s, record, e) < 0 || store_add_image(s, record, e) < 0)
			return -1;
	return layoutindex_follow(s, LAYOUTINDEX_CHEAP, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { .fork = true };
	cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = image_read_all("image", &e);
	store_auto *s = records ? storecmd_open(STORECMD_CREATE, &sandbox, &e) : NULL;
	if (!s || add(s, records, &e) < 0)
		return cmd_fail(&e);
	record_write_all(records);
	return cmd_finish();
}
