// tuf-add - add targets to a TUF role, or replace them
// SPDX-License-Identifier: Apache-2.0
//
// FILE: the metadata of the role, which becomes a draft of its next version; where it has bins, only those change that are concerned.
// Operands: files that are the targets' data. Without them stdin: one `{"path":..,"length":..,"hashes":{..}}` a line, with `custom` if
// there is any, in any order and number; the data need not be here.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "tuf/bulk.h"
#include "tuf/names.h"

static struct {
	const char *directory, *name, *custom, *targets;
	const char *role, *delegator;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT('C', "directory", "DIR", &user.directory, "the files are below this directory, which is no part of their names"),
	CMD_TEXT(0, "name", "TARGET", &user.name, "the name of the target, for one file that has another"),
	CMD_TEXT(0, "custom", "JSON", &user.custom, "an object that goes with each of the files"),
	CMD_TEXT(0, "targets", "DIR", &user.targets, "put the data there, too, under the name clients ask for"),
	CMD_TEXT(0, "role", "NAME", &user.role, "the role that FILE is of, where its name does not say so"),
	CMD_TEXT(0, "delegator", "FILE", &user.delegator, "the metadata that says who may sign it"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-add",
	.operands = "FILE [DATA ...]",
	.summary = "add targets to a TUF role, or replace them",
	.reads = CMD_RECORDS,
	.writes = CMD_JSON,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

static json_t *custom;
static bool plain_names; // the repository has no consistent snapshots

// ---- from files ----

static int store_data(int fd, const char *name, const char *hash, struct err *e)
{
	struct io_output o;
	mem_auto char *url = names_target_url(name, plain_names ? NULL : hash);
	mem_auto char *path = mem_format("%s/%s", user.targets, url);
	mem_auto char *parent = path_parent(path);
	if (!names_is_plain_path(name))
		return err_set(e, STATUS_REFUSED, "the target '%s': not a path below a directory", name);
	if (path_make(parent, 0755, e) < 0 || io_create(&o, AT_FDCWD, path, 0644, e) < 0)
		return -1;
	ssize_t n = 0;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	bool good = lseek(fd, 0, SEEK_SET) == 0;
	while (good && (n = io_read_full(fd, chunk, IO_CHUNK)) > 0)
		good = io_write_all(o.fd, chunk, (size_t)n) == 0;
	if (good && n == 0)
		return io_commit(&o, e);
	err_system(e, "'%s': cannot write", path);
	io_discard(&o);
	return -1;
}

static int add_file(struct bulk *b, const char *file, struct err *e)
{
	int64_t size;
	char digest[DIGEST_TEXT_MAX];
	mem_auto char *path = user.directory ? mem_format("%s/%s", user.directory, file) : mem_text(file);
	const char *name = user.name ? user.name : file;
	io_auto int fd = io_open_input(path, e);
	if (fd < 0 || hash_stream(DIGEST_SHA256, fd, digest, &size, e) < 0)
		return err_context(e, "'%s'", path);
	const char *hash = digest_digits(digest);
	jsonio_auto json_t *target = json_pack("{s:I, s:{s:s}}", "length", (json_int_t)size, "hashes", "sha256", hash);
	if (custom)
		json_object_set(target, "custom", custom);
	return user.targets && store_data(fd, name, hash, e) < 0 ? -1 : bulk_change(b, name, target, e);
}

// ---- from a list ----

static json_t *target_of(const json_t *record)
{
	static const char *const members[] = { "length", "hashes", "custom" };
	json_t *target = json_object();
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++)
		if (json_object_get(record, members[i]))
			json_object_set(target, members[i], json_object_get(record, members[i]));
	return target;
}

// ---- all ----

static int read_custom(struct err *e)
{
	if (!user.custom)
		return 0;
	custom = jsonio_parse(user.custom, strlen(user.custom), "option --custom", e);
	if (custom && !json_is_object(custom))
		return err_set(e, STATUS_USAGE, "option --custom: not an object");
	if (json_object_get(custom, "blobs"))
		return err_set(e, STATUS_USAGE, "option --custom: the member blobs is reserved for targets of several blobs");
	return custom ? 0 : -1;
}

// As the root beside it says; a role that lies elsewhere is of a repository as most are.
static bool has_plain_names(const char *path)
{
	role_auto root = { 0 };
	mem_auto char *beside = draft_beside(path, "root.json");
	return user.targets && draft_read(beside, &root, &(struct err){ 0 }) == 0 && !role_is_consistent(root.body);
}

static int add(struct bulk *b, const struct cmd_operands *what, struct err *e)
{
	if (read_custom(e) < 0)
		return -1;
	if (what->count == 1)
		return bulk_read(b, what->items[0], user.role, user.delegator, target_of, e) < 0 ? -1 : bulk_apply(b, e);
	if (bulk_open(b, what->items[0], user.role, user.delegator, e) < 0)
		return -1;
	plain_names = has_plain_names(what->items[0]);
	for (int i = 1; i < what->count; i++)
		if (add_file(b, what->items[i], e) < 0)
			return -1;
	return bulk_apply(b, e);
}

static void allow(struct sandbox *s, const struct cmd_operands *what)
{
	if (user.directory && what->count > 1)
		texts_add(&s->reads, user.directory);
	for (int i = 1; i < what->count; i++)
		texts_add(&s->reads, what->items[i]);
	if (user.delegator)
		texts_add(&s->reads, user.delegator);
	if (user.targets)
		texts_add(&s->writes, user.targets);
	const char *temporary = getenv("TMPDIR");
	texts_add(&s->writes, temporary && *temporary ? temporary : "/tmp");
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct bulk b = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	if (what.count == 1 && (user.name || user.custom || user.targets || user.directory))
		cmd_usage("--name, --custom, --targets and --directory go with operands that are the data");
	if (what.count == 1 && !strcmp(what.items[0], "-"))
		cmd_usage("FILE is stdin: the targets must be operands");
	if (user.name && what.count > 2)
		cmd_usage("option --name: names one target, and there are %d operands", what.count - 1);
	if (user.targets && path_make(user.targets, 0755, &e) < 0)
		return cmd_fail(&e);
	allow(&sandbox, &what);
	if (draft_start(&sandbox, (const char *const[]){ what.items[0], NULL }, &e) < 0 || add(&b, &what, &e) < 0)
		return cmd_fail(&e);
	bulk_free(&b);
	json_decref(custom);
	draft_end();
	return cmd_finish();
}
