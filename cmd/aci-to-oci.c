// aci-to-oci - convert an App Container Image into an OCI image
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the record of an App Container Image whose blob is in the store. stdout: the record of the OCI image of one layer, whose blobs are
// in the store then, with the old record under derived_from and nothing verified. 1 when the blob is not what the record says, or the
// image needs others.
#include <string.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/intake.h"
#include "image/ociaci.h"
#include "image/pass.h"
#include "image/storecmd.h"
#include "image/tarwrite.h"
#include "image/tree.h"
#include "oci/descriptor.h"

static const struct cmd_option options[] = {
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
	struct intake *intake;
	struct tarwrite out;
	struct buf manifest; // as it came
};

// ---- the layer ----

static int add_bytes(void *intake, const void *data, size_t length, struct err *e)
{
	return intake_add(intake, data, length, e);
}

static int take_manifest(struct conversion *c, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	if (entry->type != TAR_FILE || c->manifest.length)
		return err_set(e, STATUS_MALFORMED, "manifest: not one regular file");
	if (entry->size > (int64_t)ACI_MANIFEST_MAX)
		return err_set(e, STATUS_LIMIT, "manifest: larger than the limit of %zu bytes", ACI_MANIFEST_MAX);
	buf_reserve(&c->manifest, (size_t)entry->size);
	ssize_t n;
	while ((n = tar_read(r, c->manifest.data + c->manifest.length, (size_t)entry->size - c->manifest.length, e)) > 0)
		c->manifest.length += (size_t)n;
	return n < 0 ? -1 : 0;
}

// The path below rootfs/, NULL for what lies beside it.
static const char *below_rootfs(const char *path)
{
	if (strncmp(path, "rootfs", 6) != 0 || (path[6] != '/' && path[6]))
		return NULL;
	return path[6] ? path + 7 : ".";
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

static int take_entry(void *conversion, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct conversion *c = conversion;
	struct tar_entry moved = *entry;
	if (!strcmp(entry->path, "manifest"))
		return take_manifest(c, entry, r, e);
	if (!strcmp(entry->path, ".") && entry->type == TAR_DIRECTORY)
		return 0;
	moved.path = below_rootfs(entry->path);
	moved.link = entry->type == TAR_HARD_LINK ? below_rootfs(entry->link) : entry->link;
	if (!moved.path || tree_leaves_root(moved.path))
		return err_set(e, STATUS_MALFORMED, "'%s': neither the manifest nor below rootfs", entry->path);
	if (!moved.link || (entry->type == TAR_HARD_LINK && tree_leaves_root(moved.link)))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link out of rootfs: to '%s'", entry->path, entry->link);
	const char *slash = strrchr(moved.path, '/');
	if (!strncmp(slash ? slash + 1 : moved.path, ".wh.", 4))
		return err_set(e, STATUS_REFUSED, "'%s': a name that a layer cannot hold: it would be a whiteout", entry->path);
	return tarwrite_entry(&c->out, &moved, e) < 0 ? -1 : copy_data(c, entry, r, e);
}

static int write_layer(struct conversion *c, const json_t *record, struct err *e)
{
	struct render_options how = render_defaults;
	how.codec = codeclimits_asked;
	c->out = (struct tarwrite){ .sink = add_bytes, .context = c->intake };
	if (pass_over_image(c->store, record, &how, take_entry, c, e) < 0)
		return -1;
	return tarwrite_end(&c->out, e);
}

static int store_layer(struct conversion *c, const json_t *record, struct intake_result *is, struct err *e)
{
	struct io_output o;
	if (store_create_blob(c->store, &o, e) < 0)
		return -1;
	c->intake = intake_start(o.fd, false, NULL, e);
	int failed = !c->intake || write_layer(c, record, e) < 0;
	if (failed)
		intake_abort(c->intake, e);
	else
		failed = intake_finish(c->intake, is, e) < 0;
	if (failed) {
		io_discard(&o);
		return -1;
	}
	return store_commit_blob(c->store, &o, is->sha256, e);
}

// ---- what describes it ----

static json_t *parse_manifest(const struct conversion *c, const json_t *record, struct err *e)
{
	const char *name = json_string_value(json_object_get(record, "name"));
	jsonio_auto json_t *manifest = jsonio_parse(buf_text(&c->manifest), c->manifest.length, "manifest", e);
	if (!manifest || aci_check_manifest(manifest, e) < 0)
		return NULL;
	if (name && strcmp(name, aci_name(manifest)) != 0)
		err_set(e, STATUS_REFUSED, "the image's manifest names another one: '%s'", aci_name(manifest));
	else if (json_array_size(json_object_get(manifest, "dependencies")) ||
		json_array_size(json_object_get(manifest, "pathWhitelist"))) {
		err_set(e, STATUS_REFUSED, "the image needs others, or hides a part of itself: it is no tree of its own");
		err_hint(e, "unpack it, and build an image of the tree with aci-build");
	}
	return e->status ? NULL : json_incref(manifest);
}

// The blob of a JSON text, and its descriptor; a new reference.
static json_t *put_json(struct store *s, const json_t *value, const char *media_type, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *text = jsonio_text(value);
	if (store_put_blob(s, text, strlen(text), digest, e) < 0)
		return NULL;
	return descriptor_json(media_type, digest, (int64_t)strlen(text));
}

static json_t *platform_of(const json_t *config)
{
	json_t *platform = json_pack("{s:O, s:O}", "os", json_object_get(config, "os"), "architecture",
		json_object_get(config, "architecture"));
	if (json_object_get(config, "variant"))
		json_object_set(platform, "variant", json_object_get(config, "variant"));
	return platform;
}

static json_t *describe(struct store *s, const json_t *from, const json_t *manifest, const struct intake_result *is,
	struct err *e)
{
	jsonio_auto json_t *config = ociaci_config(manifest, is->sha256, e);
	jsonio_auto json_t *config_at = config ? put_json(s, config, MEDIA_CONFIG, e) : NULL;
	if (!config_at)
		return NULL;
	jsonio_auto json_t *layers = json_pack("[o]", descriptor_json(MEDIA_TAR, is->sha256, is->size));
	jsonio_auto json_t *outer = json_pack("{s:i, s:s, s:O, s:O}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST, "config",
		config_at, "layers", layers);
	json_t *manifest_at = put_json(s, outer, MEDIA_MANIFEST, e);
	if (!manifest_at)
		return NULL;
	json_t *record = json_pack("{s:s, s:s, s:o, s:o, s:O, s:O, s:o}", "kind", "image", "name", aci_name(manifest), "labels",
		aci_labels(manifest), "manifest", manifest_at, "config", config_at, "layers", layers, "platform",
		platform_of(config));
	ociaci_derive(record, from);
	return record;
}

static json_t *convert(struct store *s, const json_t *record, struct err *e)
{
	struct conversion c = { .store = s };
	struct intake_result is;
	json_t *converted = NULL;
	if (ociimage_is(record) || !pass_is_aci(record))
		err_set(e, STATUS_MALFORMED, "record: no App Container Image");
	else if (store_layer(&c, record, &is, e) == 0) {
		jsonio_auto json_t *manifest = parse_manifest(&c, record, e);
		converted = manifest ? describe(s, record, manifest, &is, e) : NULL;
	}
	buf_free(&c.manifest);
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
