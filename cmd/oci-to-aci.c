// oci-to-aci - convert an OCI image into an App Container Image
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the record of an OCI image whose blobs are in the store. stdout: the record of the App Container Image, which is in the store
// then, with the old record under derived_from and nothing verified: the very one that aci-to-oci made the other of, where it did. The
// same image gives the same id. 1 when a layer is not what the manifest and config say.
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/digest.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/flatten.h"
#include "image/image.h"
#include "image/intake.h"
#include "image/layers.h"
#include "image/layertree.h"
#include "image/nameset.h"
#include "image/ociaci.h"
#include "image/ociorigin.h"
#include "image/pass.h"
#include "image/storecmd.h"
#include "image/tree.h"
#include "oci/descriptor.h"

static struct {
	const char *name;
	bool flatten;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "name", "NAME", &user.name, "the image's name; the record's unless told"),
	CMD_FLAG(0, "flatten", &user.flatten, "make one image that depends on no other"),
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

struct conversion {
	struct store *store;
	struct ociimage image;
	struct ociorigin origin; // or what stands for it: the new image's manifest
	struct render_options how;
	struct flatten *flatten; // NULL where one layer alone is the rootfs
	struct tarwrite out;
	struct layertree *tree; // of that layer
	struct nameset names;
	int64_t bytes; // of its files so far
};

// ---- the image's own layer ----

// An entry that is to others what it is to readers of App Container Images, who know no whiteouts and follow no symlinks.
static int check_entry(struct conversion *c, const struct tar_entry *entry, struct err *e)
{
	enum layers_meaning meaning;
	const char *name;
	if (layers_meaning_of(entry->path, &meaning, &name, e) < 0)
		return -1;
	if (meaning != LAYERS_FILE || !nameset_add(&c->names, entry->path, strlen(entry->path)) ||
		layertree_obstacle(c->tree, entry->path))
		return err_set(e, STATUS_MALFORMED, "'%s': no App Container Image has it so", entry->path);
	if (entry->type == TAR_FILE && entry->size > c->how.bytes - c->bytes)
		return err_set(e, STATUS_LIMIT, "'%s': the files together are larger than the limit of %lld bytes", entry->path,
			(long long)c->how.bytes);
	c->bytes += entry->type == TAR_FILE ? entry->size : 0;
	struct tar_entry alone = *entry;
	if (entry->type == TAR_HARD_LINK) { // maybe to a file of a dependency
		alone.type = TAR_FILE;
		if (tree_leaves_root(entry->link))
			return err_set(e, STATUS_MALFORMED, "'%s': a hard link out of the archive: to '%s'", entry->path,
				entry->link);
	}
	return layertree_put(c->tree, 0, 0, &alone, e);
}

static char *below_rootfs(const char *path)
{
	return strcmp(path, ".") ? mem_format("rootfs/%s", path) : mem_text("rootfs");
}

static int copy_entry(void *conversion, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct conversion *c = conversion;
	if (check_entry(c, entry, e) < 0)
		return -1;
	mem_auto char *path = below_rootfs(entry->path);
	mem_auto char *link = entry->type == TAR_HARD_LINK ? below_rootfs(entry->link) : mem_text(entry->link);
	struct tar_entry moved = *entry;
	moved.path = path;
	moved.link = link;
	if (tarwrite_entry(&c->out, &moved, e) < 0)
		return -1;
	return entry->type == TAR_FILE ? tarwrite_copy(&c->out, r, e) : 0;
}

// Entry by entry as they come: what was packed in one order is the same bytes again.
static int copy_layer(struct conversion *c, struct err *e)
{
	jsonio_auto json_t *layer = ociimage_layer(&c->image, (size_t)c->origin.layer, e);
	c->tree = layertree_new(false);
	int failed = !layer || pass_over_image(c->store, layer, &c->how, copy_entry, c, e) < 0;
	if (!failed && !nameset_has(&c->names, ".", 1))
		failed = err_set(e, STATUS_MALFORMED, "'.': missing");
	layertree_free(c->tree);
	nameset_free(&c->names);
	if (!failed)
		return 0;
	if (e->status == STATUS_MALFORMED)
		err_hint(e, "--flatten makes one image of all layers");
	return err_context(e, "layer %d, of the image's own files", c->origin.layer + 1);
}

// ---- the archive ----

static int add_bytes(void *intake, const void *data, size_t length, struct err *e)
{
	return intake_add(intake, data, length, e);
}

// The manifest, and the layers as one tree below rootfs, or the one layer.
static int write_image(struct conversion *c, struct intake *in, struct err *e)
{
	const struct buf *text = &c->origin.text;
	struct tar_entry entry = { .type = TAR_FILE,
		.path = "manifest",
		.link = "",
		.mode = 0644,
		.size = (int64_t)text->length,
		.mtime = c->origin.mtime };
	c->out = (struct tarwrite){ .sink = add_bytes, .context = in };
	if (tarwrite_entry(&c->out, &entry, e) < 0 || tarwrite_data(&c->out, text->data, text->length, e) < 0)
		return -1;
	if ((c->flatten ? flatten_write(c->flatten, &c->out, "rootfs", e) : copy_layer(c, e)) < 0)
		return -1;
	return tarwrite_end(&c->out, e);
}

static int store_image(struct conversion *c, struct intake_result *is, struct err *e)
{
	struct io_output o;
	if (store_create_blob(c->store, &o, e) < 0)
		return -1;
	struct intake *in = intake_start(o.fd, true, NULL, e);
	int failed = !in || write_image(c, in, e) < 0;
	if (failed)
		intake_abort(in, e);
	else
		failed = intake_finish(in, is, e) < 0;
	if (failed) {
		io_discard(&o);
		return -1;
	}
	return store_commit_blob(c->store, &o, is->sha256, e) < 0 ? -1 : store_alias_blob(c->store, is->sha512, is->sha256, e);
}

// ---- what it says ----

static void make_stand_alone(json_t *manifest)
{
	if (!user.flatten && !aci_stands_alone(manifest))
		msg_warn(
			"the layers do not tell which files are the image's own: one image of all of them, without dependencies");
	json_object_del(manifest, "dependencies");
	json_object_del(manifest, "pathWhitelist");
}

// The manifest that the image was made from, or one of what its config says.
static int choose_manifest(struct conversion *c, const json_t *record, struct err *e)
{
	struct ociorigin *o = &c->origin;
	bool known = ociorigin_read(&c->image, o);
	if (!known || user.flatten)
		o->layer = -1;
	if (!known)
		o->manifest = ociaci_manifest(record, &c->image, user.name, e);
	if (!o->manifest)
		return -1;
	jsonio_auto json_t *was = known ? json_deep_copy(o->manifest) : NULL;
	if (o->layer < 0)
		make_stand_alone(o->manifest);
	if (user.name)
		json_object_set_new(o->manifest, "name", json_string(user.name));
	if (!known || !json_equal(was, o->manifest)) {
		mem_auto char *text = jsonio_text(o->manifest);
		o->text.length = 0;
		buf_add_text(&o->text, text);
	}
	return aci_check_manifest(o->manifest, e);
}

static json_t *describe(const struct conversion *c, const json_t *from, const struct intake_result *is)
{
	mem_auto char *id = mem_format("sha512-%s", digest_digits(is->sha512));
	json_t *record = aci_record(id, c->origin.manifest);
	json_object_set_new(record, "blob", descriptor_json(MEDIA_ACI, is->sha256, is->size));
	image_derive(record, from);
	return record;
}

static json_t *convert_image(struct conversion *c, const json_t *record, struct err *e)
{
	struct intake_result is;
	if (ociimage_read(c->store, record, &c->image, e) < 0 || choose_manifest(c, record, e) < 0)
		return NULL;
	if (c->origin.layer < 0 && !(c->flatten = flatten_read(c->store, &c->image, &c->how, e)))
		return NULL;
	return store_image(c, &is, e) < 0 ? NULL : describe(c, record, &is);
}

static json_t *convert(struct store *s, const json_t *record, struct err *e)
{
	struct conversion c = { .store = s, .how = render_defaults };
	c.how.codec = codeclimits_asked;
	c.how.bytes = codeclimits_asked.output;
	if (!ociimage_is(record)) {
		err_set(e, STATUS_MALFORMED, "record: no OCI image: it has no manifest");
		return NULL;
	}
	json_t *converted = convert_image(&c, record, e);
	flatten_free(c.flatten);
	ociorigin_free(&c.origin);
	ociimage_free(&c.image);
	return converted;
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
