// tuf-status - tell versions, signatures and expiry of the metadata of a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// DIR: a repository with metadata/, its metadata/, or a client's directory. Of each role ROLE.json is looked at, a draft where there is one,
// else the highest V.ROLE.json. stdout: one role record for each. With --within 1 when something expires by then (dtuf:R16); nothing is
// verified beyond the signatures.
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/table.h"
#include "tuf/delegation.h"
#include "tuf/rolestate.h"

static struct {
	int64_t within;
	const char *format;
} user = { .within = -1, .format = "records" };

static const struct cmd_option options[] = {
	CMD_DURATION(0, "within", &user.within, "end with 1 when something expires within this time: for cron"),
	CMD_CHOICE(0, "format", &user.format, "records|table", "table is for people"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-status",
	.operands = "DIR",
	.summary = "tell versions, signatures and expiry of the metadata of a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

struct look {
	int directory;
	json_t *newest; // file name by F(role)
	int64_t now;
	json_t *records;
};

// ---- the directory ----

// `[V.]NAME.json` taken apart; NAME as F(role) has it. A file without a version comes before all that have one.
static char *take_apart(const char *file, int64_t *version)
{
	size_t digits = strspn(file, "0123456789");
	bool has = digits > 0 && digits < 19 && file[digits] == '.' && strlen(file) > digits + 1 + strlen(".json");
	*version = has ? strtoll(file, NULL, 10) : INT64_MAX;
	return file[0] == '.' ? NULL : names_stem(file + (has ? digits + 1 : 0));
}

static int find_newest(struct look *s, struct err *e)
{
	DIR *d = fdopendir(dup(s->directory));
	const struct dirent *entry;
	if (!d)
		return err_system(e, "cannot read the directory");
	while ((entry = readdir(d))) {
		int64_t version, known = -1;
		mem_auto char *name = take_apart(entry->d_name, &version);
		const char *other = name ? json_string_value(json_object_get(s->newest, name)) : NULL;
		if (other)
			free(take_apart(other, &known));
		if (name && version > known)
			json_object_set_new(s->newest, name, json_string(entry->d_name));
	}
	closedir(d);
	return 0;
}

static int open_directory(const char *path, struct err *e)
{
	mem_auto char *metadata = mem_format("%s/metadata", path);
	int fd = open(metadata, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_open(e, path) : fd;
}

// 0, or 1 when there is no file of this role, or -1.
static int load(struct look *s, const char *role, struct received *out, struct err *e)
{
	buf_auto name = { 0 };
	buf_auto bytes = { 0 };
	names_file(role, &name);
	const char *file = json_string_value(json_object_get(s->newest, buf_text(&name)));
	if (!file)
		return 1;
	io_auto int fd = openat(s->directory, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_open(e, file);
	if (io_read_stream(fd, ROLE_OWN_BYTES_MAX, file, &bytes, e) < 0)
		return -1;
	return received_parse(out, role, &bytes, e) < 0 ? err_context(e, "'%s'", file) : 0;
}

// ---- the roles ----

static int add(struct look *s, const struct received *r, const struct received *delegator, struct err *e)
{
	json_t *record = rolestate_record(r, delegator, s->now, e);
	if (!record)
		return -1;
	json_array_append_new(s->records, record);
	return 0;
}

// A root that is not the first has to be signed by the keys of the one before, too (dtuf:R6).
static int add_previous(struct look *s, const struct received *root, struct err *e)
{
	received_auto before = { 0 };
	mem_auto char *file = names_role_file("root", root->version - 1);
	if (root->version < 2 || faccessat(s->directory, file, R_OK, 0) < 0)
		return 0;
	json_object_set_new(s->newest, "root", json_string(file));
	if (load(s, "root", &before, e) < 0)
		return -1;
	json_t *record = rolestate_record(root, &before, s->now, e);
	json_t *last = json_array_get(s->records, json_array_size(s->records) - 1);
	if (record)
		json_object_set_new(last, "previous",
			json_pack("{s:O, s:O}", "signed", json_object_get(record, "signed"), "threshold",
				json_object_get(record, "threshold")));
	if (record && json_object_get(record, "missing"))
		json_object_set(json_object_get(last, "previous"), "missing", json_object_get(record, "missing"));
	json_decref(record);
	return record ? 0 : -1;
}

static int add_delegated(struct look *s, const struct received *r, json_t *seen, struct err *e);

static int add_role(struct look *s, const struct received *delegator, const char *role, json_t *seen, struct err *e)
{
	received_auto r = { 0 };
	if (json_object_get(seen, role))
		return 0;
	json_object_set_new(seen, role, json_true());
	int result = load(s, role, &r, e);
	if (result)
		return result < 0 ? -1 : 0;
	return add(s, &r, delegator, e) < 0 ? -1 : add_delegated(s, &r, seen, e);
}

static int add_bins(struct look *s, const struct received *r, const json_t *delegations, json_t *seen, struct err *e)
{
	const char *file;
	json_t *value;
	json_object_foreach(s->newest, file, value) {
		mem_auto char *role = names_unfile(file);
		if (role && delegation_find(delegations, role) && add_role(s, r, role, seen, e) < 0)
			return -1;
	}
	return 0;
}

static int add_delegated(struct look *s, const struct received *r, json_t *seen, struct err *e)
{
	size_t i;
	json_t *role;
	const json_t *delegations = json_object_get(r->body, "delegations");
	if (delegation_bins(delegations, NULL, NULL))
		return add_bins(s, r, delegations, seen, e);
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
		if (add_role(s, r, json_string_value(json_object_get(role, "name")), seen, e) < 0)
			return -1;
	return 0;
}

static int look(struct look *s, struct err *e)
{
	received_auto root = { 0 };
	jsonio_auto json_t *seen = json_object();
	int result = find_newest(s, e) < 0 ? -1 : load(s, "root", &root, e);
	if (result > 0)
		return err_set(e, STATUS_NOT_FOUND, "no root.json and no N.root.json");
	if (result < 0 || add(s, &root, &root, e) < 0 || add_previous(s, &root, e) < 0)
		return -1;
	for (enum role_type t = ROLE_TIMESTAMP; t <= ROLE_TARGETS; t++)
		if (add_role(s, &root, role_type_name(t), seen, e) < 0)
			return -1;
	return 0;
}

// ---- what comes of it ----

static int64_t number(const json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static void write_table(const json_t *records)
{
	static const char *const heading[] = { "ROLE", "VERSION", "EXPIRES", "DAYS LEFT", "SIGNED" };
	size_t i;
	json_t *record;
	struct table t;
	table_start(&t, ARRAY_LENGTH(heading), heading);
	json_array_foreach(records, i, record) {
		mem_auto char *version = mem_format("%" PRId64, number(record, "version"));
		mem_auto char *left = mem_format("%" PRId64, number(record, "left") / 86400);
		mem_auto char *done =
			mem_format("%" PRId64 " of %" PRId64, number(record, "signed"), number(record, "threshold"));
		table_add(&t, json_string_value(json_object_get(record, "role")));
		table_add(&t, version);
		table_add(&t, json_string_value(json_object_get(record, "expires")));
		table_add(&t, left);
		table_add(&t, done);
	}
	table_write(&t);
}

// The role that expires first, if that is within the time asked about.
static int check_within(const json_t *records, struct err *e)
{
	size_t i;
	json_t *record, *first = NULL;
	json_array_foreach(records, i, record)
		if (!first || number(record, "left") < number(first, "left"))
			first = record;
	if (user.within < 0 || number(first, "left") > user.within / 1000)
		return 0;
	const char *role = json_string_value(json_object_get(first, "role"));
	const char *expires = json_string_value(json_object_get(first, "expires"));
	if (number(first, "left") <= 0)
		return err_set(e, STATUS_REFUSED, "%s: version %" PRId64 " expired at %s", role, number(first, "version"),
			expires);
	return err_set(e, STATUS_REFUSED, "%s: version %" PRId64 " expires at %s", role, number(first, "version"), expires);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	struct look s = { .directory = open_directory(operands.items[0], &e), .now = date_now() };
	texts_add(&sandbox.reads, operands.items[0]);
	s.newest = json_object();
	s.records = json_array();
	if (s.directory < 0 || sandbox_enter(&sandbox, &e) < 0 || look(&s, &e) < 0)
		return s.directory < 0 ? cmd_fail(&e) : (err_context(&e, "'%s'", operands.items[0]), cmd_fail(&e));
	if (check_within(s.records, &e) < 0)
		return cmd_fail(&e);
	if (!strcmp(user.format, "table"))
		write_table(s.records);
	else
		record_write_all(s.records);
	json_decref(s.newest);
	json_decref(s.records);
	close(s.directory);
	return cmd_finish();
}
