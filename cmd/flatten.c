// flatten - write the layers of an OCI image as one tar archive
// SPDX-License-Identifier: Apache-2.0
//
// stdin: one image record. stdout: a tar (POSIX.1-2017 pax) of the tree that unpack would make, the same bytes for the same image; with
// --output the blob record of the file written. 1 when the image is not verified, or a layer is not what the manifest and config say:
// then not a byte is written.
#include "base/cmd.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/archive.h"
#include "image/codeclimits.h"
#include "image/flatten.h"
#include "image/image.h"
#include "image/storecmd.h"

static struct {
	bool unverified;
} user;

static const struct cmd_option options[] = {
	CMD_GROUP(archive_options),
	CMD_FLAG(0, "unverified", &user.unverified, "take an image that is not verified"),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(codeclimits_options),
	CMD_END,
};

static struct cmd cmd = {
	.name = "flatten",
	.operands = "",
	.summary = "write the layers of an OCI image as one tar archive",
	.reads = CMD_RECORD,
	.writes = CMD_BYTES,
	.options = options,
};

static int write_image(struct flatten *f, struct archive *archive, struct err *e)
{
	struct tarwrite out = { .sink = archive_sink, .context = archive };
	return flatten_write(f, &out, "", e) < 0 ? -1 : tarwrite_end(&out, e);
}

static int flatten(struct store *s, json_t *record, struct archive *archive, struct err *e)
{
	struct render_options how = render_defaults;
	ociimage_auto image = { 0 };
	how.codec = codeclimits_asked;
	how.bytes = codeclimits_asked.output;
	if (!ociimage_is(record))
		return err_set(e, STATUS_MALFORMED, "record: no OCI image: it has no manifest");
	if (image_require_verified(record, user.unverified, e) < 0 || ociimage_read(s, record, &image, e) < 0)
		return -1;
	struct flatten *f = flatten_read(s, &image, &how, e);
	int failed = !f || archive_start(archive, e) < 0 || write_image(f, archive, e) < 0;
	flatten_free(f);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct archive_result result;
	cmd_start(&cmd, argc, argv);
	if (archive_to_file())
		cmd.writes = CMD_RECORD; // so that a failure, too, goes down the pipe
	jsonio_auto json_t *record = image_read("image", &e);
	struct archive *archive = record ? archive_open(&(struct archive_form){ 0 }, &sandbox, &e) : NULL;
	store_auto *s = archive ? storecmd_open(STORECMD_READ, &sandbox, &e) : NULL;
	if (!s || flatten(s, record, archive, &e) < 0) {
		archive_discard(archive);
		return cmd_fail(&e);
	}
	if (archive_finish(archive, &result, &e) < 0)
		return cmd_fail(&e);
	if (archive_to_file())
		archive_write_record(&result);
	return cmd_finish();
}
