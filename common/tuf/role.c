// role.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/canon.h"
#include "tuf/delegation.h"
#include "tuf/names.h"
#include "tuf/role.h"

static const struct {
	const char *name;
	size_t bytes_max;
} types[] = {
	[ROLE_ROOT] = { "root", ROLE_ROOT_BYTES_MAX },
	[ROLE_TIMESTAMP] = { "timestamp", ROLE_TIMESTAMP_BYTES_MAX },
	[ROLE_SNAPSHOT] = { "snapshot", ROLE_SNAPSHOT_BYTES_MAX },
	[ROLE_TARGETS] = { "targets", ROLE_TARGETS_BYTES_MAX },
};

const char *role_type_name(enum role_type type)
{
	return types[type].name;
}

bool role_type_find(const char *name, enum role_type *type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (!strcmp(name, types[i].name)) {
			*type = (enum role_type)i;
			return true;
		}
	return false;
}

size_t role_bytes_max(enum role_type type)
{
	return types[type].bytes_max;
}

bool role_expired(int64_t expires, int64_t now)
{
	return expires <= now;
}

void role_free(struct role *r)
{
	json_decref(r->outer);
	json_decref(r->body);
	buf_free(&r->targets);
	*r = (struct role){ 0 };
}

json_t *role_signatures(const struct role *r)
{
	return json_object_get(r->outer, "signatures");
}

// ---- the form of each role ----

static json_t *need_object(const json_t *object, const char *key, struct err *e)
{
	json_t *value = json_object_get(object, key);
	if (json_is_object(value))
		return value;
	err_set(e, STATUS_MALFORMED, "field '%s': missing or not an object", key);
	return NULL;
}

static int need_version(const json_t *object, const char *key, int64_t *out, struct err *e)
{
	json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return err_set(e, STATUS_MALFORMED, "field '%s': not a whole number of at least 1", key);
	*out = json_integer_value(value);
	return 0;
}

static int check_hashes(const json_t *hashes, struct err *e)
{
	const char *key;
	json_t *value;
	if (!json_is_object(hashes) || !json_object_size(hashes))
		return err_set(e, STATUS_MALFORMED, "field 'hashes': not an object with a hash");
	json_object_foreach((json_t *)hashes, key, value)
		if (!json_is_string(value))
			return err_set(e, STATUS_MALFORMED, "field 'hashes': not strings");
	return 0;
}

static int check_meta(const json_t *body, const char *needed, struct err *e)
{
	const char *name;
	json_t *entry, *meta = need_object(body, "meta", e);
	int64_t number;
	if (!meta)
		return -1;
	if (needed && !json_object_get(meta, needed))
		return err_set(e, STATUS_MALFORMED, "field 'meta': no '%s' in it", needed);
	json_object_foreach(meta, name, entry) {
		if (!json_is_object(entry))
			return err_set(e, STATUS_MALFORMED, "field 'meta': '%s': not an object", name);
		const json_t *hashes = json_object_get(entry, "hashes");
		if (need_version(entry, "version", &number, e) < 0 || jsonio_get_size(entry, "length", 0, &number, e) < 0 ||
			(hashes && check_hashes(hashes, e) < 0))
			return err_context(e, "field 'meta': '%s'", name);
	}
	return 0;
}

static int check_root(const json_t *body, struct err *e)
{
	const json_t *keys = need_object(body, "keys", e), *roles = keys ? need_object(body, "roles", e) : NULL;
	bool consistent;
	if (!roles || jsonio_get_bool(body, "consistent_snapshot", false, &consistent, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		keys_auto set = { 0 };
		const json_t *role = need_object(roles, types[i].name, e);
		if (!role || keys_read(keys, role, &set, e) < 0)
			return err_context(e, "role '%s'", types[i].name);
	}
	return 0;
}

int role_expect(const struct role *r, enum role_type type, const char *path, struct err *e)
{
	if (r->type == type)
		return 0;
	return err_set(e, STATUS_MALFORMED, "'%s': metadata of type %s: expected %s", path, role_type_name(r->type),
		role_type_name(type));
}

int role_check_target(const json_t *target, struct err *e)
{
	const json_t *length = json_object_get(target, "length"), *custom = json_object_get(target, "custom");
	if (!json_is_object(target))
		return err_set(e, STATUS_MALFORMED, "not an object");
	if (!json_is_integer(length) || json_integer_value(length) < 0)
		return err_set(e, STATUS_MALFORMED, "field 'length': not a whole number of at least 0");
	if (custom && !json_is_object(custom))
		return err_set(e, STATUS_MALFORMED, "field 'custom': not an object");
	return check_hashes(json_object_get(target, "hashes"), e);
}

bool role_is_consistent(const json_t *root)
{
	return json_is_true(json_object_get(root, "consistent_snapshot"));
}

const json_t *role_target_blobs(const json_t *target)
{
	return json_object_get(json_object_get(target, "custom"), "blobs");
}

static int check_targets(const json_t *body, struct err *e)
{
	const json_t *delegations = json_object_get(body, "delegations");
	if (!need_object(body, "targets", e))
		return -1;
	return delegations ? delegation_check(delegations, e) : 0;
}

static int check_spec_version(const json_t *body, struct err *e)
{
	const char *text = jsonio_need_text(body, "spec_version", e);
	if (!text)
		return -1;
	if (strncmp(text, "1.", 2) != 0 || !text[2] || strspn(text, "0123456789.") != strlen(text))
		return err_set(e, STATUS_REFUSED, "spec_version '%s': expected 1.x", text);
	return 0;
}

int role_check_body(const json_t *body, enum role_type *type, int64_t *version, int64_t *expires, struct err *e)
{
	if (!json_is_object(body))
		return err_set(e, STATUS_MALFORMED, "field 'signed': missing or not an object");
	const char *name = jsonio_need_text(body, "_type", e);
	if (!name)
		return -1;
	if (!role_type_find(name, type))
		return err_set(e, STATUS_MALFORMED, "field '_type': '%s' is no role of TUF", name);
	if (check_spec_version(body, e) < 0 || need_version(body, "version", version, e) < 0)
		return -1;
	const char *date = jsonio_need_text(body, "expires", e);
	if (!date)
		return -1;
	if (!date_parse(date, expires))
		return err_set(e, STATUS_MALFORMED, "field 'expires': not a time as RFC 3339 has it");
	switch (*type) {
	case ROLE_ROOT:
		return check_root(body, e);
	case ROLE_TIMESTAMP:
		return check_meta(body, "snapshot.json", e);
	case ROLE_SNAPSHOT:
		return check_meta(body, NULL, e);
	default:
		return check_targets(body, e);
	}
}

// ---- reading ----

// Splits canonical text into trees and, of a targets role, the text of its targets, for which the buffer is kept.
static int split(struct buf *text, struct role *r, struct err *e)
{
	struct canon_span body, targets;
	buf_auto rest = { 0 };
	if (text->data[0] != '{' || !canon_member(text->data, text->length, "signed", &body) || body.text[0] != '{')
		return err_set(e, STATUS_MALFORMED, "field 'signed': missing or not an object");
	bool has_targets = canon_member(body.text, body.length, "targets", &targets) && targets.text[0] == '{';
	if (has_targets) {
		buf_add(&rest, body.text, (size_t)(targets.text - body.text));
		buf_add_text(&rest, "{}");
		buf_add(&rest, targets.text + targets.length, (size_t)(body.text + body.length - targets.text - targets.length));
	} else {
		buf_add(&rest, body.text, body.length);
	}
	if (!(r->body = jsonio_parse(rest.data, rest.length, "signed", e)))
		return -1;
	rest.length = 0;
	buf_add(&rest, text->data, (size_t)(body.text - text->data));
	buf_add_text(&rest, "{}");
	buf_add(&rest, body.text + body.length, (size_t)(text->data + text->length - body.text - body.length));
	if (!(r->outer = jsonio_parse(rest.data, rest.length, "file", e)))
		return -1;
	if (has_targets) {
		memmove(text->data, targets.text, targets.length);
		text->data[text->length = targets.length] = '\0';
		r->targets = *text;
		*text = (struct buf){ 0 };
	}
	return 0;
}

int role_parse(const char *text, size_t length, const char *subject, struct role *r, struct err *e)
{
	buf_auto canonical = { 0 };
	*r = (struct role){ 0 };
	if (canon_text(text, length, CANON_FILE, subject, &canonical, e) < 0)
		return -1;
	if (split(&canonical, r, e) < 0 || role_check_body(r->body, &r->type, &r->version, &r->expires, e) < 0 ||
		(!json_is_array(role_signatures(r)) &&
			err_set(e, STATUS_MALFORMED, "field 'signatures': missing or not an array"))) {
		role_free(r);
		return err_context(e, "%s", subject);
	}
	return 0;
}

int role_read(const char *path, size_t limit, struct role *r, struct err *e)
{
	buf_auto text = { 0 };
	mem_auto char *subject = !strcmp(path, "-") ? mem_text("stdin") : mem_format("'%s'", path);
	if (io_read_file(path, limit, &text, e) < 0)
		return -1;
	if (!text.length)
		return err_set(e, STATUS_MALFORMED, "%s: no input%s", subject,
			strcmp(path, "-") ? ": the file is empty" : ": an earlier stage failed");
	return role_parse(text.data, text.length, subject, r, e);
}

// ---- writing ----

static void add(const char *from, const char *to, enum canon_form form, struct buf *out)
{
	if (form == CANON_SIGNED)
		canon_to_signed(from, (size_t)(to - from), out);
	else
		buf_add(out, from, (size_t)(to - from));
}

static void add_body(const struct role *r, enum canon_form form, struct buf *out)
{
	struct canon_span hole;
	buf_auto body = { 0 };
	canon_value(r->body, CANON_FILE, &body, &(struct err){ 0 });
	const char *end = body.data + body.length;
	if (!r->targets.length || !canon_member(body.data, body.length, "targets", &hole)) {
		add(body.data, end, form, out);
		return;
	}
	add(body.data, hole.text, form, out);
	add(r->targets.data, r->targets.data + r->targets.length, form, out);
	add(hole.text + hole.length, end, form, out);
}

void role_payload(const struct role *r, struct buf *out)
{
	add_body(r, CANON_SIGNED, out);
}

void role_text(const struct role *r, struct buf *out)
{
	struct canon_span hole;
	buf_auto outer = { 0 };
	json_object_set_new(r->outer, "signed", json_object());
	canon_value(r->outer, CANON_FILE, &outer, &(struct err){ 0 });
	canon_member(outer.data, outer.length, "signed", &hole);
	buf_add(out, outer.data, (size_t)(hole.text - outer.data));
	add_body(r, CANON_FILE, out);
	buf_add(out, hole.text + hole.length, (size_t)(outer.data + outer.length - hole.text - hole.length));
	buf_add_byte(out, '\n');
}

// ---- delegation ----

int role_keys(const struct role *delegator, const char *name, struct keys_set *set, struct err *e)
{
	const json_t *role = NULL, *keys = NULL;
	if (delegator->type == ROLE_ROOT) {
		keys = json_object_get(delegator->body, "keys");
		role = json_object_get(json_object_get(delegator->body, "roles"), name);
		role = names_is_top_level(name) ? role : NULL;
	} else if (delegator->type == ROLE_TARGETS) {
		const json_t *delegations = json_object_get(delegator->body, "delegations");
		keys = json_object_get(delegations, "keys");
		role = delegation_find(delegations, name);
	}
	if (role)
		return keys_read(keys, role, set, e);
	return err_set(e, STATUS_NOT_FOUND, "no delegation to the role '%s'", name);
}
