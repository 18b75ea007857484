// unpack - make a root filesystem from an image or a tar archive
// SPDX-License-Identifier: Apache-2.0
//
// stdin: one image record, whose blobs are in the store; or with --tar the bytes of an archive. stdout: nothing, the product is the
// tree. 1 when nothing verified the image, or a digest is another one. The tree appears whole or not at all (aci.md, "image
// archives" and "dependencies").
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/render.h"
#include "image/storetrust.h"

static struct {
	const char *store;
	bool tar, unverified;
	struct render_options render;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "store", "DIR", &user.store, "the store that holds the image's blobs"),
	CMD_GROUP(storetrust_options),
	CMD_FLAG(0, "unverified", &user.unverified, "take an image that nothing has verified"),
	CMD_FLAG(0, "tar", &user.tar, "stdin is a tar archive, plain or compressed"),
	CMD_FLAG(0, "layout", &user.render.layout, "keep the manifest: DIR/manifest and DIR/rootfs"),
	CMD_FLAG(0, "setuid", &user.render.setuid, "keep setuid and setgid bits of files"),
	CMD_FLAG(0, "devices", &user.render.devices, "make device nodes; root only"),
	CMD_FLAG(0, "capabilities", &user.render.capabilities, "restore file capabilities; root only"),
	CMD_FLAG(0, "sync", &user.render.sync, "write everything to disk before the tree appears"),
	CMD_GROUP(codeclimits_options),
	CMD_NUMBER(0, "max-entries", "N", &user.render.tar.entries, 1, INT64_MAX, "entries; 10000000 unless told"),
	CMD_NUMBER(0, "max-name", "BYTES", &user.render.tar.name, 1, 1 << 20, "length of a path or link; 4096 unless told"),
	CMD_NUMBER(0, "max-depth", "N", &user.render.tar.depth, 1, 1 << 20, "components of a path; 1024 unless told"),
	CMD_SIZE(0, "max-header", &user.render.tar.pax, "size of an extended header; 1M unless told"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "unpack",
	.operands = "DIR",
	.summary = "make a root filesystem from an image or a tar archive",
	.reads = CMD_RECORD,
	.writes = CMD_NONE,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

// Where the tree goes: its parent, opened, and its name there.
struct target {
	int parent;
	char *parent_path; // absolute, without symlinks
	char *name;
};

static void target_free(struct target *t)
{
	free(t->parent_path);
	free(t->name);
}

static int find_target(const char *path, struct target *t, struct err *e)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	mem_auto char *trimmed = mem_text_n(path, length);
	char *slash = strrchr(trimmed, '/');
	t->name = mem_text(slash ? slash + 1 : trimmed);
	if (!*t->name || !strcmp(t->name, ".") || !strcmp(t->name, ".."))
		cmd_usage("'%s' does not end in the name of a directory", path);
	if (slash)
		slash[slash == trimmed] = '\0';
	const char *parent = slash ? trimmed : ".";
	t->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->parent < 0)
		return err_open(e, parent);
	t->parent_path = realpath(parent, NULL);
	return t->parent_path ? 0 : err_open(e, parent);
}

static int confine(const struct target *t, const char *store, struct err *e)
{
	struct sandbox sandbox = { 0 };
	texts_add(&sandbox.writes, t->parent_path);
	if (store)
		texts_add(&sandbox.reads, store);
	return sandbox_enter(&sandbox, e);
}

static int unpack_tar(const struct target *t, struct err *e)
{
	return confine(t, NULL, e) < 0 ? -1 : render_tar(STDIN_FILENO, t->parent, t->name, &user.render, e);
}

static int unpack_image(const struct target *t, struct err *e)
{
	mem_auto char *path = path_store(user.store);
	jsonio_auto json_t *record = image_read("image", e);
	if (!record || image_require_verified(record, user.unverified, e) < 0)
		return -1;
	trust_auto trust = { 0 };
	struct store *store = storetrust_load(&trust, e) < 0 ? NULL : store_open(path, false, e);
	if (store)
		storetrust_apply(store, &trust); // a dependency is as verified as its key is trusted now
	bool done = store && confine(t, path, e) == 0 && render_image(store, record, t->parent, t->name, &user.render, e) == 0;
	store_close(store);
	return done ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	__attribute__((cleanup(target_free))) struct target target = { .parent = -1 };
	user.render = render_defaults;
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	if (user.tar && (user.render.layout || user.unverified))
		cmd_usage("--tar takes an archive without manifest or verification: --layout and --unverified make no sense with "
			  "it");
	user.render.unverified = user.unverified;
	user.render.codec = codeclimits_asked;
	user.render.bytes = codeclimits_asked.output; // of the files, too: a sparse one takes less in the archive
	user.render.numeric_owners = geteuid() == 0;
	if (find_target(operands.items[0], &target, &e) < 0)
		return cmd_fail(&e);
	if ((user.tar ? unpack_tar(&target, &e) : unpack_image(&target, &e)) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
