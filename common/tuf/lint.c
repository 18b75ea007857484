// lint.h says what these promise. The client's own workflow runs on the tree; what follows it here goes on where a client would stop.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "crypto/hash.h"
#include "tuf/canon.h"
#include "tuf/delegation.h"
#include "tuf/lintplace.h"

#define BINS_MAX ((int64_t)1 << 20) // of a delegation all of whose bins are looked for

void lint_free(struct lint *l)
{
	texts_free(&l->errors);
	texts_free(&l->warnings);
}

int lint_judge(const struct lint *l, const char *tree, struct err *e)
{
	for (size_t i = 0; i < l->errors.count; i++)
		msg_error("%s", l->errors.items[i]);
	if (!l->errors.count)
		return 0;
	return err_set(e, STATUS_REFUSED, "'%s': errors: %zu, warnings: %zu", tree, l->errors.count, l->warnings.count);
}

void lint_add(struct texts *list, const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = mem_text("out of memory");
	va_end(arguments);
	texts_take(list, text);
}

bool lint_good(struct linter *x, int result, struct err *e)
{
	if (result < 0)
		lint_add(&x->l->errors, "%s", e->text);
	*e = (struct err){ 0 };
	return result >= 0;
}

// A file of the tree, parsed. False, with a finding, when there is none; `why` says who names it.
static bool load(struct linter *x, const char *role, int64_t version, int64_t limit, const char *why, struct received *out)
{
	struct err e = { 0 };
	buf_auto bytes = { 0 };
	int result = remote_metadata(x->tree, role, version, (size_t)limit, &bytes, &e);
	if (result > 0) {
		lint_add(&x->l->errors, "%s: %s, but there is no such file", role, why);
		return false;
	}
	if (result < 0)
		err_context(&e, "%s", role);
	return lint_good(x, result, &e) && lint_good(x, received_parse(out, role, &bytes, &e), &e);
}

// ---- keys ----

static void check_keyids(struct linter *x, const char *where, const json_t *keys)
{
	const char *id;
	json_t *object;
	json_object_foreach((json_t *)keys, id, object) {
		buf_auto text = { 0 };
		char digest[DIGEST_TEXT_MAX];
		if (canon_value(object, CANON_SIGNED, &text, &(struct err){ 0 }) < 0)
			continue;
		if (strcmp(digest_digits(hash_bytes(DIGEST_SHA256, buf_text(&text), text.length, digest)), id) != 0)
			lint_add(&x->l->warnings, "%s: the keyid '%s' is not the SHA-256 of its key", where, id);
	}
}

// Whether so many signatures can be had at all.
static void check_threshold(struct linter *x, const struct received *delegator, const char *role)
{
	keys_auto keys = { 0 };
	int64_t usable = 0;
	if (received_keys(delegator, role, &keys, &(struct err){ 0 }) < 0)
		return;
	for (size_t i = 0; i < keys.count; i++)
		usable += keys.items[i].key.pkey && keys.items[i].same_as == i;
	if (usable < keys.threshold)
		lint_add(&x->l->errors, "%s: role '%s': the threshold is %" PRId64 ", and it has %" PRId64 " usable keys",
			delegator->role, role, keys.threshold, usable);
}

// ---- root ----

static void check_root(struct linter *x, const struct received *before, const struct received *root, int64_t version)
{
	struct err e = { 0 };
	if (root->version != version)
		lint_add(&x->l->errors, "root: '%" PRId64 ".root.json' has version %" PRId64, version, root->version);
	if (received_check(root, root, &e) < 0)
		lint_add(&x->l->errors, "version %" PRId64 " by its own keys: %s", version, e.text);
	e = (struct err){ 0 };
	if (before->role && received_check(root, before, &e) < 0)
		lint_add(&x->l->errors, "version %" PRId64 " by the keys of version %" PRId64 ": %s", version, before->version,
			e.text);
}

static bool check_roots(struct linter *x)
{
	struct err e = { 0 };
	for (int64_t version = x->l->first_root;; version++) {
		received_auto root = { 0 };
		buf_auto bytes = { 0 };
		int result = remote_metadata(x->tree, "root", version, ROLE_ROOT_BYTES_MAX, &bytes, &e);
		if (result > 0)
			break;
		if (!lint_good(x, result, &e) || !lint_good(x, received_parse(&root, "root", &bytes, &e), &e))
			return false;
		check_root(x, &x->root, &root, version);
		received_move(&x->root, &root);
		x->l->newest_root = version;
	}
	if (!x->root.role) {
		lint_add(&x->l->errors, "root: there is no '%" PRId64 ".root.json'", x->l->first_root);
		return false;
	}
	for (enum role_type t = ROLE_ROOT; t <= ROLE_TARGETS; t++)
		check_threshold(x, &x->root, role_type_name(t));
	check_keyids(x, "root", json_object_get(x->root.body, "keys"));
	lint_good(x, received_check_expiry(&x->root, x->l->now, &e), &e);
	return true;
}

bool lint_consistent(const struct linter *x)
{
	return role_is_consistent(x->root.body);
}

// ---- timestamp and snapshot ----

static bool check_timestamp(struct linter *x)
{
	struct err e = { 0 };
	const char *name;
	json_t *entry;
	if (!load(x, "timestamp", 0, ROLE_TIMESTAMP_BYTES_MAX, "every repository has one", &x->timestamp))
		return false;
	lint_good(x, received_check(&x->timestamp, &x->root, &e), &e);
	lint_good(x, received_check_expiry(&x->timestamp, x->l->now, &e), &e);
	json_object_foreach(json_object_get(x->timestamp.body, "meta"), name, entry)
		if (strcmp(name, "snapshot.json") != 0)
			lint_add(&x->l->errors, "timestamp: it lists '%s': a timestamp lists snapshot.json alone", name);
	return true;
}

// A file that a timestamp or a snapshot lists, checked against its entry.
static bool load_listed(struct linter *x, const struct received *lister, const char *role, int64_t otherwise,
	struct received *out)
{
	struct err e = { 0 };
	struct received_entry entry;
	if (!received_entry(lister, role, &entry)) {
		lint_add(&x->l->errors, "%s: the %s does not list this role", role, lister->role);
		return false;
	}
	mem_auto char *why = mem_format("the %s lists version %" PRId64, lister->role, entry.version);
	int64_t limit = entry.length >= 0 ? entry.length : otherwise;
	if (!load(x, role, lint_consistent(x) ? entry.version : 0, limit, why, out))
		return false;
	if (out->version != entry.version)
		lint_add(&x->l->errors, "%s: %s, and the file has %" PRId64, role, why, out->version);
	if (entry.length >= 0 && (size_t)entry.length != out->bytes.length)
		lint_add(&x->l->errors, "%s: the %s lists %" PRId64 " bytes, and the file has %zu", role, lister->role,
			entry.length, out->bytes.length);
	if (entry.hashes)
		lint_good(x, received_check_hashes(entry.hashes, out->bytes.data, out->bytes.length, role, &e), &e);
	lint_good(x, received_check_expiry(out, x->l->now, &e), &e);
	return true;
}

// ---- delegations ----

static void check_delegations(struct linter *x, const struct received *r);

static void check_role(struct linter *x, const struct received *delegator, const char *role)
{
	struct err e = { 0 };
	received_auto r = { 0 };
	mem_auto char *way = mem_format("%zu:%s%s", strlen(delegator->role), delegator->role, role);
	if (json_object_get(x->seen, way))
		return;
	bool first = !json_object_get(x->reached, role);
	json_object_set_new(x->seen, way, json_true());
	json_object_set_new(x->reached, role, json_true());
	if (!load_listed(x, &x->snapshot, role, ROLE_TARGETS_BYTES_MAX, &r))
		return;
	lint_good(x, received_check(&r, delegator, &e), &e);
	check_threshold(x, delegator, role);
	lint_targets(x, &r, delegator);
	if (first)
		check_delegations(x, &r);
}

static void check_bins(struct linter *x, const struct received *r, const char *prefix, int bits)
{
	int64_t bins = (int64_t)1 << bits;
	for (int64_t i = 0; i < bins && i < BINS_MAX; i++) {
		mem_auto char *role = names_bin_role(prefix, bits, (uint32_t)i);
		check_role(x, r, role);
	}
	if (bins > BINS_MAX)
		lint_add(&x->l->warnings, "%s: of its %" PRId64 " bins only the first %" PRId64 " were looked at", r->role, bins,
			BINS_MAX);
}

static void check_delegations(struct linter *x, const struct received *r)
{
	size_t i;
	json_t *role;
	const char *prefix;
	int bits;
	const json_t *delegations = json_object_get(r->body, "delegations");
	check_keyids(x, r->role, json_object_get(delegations, "keys"));
	if (delegation_bins(delegations, &prefix, &bits)) {
		check_bins(x, r, prefix, bits);
		return;
	}
	json_array_foreach(json_object_get(delegations, "roles"), i, role)
		check_role(x, r, json_string_value(json_object_get(role, "name")));
}

static void check_unreached(struct linter *x)
{
	const char *name;
	json_t *entry;
	json_object_foreach(json_object_get(x->snapshot.body, "meta"), name, entry) {
		mem_auto char *role = names_stem(name);
		if (!role)
			lint_add(&x->l->warnings, "snapshot: it lists '%s', which is no ROLE.json", name);
		else if (!json_object_get(x->reached, role) && strcmp(role, "root") != 0)
			lint_add(&x->l->warnings, "snapshot: it lists the role '%s', to which nothing delegates", role);
	}
}

// ---- the whole ----

static void check_all(struct linter *x)
{
	struct err e = { 0 };
	if (!check_roots(x) || !check_timestamp(x) ||
		!load_listed(x, &x->timestamp, "snapshot", ROLE_SNAPSHOT_BYTES_MAX, &x->snapshot))
		return;
	lint_good(x, received_check(&x->snapshot, &x->root, &e), &e);
	check_role(x, &x->root, "targets");
	check_unreached(x);
}

int lint_tree(const struct lint_place *p, struct lint *l, struct err *e)
{
	struct linter x = { .l = l, .tree = lintplace_tree(p), .seen = json_object(), .reached = json_object() };
	l->first_root = l->first_root ? l->first_root : 1;
	check_all(&x);
	received_free(&x.root);
	received_free(&x.timestamp);
	received_free(&x.snapshot);
	json_decref(x.seen);
	json_decref(x.reached);
	return lintplace_run(p, l, e);
}
