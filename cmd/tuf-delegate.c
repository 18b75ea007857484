// tuf-delegate - let another role speak for targets of a TUF role
// SPDX-License-Identifier: Apache-2.0
//
// FILE: the metadata of the role that delegates, which becomes a draft of its next version; ROLE: the one it delegates to, or the prefix
// of bins. What the options do not name stays as it is. Files of new roles are made beside FILE, before it is written.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/assemble.h"
#include "tuf/delegation.h"
#include "tuf/names.h"
#include "tuf/rolekeys.h"

enum { FILES_BITS_MAX = 20 }; // a million bins: more are made one by one, as targets come

static struct {
	struct texts add, drop, paths, prefixes;
	int64_t threshold, bins, hash_bins;
	bool terminating, not_terminating, first, remove, no_files;
	const char *before, *role, *delegator;
} user;

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "path", "PATTERN", &user.paths, "it speaks for targets that match: shell patterns, component by component"),
	CMD_TEXTS(0, "hash-prefix", "HEX", &user.prefixes, "it speaks for targets whose name's SHA-256 begins so"),
	CMD_NUMBER(0, "bins", "BITS", &user.bins, 1, NAMES_BIN_BITS_MAX, "2^BITS succinct bins, named ROLE-HEX"),
	CMD_NUMBER(0, "hash-bins", "BITS", &user.hash_bins, 1, 16, "the same as delegations by hash prefix, for older clients"),
	CMD_TEXTS(0, "add-key", "FILE", &user.add, "it may be signed by this public key, too; repeatable"),
	CMD_TEXTS(0, "drop-key", "ID", &user.drop, "it is not signed by this key any more; repeatable"),
	CMD_NUMBER(0, "threshold", "N", &user.threshold, 1, 1024, "it needs N of its keys; 1 unless told"),
	CMD_FLAG(0, "terminating", &user.terminating, "what it does not have, no later role is asked for"),
	CMD_FLAG(0, "not-terminating", &user.not_terminating, "later roles are asked"),
	CMD_FLAG(0, "first", &user.first, "it is asked before all others; a new one comes last unless told"),
	CMD_TEXT(0, "before", "ROLE", &user.before, "it is asked right before this one"),
	CMD_FLAG(0, "remove", &user.remove, "delegate to it no longer"),
	CMD_FLAG(0, "no-files", &user.no_files, "make no files for new roles"),
	CMD_TEXT(0, "role", "NAME", &user.role, "the role that FILE is of, where its name does not say so"),
	CMD_TEXT(0, "delegator", "FILE", &user.delegator, "the metadata that says who may sign FILE"),
	CMD_GROUP(draft_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-delegate",
	.operands = "FILE ROLE",
	.summary = "let another role speak for targets of a TUF role",
	.reads = CMD_NONE,
	.writes = CMD_JSON,
	.least_operands = 2,
	.most_operands = 2,
	.options = options,
};

// ---- the entry of one role ----

static int set_keys(json_t *keys, json_t *entry, struct err *e)
{
	size_t i, n;
	json_t *id, *ids = json_object_get(entry, "keyids");
	for (i = 0; i < user.add.count; i++)
		if (rolekeys_put(keys, ids, user.add.items[i], e) < 0)
			return -1;
	for (i = 0; i < user.drop.count; i++) {
		size_t before = json_array_size(ids);
		json_array_foreach(ids, n, id)
			if (!strcmp(json_string_value(id), user.drop.items[i])) {
				json_array_remove(ids, n);
				break;
			}
		if (json_array_size(ids) == before)
			return err_set(e, STATUS_NOT_FOUND, "the delegation does not list the key '%s'", user.drop.items[i]);
	}
	if (user.threshold)
		json_object_set_new(entry, "threshold", json_integer((json_int_t)user.threshold));
	json_int_t needed = json_integer_value(json_object_get(entry, "threshold"));
	if (needed <= (json_int_t)json_array_size(ids))
		return 0;
	return err_set(e, STATUS_REFUSED, "the role needs %" PRId64 " keys and has %zu: nobody could sign it", (int64_t)needed,
		json_array_size(ids));
}

static void set_strings(json_t *entry, const char *member, const char *other, const struct texts *values)
{
	if (!values->count)
		return;
	json_t *array = json_array();
	for (size_t i = 0; i < values->count; i++)
		json_array_append_new(array, json_string(values->items[i]));
	json_object_set_new(entry, member, array);
	json_object_del(entry, other);
}

static int check_prefixes(struct err *e)
{
	for (size_t i = 0; i < user.prefixes.count; i++) {
		size_t n = strlen(user.prefixes.items[i]);
		if (!n || n >= NAMES_HASH_MAX || strspn(user.prefixes.items[i], "0123456789abcdef") != n)
			return err_set(e, STATUS_USAGE, "option --hash-prefix: '%s': not lower-case hex", user.prefixes.items[i]);
	}
	return 0;
}

static json_t *new_entry(void)
{
	return json_pack("{s:[], s:i}", "keyids", "threshold", 1);
}

static size_t index_of(const json_t *roles, const char *name)
{
	size_t i;
	json_t *entry;
	json_array_foreach(roles, i, entry)
		if (!strcmp(json_string_value(json_object_get(entry, "name")), name))
			return i;
	return json_array_size(roles);
}

static int place(json_t *roles, json_t *entry, size_t was, struct err *e)
{
	size_t end = json_array_size(roles), at = user.first ? 0 : was;
	json_incref(entry);
	if (was < end)
		json_array_remove(roles, was);
	if (user.before && (at = index_of(roles, user.before)) == json_array_size(roles)) {
		json_decref(entry);
		return err_set(e, STATUS_NOT_FOUND, "option --before: no delegation to the role '%s'", user.before);
	}
	return json_array_insert_new(roles, at, entry);
}

static int delegate_role(json_t *delegations, const char *name, struct err *e)
{
	json_t *roles = json_object_get(delegations, "roles");
	size_t was = index_of(roles, name);
	json_t *old = json_array_get(roles, was);
	jsonio_auto json_t *entry = old ? json_incref(old) : new_entry();
	if (!old && !user.paths.count && !user.prefixes.count)
		cmd_usage("a new delegation needs --path, --hash-prefix, --bins or --hash-bins");
	json_object_set_new(entry, "name", json_string(name));
	set_strings(entry, "paths", "path_hash_prefixes", &user.paths);
	set_strings(entry, "path_hash_prefixes", "paths", &user.prefixes);
	if (!old || user.terminating || user.not_terminating)
		json_object_set_new(entry, "terminating", json_boolean(user.terminating));
	return set_keys(json_object_get(delegations, "keys"), entry, e) < 0 ? -1 : place(roles, entry, was, e);
}

// ---- bins ----

// The hash prefixes of one of 2^bits bins: as many hex digits as bits need, several where these are more than there are bins.
static json_t *bin_prefixes(int bits, uint32_t bin)
{
	json_t *prefixes = json_array();
	int digits = (bits + 3) / 4, spare = 4 * digits - bits;
	for (uint32_t i = 0; i < 1u << spare; i++) {
		mem_auto char *hex = mem_format("%0*" PRIx32, digits, bin << spare | i);
		json_array_append_new(prefixes, json_string(hex));
	}
	return prefixes;
}

static int delegate_hash_bins(json_t *delegations, const char *prefix, struct err *e)
{
	int bits = (int)user.hash_bins;
	json_t *roles = json_object_get(delegations, "roles");
	if (json_array_size(roles))
		return err_set(e, STATUS_REFUSED, "it delegates to roles already: bins take all targets");
	for (uint32_t bin = 0; bin < 1u << bits; bin++) {
		mem_auto char *name = names_bin_role(prefix, bits, bin);
		json_t *entry = new_entry();
		json_object_set_new(entry, "name", json_string(name));
		json_object_set_new(entry, "terminating", json_false());
		json_object_set_new(entry, "path_hash_prefixes", bin_prefixes(bits, bin));
		json_array_append_new(roles, entry);
		if (set_keys(json_object_get(delegations, "keys"), entry, e) < 0)
			return -1;
	}
	return 0;
}

static int delegate_bins(json_t *delegations, const char *prefix, struct err *e)
{
	json_t *bins = json_object_get(delegations, "succinct_roles");
	if (json_array_size(json_object_get(delegations, "roles")))
		return err_set(e, STATUS_REFUSED, "it delegates to roles already: bins take all targets");
	json_object_del(delegations, "roles");
	if (!bins)
		json_object_set_new(delegations, "succinct_roles", bins = new_entry());
	if (user.bins)
		json_object_set_new(bins, "bit_length", json_integer((json_int_t)user.bins));
	json_object_set_new(bins, "name_prefix", json_string(prefix));
	return set_keys(json_object_get(delegations, "keys"), bins, e);
}

// ---- files of new roles ----

// An empty role, signed as the delegation wants it. The bins of a role all look the same at first: one is signed for all.
static int write_new(const struct role *delegator, const char *role, const char *beside, struct role *like, struct err *e)
{
	keys_auto set = { 0 };
	mem_auto char *name = names_role_file(role, 0);
	mem_auto char *path = draft_beside(beside, name);
	if (access(path, F_OK) == 0)
		return 0;
	if (!like->body) {
		assemble_new(ROLE_TARGETS, like);
		draft_expire(like, draft_lifetime(ROLE_TARGETS));
		if (role_keys(delegator, role, &set, e) < 0 || draft_sign(like, &set, e) < 0)
			return -1;
	}
	return draft_write_unsynced(like, path, e);
}

static int write_files(const struct role *delegator, const char *role, const char *beside, struct err *e)
{
	role_auto like = { 0 };
	int bits = (int)(user.bins ? user.bins : user.hash_bins);
	if (user.no_files || user.remove || !strcmp(beside, "-"))
		return 0;
	bool is_role = !delegation_bins(json_object_get(delegator->body, "delegations"), NULL, NULL);
	if (!bits)
		return is_role && write_new(delegator, role, beside, &like, e) < 0 ? -1 : draft_sync(beside, e);
	if (bits > FILES_BITS_MAX) {
		err_set(e, STATUS_LIMIT, "2^%d files: at most 2^%d are made at once", bits, FILES_BITS_MAX);
		return err_hint(e, "--no-files makes none, and tuf-add makes those that targets fall into");
	}
	for (uint32_t bin = 0; bin < 1u << bits; bin++) {
		mem_auto char *name = names_bin_role(role, bits, bin);
		if (write_new(delegator, name, beside, &like, e) < 0)
			return -1;
	}
	return draft_sync(beside, e);
}

// ---- the verb ----

static void forget_unlisted(json_t *delegations)
{
	size_t i, n;
	void *next;
	const char *id;
	json_t *entry, *key, *listed;
	jsonio_auto json_t *used = json_object();
	json_array_foreach(json_object_get(delegations, "roles"), i, entry)
		json_array_foreach(json_object_get(entry, "keyids"), n, listed)
			json_object_set_new(used, json_string_value(listed), json_true());
	json_array_foreach(json_object_get(json_object_get(delegations, "succinct_roles"), "keyids"), n, listed)
		json_object_set_new(used, json_string_value(listed), json_true());
	json_object_foreach_safe(json_object_get(delegations, "keys"), next, id, key) if (!json_object_get(used, id))
		json_object_del(json_object_get(delegations, "keys"), id);
}

static int remove_role(json_t *delegations, const char *name, struct err *e)
{
	const char *prefix;
	json_t *roles = json_object_get(delegations, "roles");
	if (delegation_bins(delegations, &prefix, NULL) && !strcmp(prefix, name)) {
		json_object_del(delegations, "succinct_roles");
		return json_object_set_new(delegations, "roles", json_array());
	}
	if (json_array_remove(roles, index_of(roles, name)) == 0)
		return 0;
	return err_set(e, STATUS_NOT_FOUND, "no delegation to the role '%s'", name);
}

static int change(json_t *delegations, const char *name, struct err *e)
{
	const char *prefix;
	if (user.remove)
		return remove_role(delegations, name, e);
	bool has_bins = delegation_bins(delegations, &prefix, NULL);
	if (has_bins && strcmp(prefix, name) != 0)
		return err_set(e, STATUS_REFUSED, "it delegates all to bins already, named '%s'", prefix);
	if (user.bins || has_bins)
		return delegate_bins(delegations, name, e);
	return user.hash_bins ? delegate_hash_bins(delegations, name, e) : delegate_role(delegations, name, e);
}

static int delegate(const char *path, const char *name, struct err *e)
{
	role_auto r = { 0 };
	if (names_check_role(name, e) < 0 || check_prefixes(e) < 0 || draft_read(path, &r, e) < 0 ||
		role_expect(&r, ROLE_TARGETS, path, e) < 0)
		return -1;
	mem_auto char *role = user.role ? mem_text(user.role) : strcmp(path, "-") ? draft_role(path, e) : mem_text("targets");
	if (!role)
		return -1;
	if (!json_object_get(r.body, "delegations"))
		json_object_set_new(r.body, "delegations", json_pack("{s:{}, s:[]}", "keys", "roles"));
	json_t *delegations = json_object_get(r.body, "delegations");
	if (change(delegations, name, e) < 0)
		return -1;
	forget_unlisted(delegations);
	if (delegation_check(delegations, e) < 0 || draft_change(&r, path, role, e) < 0 || write_files(&r, name, path, e) < 0)
		return -1;
	draft_expire(&r, draft_lifetime(ROLE_TARGETS));
	return draft_finish(&r, path, role, user.delegator, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	if (user.paths.count && user.prefixes.count)
		cmd_usage("--path and --hash-prefix exclude each other");
	if ((user.bins || user.hash_bins) && (user.paths.count || user.prefixes.count || (user.bins && user.hash_bins)))
		cmd_usage("--bins and --hash-bins exclude each other, --path and --hash-prefix");
	if (user.terminating && user.not_terminating)
		cmd_usage("--terminating and --not-terminating exclude each other");
	for (size_t i = 0; i < user.add.count; i++)
		texts_add(&sandbox.reads, user.add.items[i]);
	if (user.delegator)
		texts_add(&sandbox.reads, user.delegator);
	if (draft_start(&sandbox, (const char *const[]){ what.items[0], NULL }, &e) < 0 ||
		delegate(what.items[0], what.items[1], &e) < 0)
		return cmd_fail(&e);
	draft_end();
	texts_free(&user.add);
	texts_free(&user.drop);
	texts_free(&user.paths);
	texts_free(&user.prefixes);
	return cmd_finish();
}
