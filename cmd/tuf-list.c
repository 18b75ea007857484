// tuf-list - list the targets of a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one target record for each target that tuf-find would find, in byte order of the names. A role that cannot be
// had or does not verify fails the whole.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/table.h"
#include "tuf/clientcmd.h"
#include "tuf/delegation.h"

#define VISITS_MAX 100000 // of roles: a graph of diamonds has more ways through it than roles

static struct {
	bool top_level, nul;
	const char *format;
} user = { .format = "records" };

static const struct cmd_option options[] = {
	CMD_FLAG(0, "top-level", &user.top_level, "only those of the top-level targets role"),
	CMD_CHOICE(0, "format", &user.format, "records|table|names", "table is for people; names prints the names alone"),
	CMD_FLAG('0', "null", &user.nul, "end each name with NUL instead of newline; implies --format=names"),
	CMD_GROUP(clientcmd_local_options),
	CMD_GROUP(clientcmd_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-list",
	.operands = "",
	.summary = "list the targets of a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.options = options,
};

// ---- walking the delegations ----

struct link { // how a role was come to
	const struct link *up;
	const char *role;
	const json_t *delegations; // of the delegator
	size_t index;              // of its `roles`; of bins the name decides
};

struct entry {
	char *path, *target; // the target's JSON
	char *role;
	size_t order;
};

struct walk {
	struct client *c;
	struct entry *entries;
	size_t count, room, visits;
};

// Whether a lookup of this path goes this way: every delegation covers it, and no terminating one before it does.
static bool leads_here(const struct link *at, const char *path, const char hash[static NAMES_HASH_MAX])
{
	for (; at; at = at->up) {
		mem_auto char *bin = delegation_bin(at->delegations, hash);
		if (bin && strcmp(bin, at->role) != 0)
			return false;
		if (bin)
			continue;
		const json_t *roles = json_object_get(at->delegations, "roles");
		if (!delegation_covers(json_array_get(roles, at->index), path, hash))
			return false;
		for (size_t i = 0; i < at->index; i++) {
			const json_t *earlier = json_array_get(roles, i);
			if (json_is_true(json_object_get(earlier, "terminating")) && delegation_covers(earlier, path, hash))
				return false;
		}
	}
	return true;
}

static void add_targets(struct walk *w, const struct received *r, const struct link *at)
{
	struct scan_part key = { 0 }, value;
	char hash[NAMES_HASH_MAX];
	for (struct scan_cursor c = scan_open(r->targets); scan_next(&c, &key, &value);) {
		char *path = scan_text(key);
		if (at)
			names_path_hash(path, hash);
		if (at && !leads_here(at, path, hash)) {
			free(path);
			continue;
		}
		if (w->count == w->room) {
			w->room = w->room ? 2 * w->room : 64;
			w->entries = mem_resize(w->entries, w->room, sizeof *w->entries);
		}
		w->entries[w->count] = (struct entry){ path, mem_text_n(value.at, value.length), mem_text(r->role), w->count };
		w->count++;
	}
}

struct step { // from a role to those that it delegates to
	struct walk *walk;
	const struct link *at;
};

static int walk(struct walk *w, const struct received *r, const struct link *at, struct err *e);

static int walk_role(void *context, const struct received *delegator, const char *role, size_t index, struct err *e)
{
	const struct step *s = context;
	received_auto own = { 0 };
	const struct link way = { s->at, role, json_object_get(delegator->body, "delegations"), index };
	for (const struct link *at = s->at; at; at = at->up)
		if (!strcmp(at->role, role))
			return 0; // a cycle
	if (++s->walk->visits > VISITS_MAX)
		return err_set(e, STATUS_LIMIT, "more than %d ways through the delegations", VISITS_MAX);
	if (client_delegated(s->walk->c, delegator, role, &own, e) < 0)
		return -1;
	return walk(s->walk, &own, &way, e);
}

static int walk(struct walk *w, const struct received *r, const struct link *at, struct err *e)
{
	struct step s = { w, at };
	add_targets(w, r, at);
	return user.top_level ? 0 : client_each_delegation(w->c, r, walk_role, &s, e);
}

// ---- the list ----

static int by_path(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->path, b->path);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

// In byte order; of several by one name, the one that a search meets first.
static void sort(struct walk *w)
{
	size_t kept = 0;
	if (w->count)
		qsort(w->entries, w->count, sizeof *w->entries, by_path);
	for (size_t i = 0; i < w->count; i++) {
		if (kept && !strcmp(w->entries[kept - 1].path, w->entries[i].path)) {
			free(w->entries[i].path);
			free(w->entries[i].target);
			free(w->entries[i].role);
		} else {
			w->entries[kept++] = w->entries[i];
		}
	}
	w->count = kept;
}

static json_t *make_record(const struct entry *entry, struct err *e)
{
	json_t *record = jsonio_parse(entry->target, strlen(entry->target), entry->path, e);
	if (record && !role_check_target(record, e)) {
		json_object_set_new(record, "kind", json_string("target"));
		json_object_set_new(record, "path", json_string(entry->path));
		json_object_set_new(record, "role", json_string(entry->role));
		return record;
	}
	json_decref(record);
	err_context(e, "%s: target '%s'", entry->role, entry->path);
	return NULL;
}

// One at a time, since there may be many; each was seen to be good before the first goes out.
static int write_records(const struct walk *w, struct err *e)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < w->count; i++) {
			jsonio_auto json_t *record = make_record(&w->entries[i], e);
			if (!record)
				return -1;
			if (w->count > 1) {
				json_object_set_new(record, "part", json_integer((json_int_t)i + 1));
				json_object_set_new(record, "of", json_integer((json_int_t)w->count));
			}
			if (pass)
				record_write(record);
		}
	return 0;
}

// A name on a line of its own: newline as \n, backslash as \\ (dtuf:D30), and to a terminal no control character (dtuf:A10).
static void write_name(const char *path)
{
	if (user.nul) {
		fwrite(path, 1, strlen(path) + 1, stdout);
		return;
	}
	for (; *path; path++)
		if (*path == '\n' || *path == '\\')
			fputs(*path == '\n' ? "\\n" : "\\\\", stdout);
		else
			putchar(*path);
	putchar('\n');
}

static void write_table(const struct walk *w)
{
	static const char *const heading[] = { "TARGET", "ROLE" };
	struct table t;
	table_start(&t, ARRAY_LENGTH(heading), heading);
	for (size_t i = 0; i < w->count; i++) {
		table_add(&t, w->entries[i].path);
		table_add(&t, w->entries[i].role);
	}
	table_write(&t);
}

static int write_all(const struct walk *w, struct err *e)
{
	if (!user.nul && !strcmp(user.format, "records"))
		return write_records(w, e);
	if (!user.nul && !strcmp(user.format, "table"))
		write_table(w);
	else
		for (size_t i = 0; i < w->count; i++)
			write_name(w->entries[i].path);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct client c;
	struct sandbox sandbox = { 0 };
	struct walk w = { .c = &c };
	cmd_start(&cmd, argc, argv);
	if (clientcmd_open(&c, &sandbox, &e) < 0 || clientcmd_update(&c, &e) < 0 || walk(&w, &c.targets, NULL, &e) < 0)
		return cmd_fail(&e);
	clientcmd_close(&c);
	sort(&w);
	if (write_all(&w, &e) < 0)
		return cmd_fail(&e);
	for (size_t i = 0; i < w.count; i++) {
		free(w.entries[i].path);
		free(w.entries[i].target);
		free(w.entries[i].role);
	}
	free(w.entries);
	return cmd_finish();
}
