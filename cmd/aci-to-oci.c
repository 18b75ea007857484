// aci-to-oci - convert an App Container Image into an OCI image
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the record of an App Container Image whose blob is in the store, its dependencies as images of the store. stdout: the record of
// the OCI image, one layer for each image that makes its tree, whose blobs are in the store then, with the old record under derived_from
// and nothing verified. Its labels tell oci-to-aci what the image was. 1 when a blob is not what its record says, or a dependency is not verified.
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
#include "image/ociorigin.h"
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
	bool exact;             // it holds the image's own files, all of them and nothing else
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
	c->exact = true;
	return c->intake ? 0 : -1;
}

// What images put below something that is no directory replaces it with one (rkt:I-032); readers of layers would follow a symlink there.
static int clear_way(struct conversion *c, const char *path, struct err *e)
{
	size_t length = layertree_obstacle(c->tree, path);
	if (!length)
		return 0;
	c->exact = false;
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
	if (tarwrite_entry(&c->out, &moved, e) < 0)
		return -1;
	return entry->type == TAR_FILE ? tarwrite_copy(&c->out, r, e) : 0;
}

static void leave_out(void *conversion)
{
	struct conversion *c = conversion;
	c->exact = false;
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

static void free_conversion(struct conversion *c, struct err *e)
{
	if (c->intake)
		intake_abort(c->intake, e);
	io_discard(&c->o);
	layertree_free(c->tree);
	json_decref(c->layers);
	json_decref(c->diff_ids);
}

static struct conversion new_conversion(struct store *s)
{
	return (struct conversion){ .store = s,
		.o = { .fd = -1 },
		.tree = layertree_new(false),
		.layers = json_array(),
		.diff_ids = json_array() };
}

// ---- own files that the tree does not show ----

static int hide(void *conversion, const char *path, struct layertree_inode *inode, struct err *e)
{
	(void)inode;
	struct conversion *c = conversion;
	if (!strcmp(path, ".") || strchr(path, '/'))
		return 0;
	mem_auto char *name = mem_format(LAYERS_WHITEOUT_PREFIX "%s", path);
	const struct tar_entry whiteout = { .type = TAR_FILE, .path = name, .link = "", .mode = 0644 };
	return tarwrite_entry(&c->out, &whiteout, e);
}

// What the image's own whitelist leaves out cannot be in its layer, nor anywhere else above its dependencies, whose files it might remove.
// So all own files come a second time, below everything, and a layer of whiteouts above them leaves nothing of them to see; not an
// opaque one, since overlayfs does not heed that of the root. Returns 1, 0 when no lowest layer can hold them as they are, or -1.
static int put_below(struct conversion *c, const json_t *record, const struct render_options *how, struct err *e)
{
	struct conversion below = new_conversion(c->store);
	const struct acirender_sink sink = { put_entry, begin_layer, end_layer, NULL, &below };
	int result = acirender_own(c->store, record, &sink, how, e);
	bool fits = result == 0 && below.exact;
	if (e->status == STATUS_MALFORMED || e->status == STATUS_REFUSED) { // such as a hard link to a file of a dependency
		*e = (struct err){ 0 };
		result = 0;
	}
	if (fits) {
		bool hidden = begin_layer(&below, e) == 0 && layertree_walk(below.tree, hide, &below, e) == 0 &&
			end_layer(&below, e) == 0;
		result = hidden ? 1 : -1;
	}
	for (size_t i = 0; i < 2 && result > 0; i++) {
		json_array_insert(c->layers, i, json_array_get(below.layers, i));
		json_array_insert(c->diff_ids, i, json_array_get(below.diff_ids, i));
	}
	free_conversion(&below, e);
	return result;
}

// *own gets the place of the layer that holds the image's own files, -1 where none can.
static int write_layers(struct conversion *c, const json_t *record, struct acirender_manifest *manifest, int *own, struct err *e)
{
	struct render_options how = render_defaults;
	const struct acirender_sink sink = { put_entry, begin_layer, end_layer, leave_out, c };
	how.codec = codeclimits_asked;
	how.unverified = user.unverified;
	if (acirender(c->store, record, &sink, &how, manifest, e) < 0)
		return -1;
	*own = (int)json_array_size(c->layers) - 1;
	if (c->exact)
		return 0;
	int below = put_below(c, record, &how, e);
	*own = below > 0 ? 0 : -1;
	return below < 0 ? -1 : 0;
}

// ---- what describes it ----

static void tell_unverified(json_t *record, const json_t *manifest)
{
	if (user.unverified && json_array_size(json_object_get(manifest, "dependencies"))) {
		msg_warn("dependencies that nothing has verified are taken");
		image_add_insecure(record, "verified");
	}
}

static json_t *describe(const struct conversion *c, json_t *from, const struct acirender_manifest *came, int own, struct err *e)
{
	jsonio_auto json_t *manifest = jsonio_parse(buf_text(&came->text), came->text.length, "manifest", e);
	jsonio_auto json_t *config = manifest ? ociaci_config(manifest, c->diff_ids, e) : NULL;
	if (!config)
		return NULL;
	ociorigin_put(config, &came->text, own < 0 ? NULL : json_string_value(json_array_get(c->diff_ids, (size_t)own)),
		came->mtime);
	json_t *record = ociwrite_image(c->store, config, c->layers, NULL, e);
	if (!record)
		return NULL;
	json_object_set_new(record, "name", json_string(aci_name(manifest)));
	json_object_set_new(record, "labels", aci_labels(manifest));
	tell_unverified(from, manifest);
	image_derive(record, from);
	return record;
}

static json_t *convert(struct store *s, json_t *record, struct err *e)
{
	int own;
	struct acirender_manifest manifest = { 0 };
	if (ociimage_is(record) || !pass_is_aci(record)) {
		err_set(e, STATUS_MALFORMED, "record: no App Container Image");
		return NULL;
	}
	struct conversion c = new_conversion(s);
	json_t *converted = write_layers(&c, record, &manifest, &own, e) < 0 ? NULL : describe(&c, record, &manifest, own, e);
	free_conversion(&c, e);
	buf_free(&manifest.text);
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
