// received.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "tuf/canon.h"
#include "tuf/names.h"
#include "tuf/received.h"

void received_free(struct received *r)
{
	free(r->role);
	buf_free(&r->bytes);
	json_decref(r->body);
	*r = (struct received){ 0 };
}

void received_move(struct received *to, struct received *from)
{
	received_free(to);
	*to = *from;
	*from = (struct received){ 0 };
}

// The tree of `signed`, without the targets: they stay text.
static int read_body(struct received *r, struct err *e)
{
	struct scan_part body = r->parts.signed_part;
	r->targets = r->parts.targets;
	if (scan_kind(r->targets) != '{') {
		r->targets = (struct scan_part){ 0 };
		r->body = jsonio_parse(body.at, body.length, r->role, e);
	} else {
		buf_auto rest = { 0 };
		const char *behind = r->targets.at + r->targets.length;
		buf_add(&rest, body.at, (size_t)(r->targets.at - body.at));
		buf_add_text(&rest, "{}");
		buf_add(&rest, behind, (size_t)(body.at + body.length - behind));
		r->body = jsonio_parse(rest.data, rest.length, r->role, e);
	}
	return r->body ? 0 : -1;
}

static int parse(struct received *r, struct err *e)
{
	enum role_type expected;
	if (scan_metadata(buf_text(&r->bytes), r->bytes.length, r->role, &r->parts, e) < 0 || read_body(r, e) < 0)
		return -1;
	if (role_check_body(r->body, &r->type, &r->version, &r->expires, e) < 0)
		return err_context(e, "%s", r->role);
	if (!role_type_find(r->role, &expected))
		expected = ROLE_TARGETS;
	if (r->type == expected)
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: the file is of another role: expected _type '%s', found '%s'", r->role,
		role_type_name(expected), role_type_name(r->type));
}

int received_parse(struct received *r, const char *role, struct buf *bytes, struct err *e)
{
	*r = (struct received){ .role = mem_text(role), .bytes = *bytes };
	*bytes = (struct buf){ 0 };
	if (!parse(r, e))
		return 0;
	received_free(r);
	return -1;
}

// ---- signatures and expiry ----

int received_keys(const struct received *delegator, const char *role, struct keys_set *set, struct err *e)
{
	const struct role view = { .type = delegator->type, .body = delegator->body };
	return role_keys(&view, role, set, e);
}

int received_check_signatures(const struct received *r, const struct keys_set *keys, struct err *e)
{
	buf_auto canonical = { 0 };
	struct scan_part payload = r->parts.signed_part;
	jsonio_auto json_t *signatures = jsonio_parse(r->parts.signatures.at, r->parts.signatures.length, r->role, e);
	if (!signatures)
		return -1;
	if (!r->parts.canonical) {
		if (canon_text(payload.at, payload.length, CANON_SIGNED, r->role, &canonical, e) < 0)
			return -1;
		payload = (struct scan_part){ canonical.data, canonical.length };
	}
	return keys_check(keys, r->role, signatures, payload.at, payload.length, e);
}

bool received_is_signed_by(const struct received *r, const struct keys_entry *key)
{
	struct keys_entry alone = *key;
	alone.same_as = 0;
	const struct keys_set one = { &alone, 1, 1 };
	return received_check_signatures(r, &one, &(struct err){ 0 }) == 0;
}

int received_check(const struct received *r, const struct received *delegator, struct err *e)
{
	keys_auto keys = { 0 };
	return received_keys(delegator, r->role, &keys, e) < 0 ? -1 : received_check_signatures(r, &keys, e);
}

int received_check_version(const struct received *r, int64_t expected, struct err *e)
{
	if (r->version == expected)
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: expected version %" PRId64 ", found %" PRId64, r->role, expected, r->version);
}

int received_check_expiry(const struct received *r, int64_t now, struct err *e)
{
	char then[DATE_TEXT_MAX], at[DATE_TEXT_MAX];
	if (!role_expired(r->expires, now))
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: version %" PRId64 " expired at %s: it is %s", r->role, r->version,
		date_format(r->expires, then), date_format(now, at));
}

// ---- what is listed ----

bool received_entry(const struct received *r, const char *role, struct received_entry *entry)
{
	mem_auto char *name = mem_format("%s.json", role);
	const json_t *listed = json_object_get(json_object_get(r->body, "meta"), name);
	const json_t *length = json_object_get(listed, "length");
	if (!listed)
		return false;
	*entry = (struct received_entry){ json_integer_value(json_object_get(listed, "version")),
		json_is_integer(length) ? json_integer_value(length) : -1, json_object_get(listed, "hashes") };
	return true;
}

int received_check_hashes(const json_t *hashes, const void *data, size_t length, const char *subject, struct err *e)
{
	size_t known = 0;
	for (enum digest_algorithm a = DIGEST_SHA256; a <= DIGEST_SHA512; a++) {
		char digest[DIGEST_TEXT_MAX];
		const char *expected = json_string_value(json_object_get(hashes, digest_name(a)));
		if (!expected)
			continue;
		known++;
		const char *found = digest_digits(hash_bytes(a, data, length, digest));
		if (strcmp(found, expected) != 0)
			return err_set(e, STATUS_REFUSED, "%s: %s mismatch: expected %s, found %s", subject, digest_name(a),
				expected, found);
	}
	return known ? 0 : err_set(e, STATUS_REFUSED, "%s: none of its hashes is known here: expected sha256 or sha512", subject);
}

json_t *received_target(const struct received *r, const char *path, struct err *e)
{
	struct scan_part part = scan_member(r->targets, path);
	if (!part.at)
		return NULL;
	json_t *target = jsonio_parse(part.at, part.length, r->role, e);
	if (target && role_check_target(target, e) < 0) {
		err_context(e, "%s: target '%s'", r->role, path);
		json_decref(target);
		return NULL;
	}
	return target;
}
