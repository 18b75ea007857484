// oci-to-aci - convert an OCI image into an App Container Image
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the record of an OCI image whose blobs are in the store. stdout: the record of the App Container Image, which is in the store
// then, with the old record under derived_from and nothing verified. The same image gives the same id. 1 when a layer is not what the
// manifest and config say.
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/flatten.h"
#include "image/image.h"
#include "image/intake.h"
#include "image/ociaci.h"
#include "image/storecmd.h"
#include "oci/descriptor.h"

static struct {
	const char *name;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "name", "NAME", &user.name, "the image's name; the record's unless told"),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(codeclimits_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "oci-to-aci",
	.operands = "",
	.summary = "convert an OCI image into an App Container Image",
	.reads = CMD_RECORD,
	.writes = CMD_RECORD,
	.options = options,
};

static int add_bytes(void *intake, const void *data, size_t length, struct err *e)
{
	return intake_add(intake, data, length, e);
}

// The archive: the manifest, and the layers as one tree below rootfs.
static int write_image(struct flatten *f, const json_t *manifest, struct intake *in, struct err *e)
{
	struct tarwrite out = { .sink = add_bytes, .context = in };
	mem_auto char *text = jsonio_text(manifest);
	struct tar_entry entry = { .type = TAR_FILE,
		.path = "manifest",
		.link = "",
		.mode = 0644,
		.size = (int64_t)strlen(text) };
	if (tarwrite_entry(&out, &entry, e) < 0 || tarwrite_data(&out, text, strlen(text), e) < 0 ||
		flatten_write(f, &out, "rootfs", e) < 0)
		return -1;
	return tarwrite_end(&out, e);
}

static int store_image(struct store *s, struct flatten *f, const json_t *manifest, struct intake_result *is, struct err *e)
{
	struct io_output o;
	if (store_create_blob(s, &o, e) < 0)
		return -1;
	struct intake *in = intake_start(o.fd, true, NULL, e);
	int failed = !in || write_image(f, manifest, in, e) < 0;
	if (failed)
		intake_abort(in, e);
	else
		failed = intake_finish(in, is, e) < 0;
	if (failed) {
		io_discard(&o);
		return -1;
	}
	return store_commit_blob(s, &o, is->sha256, e) < 0 ? -1 : store_alias_blob(s, is->sha512, is->sha256, e);
}

static json_t *describe(const json_t *from, const json_t *manifest, const struct intake_result *is)
{
	mem_auto char *id = mem_format("sha512-%s", is->sha512 + sizeof "sha512:" - 1);
	json_t *record = aci_record(id, manifest);
	json_object_set_new(record, "blob", descriptor_json(MEDIA_ACI, is->sha256, is->size));
	ociaci_derive(record, from);
	return record;
}

static json_t *convert(struct store *s, const json_t *record, struct err *e)
{
	struct render_options how = render_defaults;
	struct intake_result is;
	ociimage_auto image = { 0 };
	how.codec = codeclimits_asked;
	how.bytes = codeclimits_asked.output;
	if (!ociimage_is(record)) {
		err_set(e, STATUS_MALFORMED, "record: no OCI image: it has no manifest");
		return NULL;
	}
	if (ociimage_read(s, record, &image, e) < 0)
		return NULL;
	jsonio_auto json_t *manifest = ociaci_manifest(record, &image, user.name, e);
	struct flatten *f = manifest ? flatten_read(s, &image, &how, e) : NULL;
	int failed = !f || store_image(s, f, manifest, &is, e) < 0;
	flatten_free(f);
	return failed ? NULL : describe(record, manifest, &is);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *record = image_read("image", &e);
	store_auto *s = record ? storecmd_open(STORECMD_WRITE, &sandbox, &e) : NULL;
	jsonio_auto json_t *converted = s ? convert(s, record, &e) : NULL;
	if (!converted)
		return cmd_fail(&e);
	record_write(converted);
	return cmd_finish();
}
