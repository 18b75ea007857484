// draft.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secret.h"
#include "crypto/passphrase.h"
#include "tuf/canon.h"
#include "tuf/draft.h"
#include "tuf/lifetime.h"
#include "tuf/names.h"

static struct texts key_files;
static bool indent;
static const char *expires_text;
static int64_t expires_at; // 0: by lifetime
static struct held {
	struct key key;
	bool used;
} * held;
static json_t *published; // `meta` of the file beside that lists what was published; JSON null when there is none
static char *published_by;

const struct cmd_option draft_key_options[] = {
	CMD_TEXTS(0, "key", "FILE", &key_files, "sign with this private key; repeatable"),
	CMD_GROUP(passphrase_options),
	CMD_END,
};

const struct cmd_option draft_form_options[] = {
	CMD_FLAG(0, "indent", &indent, "write the metadata indented, a member a line"),
	CMD_END,
};

const struct cmd_option draft_options[] = {
	CMD_TEXT(0, "expires", "TIME", &expires_text, "when it expires: RFC 3339, or a lifetime such as `1w 2d'"),
	CMD_GROUP(draft_form_options),
	CMD_GROUP(draft_key_options),
	CMD_END,
};

// ---- the start ----

static int read_keys(struct err *e)
{
	held = mem_alloc((key_files.count + 1) * sizeof *held);
	for (size_t i = 0; i < key_files.count; i++) {
		mem_auto char *prompt = mem_format("Passphrase of %s: ", key_files.items[i]);
		if (key_read_private(key_files.items[i], passphrase_get, prompt, &held[i].key, e) < 0)
			return -1;
	}
	return 0;
}

int draft_start(struct sandbox *s, const char *const *files, struct err *e)
{
	for (size_t i = 0; files && files[i]; i++)
		if (strcmp(files[i], "-") != 0)
			texts_take(&s->writes, path_parent(files[i]));
	if (key_files.count) {
		secret_guard();
		passphrase_allow(s);
	}
	for (size_t i = 0; i < key_files.count; i++)
		if (key_allow(key_files.items[i], s, e) < 0)
			return -1;
	if (expires_text && lifetime_expiry(expires_text, &expires_at, e) < 0)
		return err_context(e, "option --expires");
	return sandbox_enter(s, e) < 0 ? -1 : read_keys(e);
}

void draft_end(void)
{
	for (size_t i = 0; held && i < key_files.count; i++)
		key_free(&held[i].key);
	free(held);
	held = NULL;
	texts_free(&key_files);
	json_decref(published);
	published = NULL;
	free(published_by);
	published_by = NULL;
}

bool draft_has_keys(void)
{
	return key_files.count;
}

// ---- files and their names ----

int draft_read(const char *path, struct role *r, struct err *e)
{
	return role_read(path ? path : "-", ROLE_OWN_BYTES_MAX, r, e);
}

char *draft_beside(const char *path, const char *file)
{
	return mem_format("%.*s%s", (int)(path_base(path) - path), path, file);
}

char *draft_role(const char *path, struct err *e)
{
	const char *name = path ? path_base(path) : "-";
	size_t digits = strspn(name, "0123456789");
	if (digits && name[digits] == '.' && strlen(name) > digits + 1 + strlen(".json"))
		name += digits + 1;
	mem_auto char *stem = names_stem(name);
	char *role = stem ? names_unfile(stem) : NULL;
	if (role)
		return role;
	err_set(e, STATUS_USAGE, "'%s': not the name of a role's file", path ? path : "stdin");
	err_hint(e, "name the role with --role");
	return NULL;
}

// ---- versions ----

// What the signed snapshot (or timestamp) beside path lists; JSON null when there is none.
static const json_t *published_meta(const char *path, const char *list, struct err *e)
{
	mem_auto char *file = draft_beside(path, list);
	if (published && !strcmp(published_by, file))
		return published;
	role_auto r = { 0 };
	struct err missing = { 0 };
	json_decref(published);
	free(published_by);
	published_by = mem_text(file);
	published = json_null();
	if (role_read(file, ROLE_OWN_BYTES_MAX, &r, &missing) < 0) {
		if (missing.status == STATUS_NOT_FOUND)
			return published;
		*e = missing;
		return NULL;
	}
	if (json_array_size(role_signatures(&r)))
		published = json_incref(json_object_get(r.body, "meta"));
	return published;
}

static int published_version(const struct role *r, const char *path, const char *role, int64_t *version, struct err *e)
{
	*version = json_array_size(role_signatures(r)) ? r->version : r->version - 1;
	if (!path || !strcmp(path, "-") || r->type == ROLE_TIMESTAMP)
		return 0;
	if (r->type == ROLE_ROOT) {
		mem_auto char *name = names_role_file("root", r->version);
		mem_auto char *file = draft_beside(path, name);
		*version = access(file, F_OK) == 0 ? r->version : r->version - 1;
		return 0;
	}
	const json_t *meta = published_meta(path, r->type == ROLE_SNAPSHOT ? "timestamp.json" : "snapshot.json", e);
	if (!meta)
		return -1;
	mem_auto char *key = mem_format("%s.json", role);
	if (json_is_object(meta))
		*version = json_integer_value(json_object_get(json_object_get(meta, key), "version"));
	return 0;
}

int draft_change(struct role *r, const char *path, const char *role, struct err *e)
{
	int64_t version;
	if (published_version(r, path, role, &version, e) < 0)
		return -1;
	if (version == INT64_MAX)
		return err_set(e, STATUS_LIMIT, "%s: there is no version above %" PRId64, role, version);
	r->version = version + 1;
	json_object_set_new(r->body, "version", json_integer(r->version));
	json_object_set_new(r->outer, "signatures", json_array());
	return 0;
}

int64_t draft_lifetime(enum role_type type)
{
	static const int64_t lifetimes[] = { [ROLE_ROOT] = LIFETIME_ROOT,
		[ROLE_TIMESTAMP] = LIFETIME_TIMESTAMP,
		[ROLE_SNAPSHOT] = LIFETIME_SNAPSHOT,
		[ROLE_TARGETS] = LIFETIME_TARGETS };
	return lifetimes[type];
}

void draft_set_expiry(struct role *r, int64_t expires)
{
	char text[DATE_TEXT_MAX];
	r->expires = expires;
	json_object_set_new(r->body, "expires", json_string(date_format(expires, text)));
}

void draft_expire(struct role *r, int64_t lifetime)
{
	draft_set_expiry(r, expires_at ? expires_at : lifetime_now() + lifetime);
}

// ---- signatures ----

int draft_keys(const struct role *r, const char *path, const char *role, const char *by, struct keys_set *set, struct err *e)
{
	if (r->type == ROLE_ROOT)
		return role_keys(r, "root", set, e);
	if (!by && (!path || !strcmp(path, "-"))) {
		err_set(e, STATUS_USAGE, "who may sign for '%s' is not known", role);
		return err_hint(e, "name the file that says so with --delegator");
	}
	mem_auto char *beside = by ? NULL : draft_beside(path, names_is_top_level(role) ? "root.json" : "targets.json");
	role_auto delegator = { 0 };
	if (draft_read(by ? by : beside, &delegator, e) < 0)
		return -1;
	if (role_keys(&delegator, role, set, e) == 0)
		return 0;
	err_context(e, "'%s'", by ? by : beside);
	return by ? -1 : err_hint(e, "name the file that delegates to it with --delegator");
}

void draft_put_signature(struct role *r, const char *id, const char *hex)
{
	size_t i;
	json_t *s, *signatures = role_signatures(r);
	json_array_foreach(signatures, i, s) {
		const char *other = json_string_value(json_object_get(s, "keyid"));
		if (!other || strcmp(other, id) != 0)
			continue;
		json_object_set_new(s, "sig", json_string(hex));
		return;
	}
	json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", id, "sig", hex));
}

int draft_sign(struct role *r, const struct keys_set *set, struct err *e)
{
	buf_auto payload = { 0 };
	if (key_files.count)
		role_payload(r, &payload);
	for (size_t i = 0; i < key_files.count; i++) {
		buf_auto hex = { 0 };
		const struct keys_entry *entry = keys_find_key(set, &held[i].key);
		if (!entry)
			continue;
		if (keys_sign(&held[i].key, payload.data, payload.length, &hex, e) < 0)
			return err_context(e, "'%s'", key_files.items[i]);
		draft_put_signature(r, entry->id, hex.data);
		held[i].used = true;
	}
	return 0;
}

int draft_all_used(struct err *e)
{
	for (size_t i = 0; i < key_files.count; i++)
		if (!held[i].used)
			return err_set(e, STATUS_REFUSED, "'%s': this key may not sign here: the role does not list it",
				key_files.items[i]);
	return 0;
}

// ---- writing ----

// Whether it is signed as clients want it: by its own keys, and by those of the root before it.
static bool root_is_complete(const struct role *r, const char *path)
{
	keys_auto own = { 0 };
	keys_auto former = { 0 };
	role_auto before = { 0 };
	buf_auto payload = { 0 };
	struct err no = { 0 };
	role_payload(r, &payload);
	if (role_keys(r, "root", &own, &no) < 0 ||
		keys_check(&own, "root", role_signatures(r), payload.data, payload.length, &no) < 0)
		return false;
	if (r->version == 1)
		return true;
	mem_auto char *name = names_role_file("root", r->version - 1);
	mem_auto char *file = draft_beside(path, name);
	return draft_read(file, &before, &no) == 0 && role_keys(&before, "root", &former, &no) == 0 &&
		keys_check(&former, "root", role_signatures(r), payload.data, payload.length, &no) == 0;
}

static int write_file(const char *path, const struct buf *text, struct err *e)
{
	return io_write_file(AT_FDCWD, path, 0644, text->data, text->length, e);
}

static void text_of(const struct role *r, struct buf *text)
{
	buf_auto compact = { 0 };
	role_text(r, indent ? &compact : text);
	if (indent)
		canon_indent(compact.data, compact.length, text);
}

int draft_write(const struct role *r, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	text_of(r, &text);
	if (!path || !strcmp(path, "-")) {
		fwrite(text.data, 1, text.length, stdout);
		return 0;
	}
	mem_auto char *name = names_role_file("root", r->version);
	mem_auto char *numbered = draft_beside(path, name);
	if (r->type == ROLE_ROOT && root_is_complete(r, path) && write_file(numbered, &text, e) < 0)
		return -1;
	return write_file(path, &text, e);
}

int draft_write_unsynced(const struct role *r, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	mem_auto char *aside = mem_format("%s.%ld", path, (long)getpid());
	text_of(r, &text);
	io_auto int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0 && io_write_all(fd, text.data, text.length) == 0 && rename(aside, path) == 0)
		return 0;
	err_system(e, "'%s': cannot write", path);
	if (fd >= 0)
		unlink(aside);
	return -1;
}

int draft_sync(const char *path, struct err *e)
{
	mem_auto char *parent = path_parent(path);
	io_auto int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || syncfs(fd) < 0 ? err_system(e, "'%s': cannot sync", parent) : 0;
}

int draft_finish(struct role *r, const char *path, const char *role, const char *by, struct err *e)
{
	keys_auto set = { 0 };
	if (key_files.count &&
		(draft_keys(r, path, role, by, &set, e) < 0 || draft_sign(r, &set, e) < 0 || draft_all_used(e) < 0))
		return -1;
	return draft_write(r, path, e);
}
