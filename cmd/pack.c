// pack - write a directory tree as a tar archive
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing, or with `--base -` the record of an OCI image. stdout: a tar (POSIX.1-2017 pax), the same bytes for the same tree; with --output the
// blob record of the file written. With --layer it is a layer: the difference to the base (image-spec layer.md). 5 when the tree changed
// meanwhile.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/archive.h"
#include "image/codeclimits.h"
#include "image/encode.h"
#include "image/image.h"
#include "image/layerdiff.h"
#include "image/ociimage.h"
#include "image/storecmd.h"

static struct {
	bool layer;
	const char *base, *compress;
	int64_t level;
} user = { .compress = "none" };

static const struct cmd_option options[] = {
	CMD_FLAG(0, "layer", &user.layer, "write a layer: the difference to the base, with whiteouts"),
	CMD_TEXT(0, "base", "BASE", &user.base, "what the layer lies upon: a directory, or a file with an image's record"),
	CMD_CHOICE(0, "compress", &user.compress, "gzip|zstd|none", "how the archive is compressed; none unless told"),
	CMD_NUMBER(0, "level", "N", &user.level, 1, ENCODE_ZSTD_MAX, "of zstd, 1 to 19; 3 unless told"),
	CMD_GROUP(archive_jobs_options),
	CMD_GROUP(archive_options),
	CMD_GROUP(packtree_options),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static struct cmd cmd = {
	.name = "pack",
	.operands = "DIR",
	.summary = "write a directory tree as a tar archive",
	.reads = CMD_NONE,
	.writes = CMD_BYTES,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

static struct archive_form asked_form(void)
{
	bool zstd = !strcmp(user.compress, "zstd");
	if (user.level && !zstd)
		cmd_usage("option --level: only zstd has levels here");
	return (struct archive_form){
		.codec = zstd                           ? CODEC_ZSTD
			: strcmp(user.compress, "gzip") ? CODEC_NONE
							: CODEC_GZIP,
		.level = (int)user.level,
	};
}

struct job {
	const char *name; // of the tree
	int directory;
	int base;      // a directory, or -1
	json_t *image; // the record of the base, or NULL
	struct store *store;
	struct archive *archive;
};

// What the job needs, opened while that is still allowed. The sandbox is entered at last.
static int prepare(struct job *j, const struct archive_form *form, struct err *e)
{
	struct sandbox sandbox = { 0 };
	bool from_image = false;
	j->directory = open(j->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->directory < 0)
		return err_open(e, j->name);
	if (user.base) {
		j->base = strcmp(user.base, "-") ? open(user.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		from_image = j->base < 0 && (!strcmp(user.base, "-") || errno == ENOTDIR);
		if (j->base < 0 && !from_image)
			return err_open(e, user.base);
	}
	if (from_image && !(j->image = image_read_file(user.base, "image", e)))
		return -1;
	if (from_image && !ociimage_is(j->image))
		return err_set(e, STATUS_MALFORMED, "'%s': the record of no OCI image: it has no manifest", user.base);
	j->archive = archive_open(form, &sandbox, e);
	if (!j->archive)
		return -1;
	texts_add(&sandbox.reads, j->name);
	if (j->base >= 0)
		texts_add(&sandbox.reads, user.base);
	if (!from_image)
		return sandbox_enter(&sandbox, e);
	j->store = storecmd_open(STORECMD_READ, &sandbox, e);
	return j->store ? 0 : -1;
}

static void end_job(struct job *j)
{
	archive_discard(j->archive);
	store_close(j->store);
	json_decref(j->image);
	if (j->base >= 0)
		close(j->base);
	if (j->directory >= 0)
		close(j->directory);
}

static int read_base(const struct job *j, struct layerbase *base, struct err *e)
{
	struct render_options how = render_defaults;
	how.codec = codeclimits_asked;
	how.bytes = codeclimits_asked.output;
	if (j->image)
		return layerbase_add_image(base, j->store, j->image, &how, e);
	return j->base >= 0 ? layerbase_add_tree(base, packtree_asked(), j->base, user.base, e) : 0;
}

static int write_layer(const struct job *j, const struct packtree *tree, struct err *e)
{
	struct layerbase *base = layerbase_new(tree->progress);
	int failed = read_base(j, base, e) < 0 || layerdiff_write(tree, base, j->directory, j->name, e) < 0;
	layerbase_free(base);
	return failed ? -1 : 0;
}

static int pack(const struct job *j, struct err *e)
{
	struct progress progress;
	struct tarwrite out = { .sink = archive_sink, .context = j->archive };
	struct packtree tree = { .out = &out, .prefix = "", .room = archive_room, .progress = &progress };
	if (archive_start(j->archive, e) < 0)
		return -1;
	progress_start(&progress, j->name, -1);
	int failed = user.layer ? write_layer(j, &tree, e) : packtree_write(&tree, j->directory, j->name, e);
	failed = failed || tarwrite_end(&out, e) < 0;
	progress_end(&progress);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct archive_result result;
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	__attribute__((cleanup(end_job))) struct job job = { .name = operands.items[0], .directory = -1, .base = -1 };
	const struct archive_form form = asked_form();
	packtree_check_options();
	if (user.base && !user.layer)
		cmd_usage("option --base: only a layer has one: --layer");
	if (archive_to_file())
		cmd.writes = CMD_RECORD; // so that a failure, too, goes down the pipe
	if (prepare(&job, &form, &e) < 0 || pack(&job, &e) < 0 || archive_finish(mem_steal(job.archive), &result, &e) < 0)
		return cmd_fail(&e);
	if (archive_to_file())
		archive_write_record(&result);
	return cmd_finish();
}
