// assemble.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "tuf/assemble.h"
#include "tuf/delegation.h"
#include "tuf/names.h"

struct snapshot { // one being made
	const struct assemble *a;
	struct role root;
	json_t *listed; // `meta` as it was
	json_t *meta;   // as it shall be
	bool consistent;
};

static char *role_path(const char *directory, const char *role, int64_t version)
{
	mem_auto char *name = names_role_file(role, version);
	return mem_format("%s/%s", directory, name);
}

void assemble_new(enum role_type type, struct role *r)
{
	*r = (struct role){ .type = type, .version = 1 };
	r->outer = json_pack("{s:[]}", "signatures");
	r->body = json_pack("{s:s, s:s, s:i}", "_type", role_type_name(type), "spec_version", "1.0.34", "version", 1);
	if (type == ROLE_TARGETS) {
		json_object_set_new(r->body, "targets", json_object());
		buf_add_text(&r->targets, "{}");
	}
	if (type == ROLE_SNAPSHOT || type == ROLE_TIMESTAMP)
		json_object_set_new(r->body, "meta", json_object());
}

// ---- files ----

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;
	return !lstat(a, &one) && !lstat(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Gives the file its name with the version, too: files are only ever replaced, so the two stay what they are.
static int freeze(const char *directory, const char *role, int64_t version, struct err *e)
{
	mem_auto char *plain = role_path(directory, role, 0);
	mem_auto char *numbered = role_path(directory, role, version);
	if (same_file(plain, numbered))
		return 0;
	mem_auto char *aside = mem_format("%s.%ld", numbered, (long)getpid());
	if (link(plain, aside) < 0 || rename(aside, numbered) < 0) {
		err_system(e, "'%s': cannot make the name", numbered);
		unlink(aside);
		return -1;
	}
	return 0;
}

static int read_whole(const char *directory, const char *role, struct buf *text, struct role *r, struct err *e)
{
	mem_auto char *path = role_path(directory, role, 0);
	mem_auto char *subject = mem_format("'%s'", path);
	if (io_read_file(path, ROLE_OWN_BYTES_MAX, text, e) < 0)
		return -1;
	return role_parse(buf_text(text), text->length, subject, r, e);
}

static int check_complete(const struct role *delegator, const struct role *r, const char *role, struct err *e)
{
	keys_auto set = { 0 };
	buf_auto payload = { 0 };
	role_payload(r, &payload);
	if (role_keys(delegator, role, &set, e) < 0)
		return -1;
	if (keys_check(&set, role, role_signatures(r), payload.data, payload.length, e) == 0)
		return 0;
	return err_hint(e, "sign it first: tuf-payload, tuf-sign, tuf-addsig");
}

static json_t *make_entry(const struct role *r, const struct buf *text, bool with_hash)
{
	char digest[DIGEST_TEXT_MAX];
	json_t *entry = json_pack("{s:I}", "version", (json_int_t)r->version);
	if (!with_hash)
		return entry;
	hash_bytes(DIGEST_SHA256, text->data, text->length, digest);
	json_object_set_new(entry, "length", json_integer((json_int_t)text->length));
	json_object_set_new(entry, "hashes", json_pack("{s:s}", "sha256", digest_digits(digest)));
	return entry;
}

// ---- the roles that targets lead to ----

static int64_t listed_version(const struct snapshot *s, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(s->listed, key), "version"));
}

// A bin whose published name is still the same file is as it was listed: it need not be read.
static bool is_unchanged(const struct snapshot *s, const char *role, const char *key)
{
	int64_t version = listed_version(s, key);
	bool hashed = json_object_get(json_object_get(s->listed, key), "hashes");
	if (!s->consistent || !version || hashed == (s->a->no_hashes || s->a->no_bin_hashes))
		return false;
	mem_auto char *plain = role_path(s->a->directory, role, 0);
	mem_auto char *numbered = role_path(s->a->directory, role, version);
	return same_file(plain, numbered);
}

static int list_tree(struct snapshot *s, const struct role *delegator, const char *role, bool is_bin, struct err *e);

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// The bins whose files are there: of 2^32 few may be.
static int list_bins(struct snapshot *s, const struct role *r, struct err *e)
{
	struct dirent *entry;
	texts_auto bins = { 0 };
	int failed = 0;
	DIR *directory = opendir(s->a->directory);
	if (!directory)
		return err_open(e, s->a->directory);
	while ((entry = readdir(directory))) {
		mem_auto char *stem = names_stem(entry->d_name);
		mem_auto char *name = stem ? names_unfile(stem) : NULL;
		if (name && delegation_find(json_object_get(r->body, "delegations"), name))
			texts_add(&bins, name);
	}
	closedir(directory);
	if (bins.count)
		qsort(bins.items, bins.count, sizeof *bins.items, by_text);
	for (size_t i = 0; i < bins.count && !failed; i++)
		failed = list_tree(s, r, bins.items[i], true, e);
	return failed;
}

static int list_delegated(struct snapshot *s, const struct role *r, struct err *e)
{
	size_t i;
	json_t *role;
	const json_t *delegations = json_object_get(r->body, "delegations");
	if (delegation_bins(delegations, NULL, NULL))
		return list_bins(s, r, e);
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
		if (list_tree(s, r, json_string_value(json_object_get(role, "name")), false, e) < 0)
			return -1;
	return 0;
}

// Lists a role, then those it delegates to. One without a file is left to whoever owns it.
static int list_tree(struct snapshot *s, const struct role *delegator, const char *role, bool is_bin, struct err *e)
{
	role_auto r = { 0 };
	buf_auto text = { 0 };
	mem_auto char *key = mem_format("%s.json", role);
	mem_auto char *path = role_path(s->a->directory, role, 0);
	if (json_object_get(s->meta, key) || (s->a->drop && texts_has(s->a->drop, role)))
		return 0;
	if (access(path, F_OK) < 0 && strcmp(role, "targets") != 0)
		return 0;
	if (is_bin && is_unchanged(s, role, key))
		return json_object_set(s->meta, key, json_object_get(s->listed, key));
	if (read_whole(s->a->directory, role, &text, &r, e) < 0 || check_complete(delegator, &r, role, e) < 0 ||
		role_expect(&r, ROLE_TARGETS, path, e) < 0)
		return -1;
	if (!s->a->version && r.version < listed_version(s, key))
		return err_set(e, STATUS_REFUSED, "'%s': version %" PRId64 ", but %" PRId64 " was published", path, r.version,
			listed_version(s, key));
	json_object_set_new(s->meta, key, make_entry(&r, &text, !s->a->no_hashes && !(is_bin && s->a->no_bin_hashes)));
	if (s->consistent && freeze(s->a->directory, role, r.version, e) < 0)
		return -1;
	return list_delegated(s, &r, e);
}

// No role drops out unless asked: its file may be another's to publish.
static void keep_listed(struct snapshot *s)
{
	const char *key;
	json_t *entry;
	json_object_foreach(s->listed, key, entry) {
		mem_auto char *role = names_stem(key);
		if (!json_object_get(s->meta, key) && !(role && s->a->drop && texts_has(s->a->drop, role)))
			json_object_set(s->meta, key, entry);
	}
}

// ---- writing ----

static int read_or_new(const char *path, enum role_type type, struct role *r, struct err *e)
{
	if (access(path, F_OK) < 0)
		assemble_new(type, r);
	else if (draft_read(path, r, e) < 0)
		return -1;
	return role_expect(r, type, path, e);
}

// meta is taken over.
static int write_next(const struct assemble *a, struct role *r, const char *path, json_t *meta, struct err *e)
{
	json_object_set_new(r->body, "meta", meta);
	if (draft_change(r, path, role_type_name(r->type), e) < 0)
		return -1;
	if (a->version)
		json_object_set_new(r->body, "version", json_integer(r->version = a->version));
	draft_expire(r, a->lifetime);
	return draft_finish(r, path, role_type_name(r->type), NULL, e);
}

int assemble_snapshot(const struct assemble *a, struct err *e)
{
	role_auto r = { 0 };
	struct snapshot s = { .a = a };
	mem_auto char *path = role_path(a->directory, "snapshot", 0);
	mem_auto char *root = role_path(a->directory, "root", 0);
	if (draft_read(root, &s.root, e) < 0 || read_or_new(path, ROLE_SNAPSHOT, &r, e) < 0) {
		role_free(&s.root);
		return -1;
	}
	s.listed = json_array_size(role_signatures(&r)) ? json_object_get(r.body, "meta") : NULL;
	s.consistent = role_is_consistent(s.root.body);
	s.meta = json_object();
	int failed = list_tree(&s, &s.root, "targets", false, e);
	if (!failed) {
		keep_listed(&s);
		failed = write_next(a, &r, path, json_incref(s.meta), e);
	}
	json_decref(s.meta);
	role_free(&s.root);
	return failed;
}

int assemble_timestamp(const struct assemble *a, struct err *e)
{
	role_auto r = { 0 };
	role_auto root = { 0 };
	role_auto snapshot = { 0 };
	buf_auto text = { 0 };
	mem_auto char *path = role_path(a->directory, "timestamp", 0);
	mem_auto char *root_path = role_path(a->directory, "root", 0);
	if (draft_read(root_path, &root, e) < 0 || read_whole(a->directory, "snapshot", &text, &snapshot, e) < 0 ||
		check_complete(&root, &snapshot, "snapshot", e) < 0 || read_or_new(path, ROLE_TIMESTAMP, &r, e) < 0)
		return -1;
	if (role_is_consistent(root.body) && freeze(a->directory, "snapshot", snapshot.version, e) < 0)
		return -1;
	return write_next(a, &r, path, json_pack("{s:o}", "snapshot.json", make_entry(&snapshot, &text, !a->no_hashes)), e);
}
