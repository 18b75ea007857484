// aci-to-oci - convert an App Container Image into an OCI image
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the record of an App Container Image whose blob is in the store, its dependencies as images of the store. stdout: the record of
// the OCI image, one layer for each image that makes its tree, whose blobs are in the store then, with the old record under derived_from
// and nothing verified. 1 when a blob is not what its record says, or a dependency is not verified.
#include <string.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/aci.h"
#include "image/acirender.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/intake.h"
#include "image/layers.h"
#include "image/layertree.h"
#include "image/ociaci.h"
#include "image/ociwrite.h"
#include "image/pass.h"
#include "image/storecmd.h"
#include "image/tarwrite.h"
#include "image/tree.h"
#include "oci/descriptor.h"

static struct {
	bool unverified;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "unverified", &user.unverified, "take dependencies that nothing has verified"),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(codeclimits_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "aci-to-oci",
	.operands = "",
	.summary = "convert an App Container Image into an OCI image",
	.reads = CMD_RECORD,
	.writes = CMD_RECORD,
	.options = options,
};

struct conversion {
	struct store *store;
	struct io_output o; // the blob of the layer that is being written, its intake and its archive
	struct intake *intake;
	struct tarwrite out;
	struct layertree *tree; // refuses what no reader of the layers could make a tree of
	size_t entries;         // of this layer
	json_t *layers, *diff_ids;
};

// ---- layers ----

static int add_bytes(void *intake, const void *data, size_t length, struct err *e)
{
	return intake_add(intake, data, length, e);
}

static int begin_layer(void *conversion, struct err *e)
{
	struct conversion *c = conversion;
	if (store_create_blob(c->store, &c->o, e) < 0)
		return -1;
	c->intake = intake_start(c->o.fd, false, NULL, e);
	c->out = (struct tarwrite){ .sink = add_bytes, .context = c->intake };
	c->entries = 0;
	return c->intake ? 0 : -1;
}

static int copy_data(struct conversion *c, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	ssize_t n = 0;
	while (entry->type == TAR_FILE && (n = tar_read(r, chunk, IO_CHUNK, e)) > 0)
		if (tarwrite_data(&c->out, chunk, (size_t)n, e) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

// What images put below something that is no directory replaces it with one (rkt:I-032); readers of layers would follow a symlink there.
static int clear_way(struct conversion *c, const char *path, struct err *e)
{
	size_t length = layertree_obstacle(c->tree, path);
	if (!length)
		return 0;
	mem_auto char *way = mem_text_n(path, length);
	const struct tar_entry directory = { .type = TAR_DIRECTORY, .path = way, .link = "", .mode = 0755 };
	if (layertree_put(c->tree, json_array_size(c->layers), c->entries++, &directory, e) < 0)
		return -1;
	return tarwrite_entry(&c->out, &directory, e);
}

static int put_entry(void *conversion, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
	struct err *e)
{
	struct conversion *c = conversion;
	struct tar_entry moved = *entry;
	moved.path = path;
	moved.link = link;
	if (!strncmp(path_base(path), LAYERS_WHITEOUT_PREFIX, strlen(LAYERS_WHITEOUT_PREFIX)))
		return err_set(e, STATUS_REFUSED, "'%s': a name that a layer cannot hold: it would be a whiteout", entry->path);
	if (clear_way(c, path, e) < 0 || layertree_put(c->tree, json_array_size(c->layers), c->entries++, &moved, e) < 0)
		return -1;
	return tarwrite_entry(&c->out, &moved, e) < 0 ? -1 : copy_data(c, entry, r, e);
}

static int end_layer(void *conversion, struct err *e)
{
	struct conversion *c = conversion;
	struct intake_result is;
	if (tarwrite_end(&c->out, e) < 0 || intake_finish(mem_steal(c->intake), &is, e) < 0 ||
		store_commit_blob(c->store, &c->o, is.sha256, e) < 0)
		return -1;
	json_array_append_new(c->layers, descriptor_json(MEDIA_TAR, is.sha256, is.size));
	json_array_append_new(c->diff_ids, json_string(is.sha256));
	return 0;
}

static int write_layers(struct conversion *c, const json_t *record, struct buf *manifest, struct err *e)
{
	struct render_options how = render_defaults;
	const struct acirender_sink sink = { put_entry, begin_layer, end_layer, c };
	how.codec = codeclimits_asked;
	how.unverified = user.unverified;
	c->tree = layertree_new(false);
	int result = acirender(c->store, record, &sink, &how, manifest, e);
	if (c->intake)
		intake_abort(c->intake, e);
	io_discard(&c->o);
	layertree_free(c->tree);
	return result;
}

// ---- what describes it ----

// The manifest of the tree that the layers make: what says how to make it of others is done. A new reference or NULL.
static json_t *own_manifest(const struct buf *text, json_t *record, struct err *e)
{
	json_t *manifest = jsonio_parse(buf_text(text), text->length, "manifest", e);
	if (user.unverified && json_array_size(json_object_get(manifest, "dependencies"))) {
		msg_warn("dependencies that nothing has verified are taken");
		image_add_insecure(record, "verified");
	}
	json_object_del(manifest, "dependencies");
	json_object_del(manifest, "pathWhitelist");
	return manifest;
}

static json_t *describe(const struct conversion *c, const json_t *from, const json_t *manifest, struct err *e)
{
	jsonio_auto json_t *config = ociaci_config(manifest, c->diff_ids, e);
	json_t *record = config ? ociwrite_image(c->store, config, c->layers, NULL, e) : NULL;
	if (!record)
		return NULL;
	json_object_set_new(record, "name", json_string(aci_name(manifest)));
	json_object_set_new(record, "labels", aci_labels(manifest));
	ociaci_derive(record, from);
	return record;
}

static json_t *convert(struct store *s, json_t *record, struct err *e)
{
	jsonio_auto json_t *layers = json_array();
	jsonio_auto json_t *diff_ids = json_array();
	struct conversion c = { .store = s, .o = { .fd = -1 }, .layers = layers, .diff_ids = diff_ids };
	buf_auto text = { 0 };
	if (ociimage_is(record) || !pass_is_aci(record)) {
		err_set(e, STATUS_MALFORMED, "record: no App Container Image");
		return NULL;
	}
	if (write_layers(&c, record, &text, e) < 0)
		return NULL;
	jsonio_auto json_t *manifest = own_manifest(&text, record, e);
	return manifest ? describe(&c, record, manifest, e) : NULL;
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
