// render.h says what these promise. What one App Container Image adds to the tree is in acirender.c.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/io.h"
#include "base/msg.h"
#include "image/acirender.h"
#include "image/layers.h"
#include "image/ociimage.h"
#include "image/pass.h"
#include "image/render.h"
#include "image/stage.h"
#include "image/tree.h"

const struct render_options render_defaults = {
	.codec = CODEC_DEFAULT_LIMITS,
	.tar = { .entries = 10000000, .name = 4096, .depth = 1024, .pax = 1 << 20 },
	.bytes = (int64_t)1 << 40,
};

static struct tree *open_tree(int root, const struct render_options *options)
{
	const struct tree_options kept = {
		.setuid = options->setuid,
		.devices = options->devices,
		.capabilities = options->capabilities,
		.owners = options->numeric_owners,
		.bytes = options->bytes,
	};
	return tree_open(root, &kept);
}

static void tell(const struct tree_lost *lost, const char *what, const char *hint)
{
	if (!lost->count)
		return;
	msg_warn("%s of %" PRId64 " entries not kept: '%s'%s", what, lost->count, lost->first,
		lost->count > 1 ? " and others" : "");
	if (hint && msg_verbosity >= 0)
		msg_hint("%s", hint);
}

static void tell_losses(const struct tree_losses *losses, const struct render_options *options)
{
	tell(&losses->owners, "owner", options->numeric_owners ? "this user namespace maps no such users or groups" : NULL);
	tell(&losses->setuid, "setuid or setgid bits", options->setuid ? NULL : "--setuid keeps them");
	tell(&losses->xattrs, "extended attributes", NULL);
}

// Directories' own times and modes, and everything on disk if that was asked for.
static int complete(struct tree *tree, int root, const struct render_options *options, struct err *e)
{
	if (tree_finish(tree, e) < 0)
		return -1;
	if (options->sync && syncfs(root) < 0)
		return err_system(e, "cannot write to disk");
	tell_losses(tree_losses(tree), options);
	return 0;
}

// ---- one bare tar ----

static int put_entry(void *tree, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	return tree_put(tree, entry, entry->path, entry->link, r, e);
}

// Fills root from the image of the record, or, when there is none, from fd.
static int fill_from_tar(struct store *s, const json_t *record, int fd, int root, const struct render_options *options,
	struct err *e)
{
	struct feed_digests unused; // of what nothing has verified
	struct tree *tree = open_tree(root, options);
	int result = record ? pass_over_image(s, record, options, put_entry, tree, e)
			    : pass_over(fd, options, DIGEST_SHA256, put_entry, tree, &unused, e);
	if (result == 0)
		result = complete(tree, root, options, e);
	tree_close(tree);
	return result;
}

// ---- the layers of an OCI image ----

static int fill_from_layers(struct store *s, const json_t *record, int root, const struct render_options *options, struct err *e)
{
	struct tree *tree = open_tree(root, options);
	int result = layers_apply(s, record, tree, options, e);
	if (result == 0)
		result = complete(tree, root, options, e);
	tree_close(tree);
	return result;
}

// ---- an App Container Image ----

static int put_in_tree(void *tree, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
	struct err *e)
{
	return tree_put(tree, entry, path, link, r, e);
}

static int fill_from_aci(struct store *s, const json_t *record, int root, const struct render_options *options,
	struct buf *manifest, struct err *e)
{
	struct acirender_manifest came = { 0 };
	struct tree *tree = open_tree(root, options);
	const struct acirender_sink sink = { .put = put_in_tree, .context = tree };
	int result = acirender(s, record, &sink, options, &came, e);
	*manifest = came.text;
	if (result == 0)
		result = complete(tree, root, options, e);
	tree_close(tree);
	return result;
}

// target/manifest beside target/rootfs.
static int fill_layout(struct store *s, const json_t *record, int stage, const struct render_options *options, struct err *e)
{
	io_auto int root = -1;
	buf_auto manifest = { 0 };
	if (mkdirat(stage, "rootfs", 0700) < 0 ||
		(root = openat(stage, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return err_system(e, "cannot make the directory rootfs");
	if (fill_from_aci(s, record, root, options, &manifest, e) < 0)
		return -1;
	io_auto int fd = openat(stage, "manifest", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || io_write_all(fd, manifest.data, manifest.length) < 0 || fchmod(stage, 0755) < 0)
		return err_system(e, "cannot write the manifest");
	return 0;
}

static int fill_from_image(struct store *s, const json_t *record, int stage, const struct render_options *options, struct err *e)
{
	bool is_oci = ociimage_is(record), is_aci = !is_oci && pass_is_aci(record);
	if (options->layout && !is_aci)
		return err_set(e, STATUS_USAGE, "%s has no manifest to keep beside rootfs/",
			is_oci ? "an OCI image" : "a bare tar");
	if (is_oci)
		return fill_from_layers(s, record, stage, options, e);
	buf_auto manifest = { 0 };
	if (options->layout)
		return fill_layout(s, record, stage, options, e);
	return is_aci ? fill_from_aci(s, record, stage, options, &manifest, e) : fill_from_tar(s, record, -1, stage, options, e);
}

// The frame of both: a stage that is renamed or removed, and signals that wait for that.
static int render(struct store *s, const json_t *record, int fd, int parent, const char *name,
	const struct render_options *options, struct err *e)
{
	struct stage stage;
	interrupt_watch();
	int result = stage_begin(&stage, parent, name, e);
	if (result == 0)
		result = record ? fill_from_image(s, record, stage.fd, options, e)
				: fill_from_tar(NULL, NULL, fd, stage.fd, options, e);
	if (result == 0)
		result = interrupt_check(e);
	if (result == 0)
		result = stage_commit(&stage, e);
	stage_discard(&stage);
	interrupt_end();
	return result;
}

int render_image(struct store *s, const json_t *record, int parent, const char *name, const struct render_options *options,
	struct err *e)
{
	const char *subject = json_string_value(json_object_get(record, "name"));
	store_mark_used(s, record);
	if (render(s, record, -1, parent, name, options, e) < 0)
		return subject ? err_context(e, "'%s'", subject) : -1;
	return 0;
}

int render_tar(int fd, int parent, const char *name, const struct render_options *options, struct err *e)
{
	return render(NULL, NULL, fd, parent, name, options, e);
}
