// pack - write a directory tree as a tar archive
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: a tar (POSIX.1-2017 pax), the same bytes for the same tree; with --output the blob record of the
// file written. 5 when the tree changed meanwhile.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/progress.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/archive.h"
#include "image/encode.h"
#include "image/packtree.h"

static struct {
	const char *compress;
	int64_t level;
} user = { .compress = "none" };

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "compress", &user.compress, "gzip|zstd|none", "how the archive is compressed; none unless told"),
	CMD_NUMBER(0, "level", "N", &user.level, 1, ENCODE_ZSTD_MAX, "of zstd, 1 to 19; 3 unless told"),
	CMD_GROUP(archive_jobs_options),
	CMD_GROUP(archive_options),
	CMD_GROUP(packtree_options),
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

static int pack(struct archive *archive, int directory, const char *name, struct err *e)
{
	struct progress progress;
	struct tarwrite out = { .sink = archive_sink, .context = archive };
	struct packtree tree = { .out = &out, .prefix = "", .room = archive_room, .progress = &progress };
	progress_start(&progress, name, -1);
	int failed = packtree_write(&tree, directory, name, e) < 0 || tarwrite_end(&out, e) < 0;
	progress_end(&progress);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct archive_result result;
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	const char *name = operands.items[0];
	const struct archive_form form = asked_form();
	packtree_check_options();
	if (archive_to_file())
		cmd.writes = CMD_RECORD; // so that a failure, too, goes down the pipe
	io_auto int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) {
		err_open(&e, name);
		return cmd_fail(&e);
	}
	struct archive *archive = archive_open(&form, &sandbox, &e);
	if (!archive)
		return cmd_fail(&e);
	texts_add(&sandbox.reads, name);
	if (sandbox_enter(&sandbox, &e) < 0 || archive_start(archive, &e) < 0 || pack(archive, directory, name, &e) < 0) {
		archive_discard(archive);
		return cmd_fail(&e);
	}
	if (archive_finish(archive, &result, &e) < 0)
		return cmd_fail(&e);
	if (archive_to_file())
		archive_write_record(&result);
	return cmd_finish();
}
