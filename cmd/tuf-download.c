// tuf-download - fetch targets of a TUF repository, verified
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the bytes of the targets one after the other, of each not one before all have the length and hashes signed
// (law 3); with -C one target record each, and the bytes in files; with --list-blobs a record per blob, and no bytes. The first failure
// ends the run.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/progress.h"
#include "base/record.h"
#include "tuf/clientcmd.h"
#include "tuf/names.h"
#include "tuf/targetget.h"
#include "tuf/tufoci.h"

static struct {
	const char *directory;
	bool list_blobs, blob_info;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT('C', "directory", "DIR", &user.directory, "store each under its name below this directory"),
	CMD_FLAG(0, "list-blobs", &user.list_blobs, "fetch no data: write a record for each blob the targets are made of"),
	CMD_FLAG(0, "blob-info", &user.blob_info, "put a line `sha256:HEX SIZE` before each blob on stdout"),
	CMD_GROUP(targetget_options),
	CMD_GROUP(clientcmd_local_options),
	CMD_GROUP(clientcmd_map_options),
	CMD_GROUP(clientcmd_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static struct cmd cmd = {
	// with -C and --list-blobs it writes records: main says so
	.name = "tuf-download",
	.operands = "TARGET...",
	.summary = "fetch targets of a TUF repository, verified",
	.reads = CMD_NONE,
	.writes = CMD_BYTES,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

// ---- to stdout ----

static int write_bytes(int spool, int64_t left, struct err *e)
{
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while (left > 0) {
		ssize_t n = io_read_full(spool, chunk, left < (int64_t)IO_CHUNK ? (size_t)left : IO_CHUNK);
		if (n < 0)
			return err_system(e, "temporary file: cannot read");
		if (!n)
			return err_set(e, STATUS_SYSTEM, "temporary file: it became shorter");
		if (io_write_all(STDOUT_FILENO, chunk, (size_t)n) < 0)
			return err_system(e, "stdout: cannot write");
		left -= n;
	}
	return 0;
}

static int to_stdout(struct client *c, const struct targetget *g, int spool, struct err *e)
{
	if (ftruncate(spool, 0) < 0 || lseek(spool, 0, SEEK_SET) < 0)
		return err_system(e, "temporary file: cannot empty");
	if (targetget_fetch(c, g, spool, e) < 0)
		return -1;
	if (lseek(spool, 0, SEEK_SET) < 0)
		return err_system(e, "temporary file: cannot rewind");
	for (size_t i = 0; i < g->count; i++) {
		mem_auto char *info = mem_format("%s %lld\n", g->blobs[i].digest, (long long)g->blobs[i].size);
		if (user.blob_info && io_write_all(STDOUT_FILENO, info, strlen(info)) < 0)
			return err_system(e, "stdout: cannot write");
		if (write_bytes(spool, g->blobs[i].size, e) < 0)
			return -1;
	}
	return 0;
}

// ---- to a directory ----

// Opens the directory of `file` below `top`, made as needed; no symlink on the way is followed (dtuf:A10, A12).
static int open_parent(int top, const char *file, struct err *e)
{
	io_auto int at = fcntl(top, F_DUPFD_CLOEXEC, 0);
	mem_auto char *copy = mem_text(file);
	char *part = copy;
	for (char *slash; at >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		if (mkdirat(at, part, 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s': cannot make the directory '%s'", file, copy);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_set(e, STATUS_REFUSED, "'%s': '%s' is a symbolic link or no directory", file, copy);
		close(at);
		at = next;
		*slash = '/';
	}
	return at < 0 ? err_system(e, "'%s'", file) : io_steal(at);
}

static int store(struct client *c, const struct targetget *g, int parent, const char *name, struct err *e)
{
	struct io_output o;
	if (io_create(&o, parent, name, 0644, e) < 0)
		return -1;
	if (targetget_fetch(c, g, o.fd, e) < 0) {
		io_discard(&o);
		return -1;
	}
	return io_commit(&o, e);
}

static int to_directory(struct client *c, const struct targetget *g, int top, json_t *record, struct err *e)
{
	buf_auto file = { 0 };
	if (names_is_plain_path(g->path))
		buf_add_text(&file, g->path);
	else
		names_file(g->path, &file);
	const char *name = path_base(buf_text(&file));
	io_auto int parent = open_parent(top, buf_text(&file), e);
	if (parent < 0)
		return -1;
	io_auto int there = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool has = there >= 0 && targetget_is(g, there);
	json_object_set_new(record, "file", json_string(buf_text(&file)));
	json_object_set_new(record, "fetched", json_boolean(!has));
	return has ? 0 : store(c, g, parent, name, e);
}

// ---- the verb ----

static void list_blobs(const struct targetget *g, json_t *records)
{
	for (size_t i = 0; i < g->count; i++)
		json_array_append_new(records,
			json_pack("{s:s, s:s, s:O, s:{s:s, s:s, s:I}}", "kind", "blob", "path", g->path, "hashes",
				json_object_get(g->target, "hashes"), "blob", "mediaType", TUFOCI_TARGET, "digest",
				g->blobs[i].digest, "size", (json_int_t)g->blobs[i].size));
}

// `out` is the directory, or the spool.
static int download_from(struct client *c, json_t *target, int out, json_t *records, struct err *e)
{
	struct targetget g = { 0 };
	int result = targetget_blobs(c, target, &g, e);
	if (!result && user.list_blobs)
		result = targetget_ask(c, &g, e);
	if (!result && user.list_blobs)
		list_blobs(&g, records);
	else if (!result && user.directory)
		result = to_directory(c, &g, out, target, e);
	else if (!result)
		result = to_stdout(c, &g, out, e);
	targetget_free(&g);
	return result;
}

// Of several repositories that agree, from the first that has the data right.
static int download(struct client *c, const char *path, int out, json_t *records, struct err *e)
{
	struct map_found found;
	int result = clientcmd_find(c, path, &found, e);
	for (size_t i = 0; i < found.count && found.target; i++) {
		if (i)
			msg_warn("%s: trying the next repository", e->text);
		*e = (struct err){ 0 };
		result = download_from(found.clients[i], found.target, out, records, e);
		if (!result || e->status == STATUS_SYSTEM)
			break;
	}
	if (!result && user.directory) {
		json_object_set_new(found.target, "kind", json_string("target"));
		json_array_append(records, found.target);
	}
	map_found_free(&found);
	return result;
}

static int open_out(struct sandbox *s, struct err *e)
{
	if (!user.directory)
		return io_spool(e);
	texts_add(&s->writes, user.directory);
	int fd = open(user.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_open(e, user.directory) : fd;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct client c;
	struct sandbox sandbox = { 0 };
	struct cmd_operands paths = cmd_start(&cmd, argc, argv);
	if (user.list_blobs && (user.directory || user.blob_info))
		cmd_usage("option --list-blobs: not with -C or --blob-info");
	if (user.directory && user.blob_info)
		cmd_usage("option --blob-info: not with -C");
	cmd.writes = user.directory || user.list_blobs ? CMD_RECORDS : CMD_BYTES;
	jsonio_auto json_t *records = json_array();
	io_auto int out = open_out(&sandbox, &e);
	if (out < 0 || clientcmd_open(&c, &sandbox, &e) < 0)
		return cmd_fail(&e);
	for (int i = 0; i < paths.count; i++)
		if (download(&c, paths.items[i], out, records, &e) < 0)
			return cmd_fail(&e);
	clientcmd_close(&c);
	record_write_all(records);
	return cmd_finish();
}
