// The targets of a role, for tuf/lint: their form, whether their delegation covers them, and their data.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "tuf/delegation.h"
#include "tuf/lintplace.h"
#include "tuf/names.h"
#include "tuf/targetget.h"

static int add_to_hash(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	hash_add(context, data, length);
	return 0;
}

struct object { // the file of a target, or a blob of one
	const char *role, *path;
	const char *blob; // its sha256; NULL: the file
	const char *hash; // as signed
	enum digest_algorithm algorithm;
	int64_t length;
};

static int read_object(struct linter *x, const struct object *o, struct remote_request *q, struct err *e)
{
	q->limit = o->length;
	return o->blob ? remote_blob(x->tree, 0, o->blob, q, e)
		       : remote_target(x->tree, 0, o->path, lint_consistent(x) ? o->hash : NULL, q, e);
}

static bool check_size(struct linter *x, const struct object *o)
{
	struct err e = { 0 };
	int64_t size = o->blob ? remote_blob_size(x->tree, o->blob, &e)
			       : remote_target_size(x->tree, o->path, lint_consistent(x) ? o->hash : NULL, &e);
	if (size < 0)
		lint_add(&x->l->errors, "%s: target '%s': no data: %s", o->role, o->path, e.text);
	else if (size != o->length)
		lint_add(&x->l->errors, "%s: target '%s': signed are %" PRId64 " bytes, there are %" PRId64, o->role, o->path,
			o->length, size);
	return size == o->length;
}

static void check_hash(struct linter *x, const struct object *o)
{
	struct err e = { 0 };
	char digest[DIGEST_TEXT_MAX];
	struct hash *h = hash_start(o->algorithm);
	struct remote_request q = { .sink = add_to_hash, .context = h };
	bool read = lint_good(x, read_object(x, o, &q, &e), &e);
	hash_finish(h, digest);
	if (read && strcmp(digest_digits(digest), o->hash) != 0)
		lint_add(&x->l->errors, "%s: target '%s': its data has another %s than signed", o->role, o->path,
			digest_name(o->algorithm));
}

// The blobs of a target that is the manifest of several (dtuf:B3).
static void check_blobs(struct linter *x, const struct object *manifest, const json_t *target)
{
	struct err e = { 0 };
	buf_auto text = { 0 };
	struct targetget g = { .target = target, .path = manifest->path };
	struct remote_request q = { .sink = http_to_buf, .context = &text };
	bool good = lint_good(x, read_object(x, manifest, &q, &e), &e) && lint_good(x, targetget_manifest(&g, &text, &e), &e);
	for (size_t i = 0; good && i < g.count; i++) {
		const char *hash = digest_digits(g.blobs[i].digest);
		const struct object blob = { manifest->role, manifest->path, hash, hash, DIGEST_SHA256, g.blobs[i].size };
		if (check_size(x, &blob) && x->l->data == LINT_DATA_HASHED)
			check_hash(x, &blob);
	}
	targetget_free(&g);
}

static void check_data(struct linter *x, const struct object *o, const json_t *target)
{
	bool several = json_is_integer(role_target_blobs(target));
	if (x->l->data == LINT_DATA_UNSEEN || !check_size(x, o))
		return;
	if (several || x->l->data == LINT_DATA_HASHED)
		check_hash(x, o);
	if (several)
		check_blobs(x, o, target);
}

static void check_target(struct linter *x, const char *role, const char *path, const json_t *target)
{
	struct err e = { 0 };
	size_t known = 0;
	if (names_check_target(path, &e) < 0 || role_check_target(target, &e) < 0) {
		lint_add(&x->l->errors, "%s: target '%s': %s", role, path, e.text);
		return;
	}
	for (enum digest_algorithm a = DIGEST_SHA256; a <= DIGEST_SHA512; a++) {
		const char *hash = json_string_value(json_object_get(json_object_get(target, "hashes"), digest_name(a)));
		if (!hash)
			continue;
		known++;
		const struct object o = { role, path, NULL, hash, a, json_integer_value(json_object_get(target, "length")) };
		check_data(x, &o, target);
	}
	if (!known)
		lint_add(&x->l->errors, "%s: target '%s': none of its hashes is sha256 or sha512", role, path);
}

// Whether this delegation lets the role speak for a path.
static bool covers(const json_t *delegations, const char *role, const char *path)
{
	char hash[NAMES_HASH_MAX];
	names_path_hash(path, hash);
	mem_auto char *bin = delegation_bin(delegations, hash);
	return bin ? !strcmp(bin, role) : delegation_covers(delegation_find(delegations, role), path, hash);
}

void lint_targets(struct linter *x, const struct received *r, const struct received *delegator)
{
	struct scan_part key = { 0 }, value;
	const json_t *delegations = json_object_get(delegator->body, "delegations");
	for (struct scan_cursor c = scan_open(r->targets); scan_next(&c, &key, &value);) {
		struct err e = { 0 };
		mem_auto char *path = scan_text(key);
		jsonio_auto json_t *target = jsonio_parse(value.at, value.length, r->role, &e);
		if (delegations && !covers(delegations, r->role, path))
			lint_add(&x->l->warnings, "%s: target '%s': the delegation by '%s' does not cover it", r->role, path,
				delegator->role);
		check_target(x, r->role, path, target);
	}
}
