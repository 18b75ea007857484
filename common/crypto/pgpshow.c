// pgpshow.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/utf8.h"
#include "crypto/pgp.h"
#include "crypto/pgpshow.h"
#include "crypto/spki.h"

#define LISTING_MAX ((size_t)16 << 20) // bytes; a line for each of the packets of PGP_KEYS_MAX
#define FIELDS_MAX  24

enum { // positions in a line, from 0
	FIELD_TYPE = 0,
	FIELD_VALIDITY = 1,
	FIELD_BITS = 2,
	FIELD_ALGORITHM = 3,
	FIELD_CREATED = 5,
	FIELD_EXPIRES = 6,
	FIELD_TEXT = 9, // a user id, or the fingerprint
	FIELD_CAPABILITIES = 11,
	FIELD_CURVE = 16,
};

static const char *algorithm_name(const char *number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = { { 1, "rsa" }, { 2, "rsa" }, { 3, "rsa" }, { 16, "elgamal" }, { 17, "dsa" }, { 18, "ecdh" }, { 19, "ecdsa" },
		{ 22, "eddsa" }, { 25, "x25519" }, { 26, "x448" }, { 27, "ed25519" }, { 28, "ed448" } };
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (names[i].number == strtol(number, NULL, 10))
			return names[i].name;
	return "unknown";
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One character of a field: gpg writes control characters as \n, \r, \f, \v, \b and \0, these others, a colon
// and a backslash as \xNN.
static char unescaped(const char **at)
{
	static const char letters[] = "nrfvb0", meant[] = "\n\r\f\v\b";
	const char *c = *at;
	const char *letter = c[0] == '\\' && c[1] ? strchr(letters, c[1]) : NULL;
	int high = c[0] == '\\' && c[1] == 'x' ? hex_value(c[2]) : -1;
	int low = high >= 0 ? hex_value(c[3]) : -1;
	*at += low >= 0 ? 4 : letter ? 2 : 1;
	if (low >= 0)
		return (char)(high << 4 | low);
	if (letter)
		return meant[letter - letters];
	return c[0];
}

static json_t *user_id(const char *field)
{
	buf_auto raw = { 0 };
	while (*field)
		buf_add_byte(&raw, unescaped(&field));
	bool clean = utf8_valid(buf_text(&raw), raw.length) && !memchr(buf_text(&raw), '\0', raw.length);
	if (clean)
		return json_stringn(buf_text(&raw), raw.length);
	buf_auto escaped = { 0 };
	msg_escape(&escaped, buf_text(&raw), raw.length);
	return json_string(buf_text(&escaped));
}

static void set_time(json_t *key, const char *name, const char *seconds)
{
	char text[DATE_TEXT_MAX];
	if (*seconds)
		json_object_set_new(key, name, json_string(date_format(strtoll(seconds, NULL, 10), text)));
}

static json_t *new_key(char *fields[static FIELDS_MAX])
{
	json_t *key = json_object();
	set_time(key, "created", fields[FIELD_CREATED]);
	set_time(key, "expires", fields[FIELD_EXPIRES]);
	json_object_set_new(key, "algorithm", json_string(algorithm_name(fields[FIELD_ALGORITHM])));
	json_object_set_new(key, "bits", json_integer(strtol(fields[FIELD_BITS], NULL, 10)));
	if (*fields[FIELD_CURVE] && utf8_valid(fields[FIELD_CURVE], strlen(fields[FIELD_CURVE])))
		json_object_set_new(key, "curve", json_string(fields[FIELD_CURVE]));
	if (*fields[FIELD_VALIDITY] == 'r')
		json_object_set_new(key, "revoked", json_true());
	if (strchr(fields[FIELD_CAPABILITIES], 's')) // lower case: this very key, not one of its subkeys
		json_object_set_new(key, "signs", json_true());
	return key;
}

static int set_fingerprint(json_t *key, char *text, struct err *e)
{
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!key || !pgp_is_fingerprint(text))
		return err_set(e, STATUS_MALFORMED, "openpgp: cannot read gpg's listing");
	if (!json_object_get(key, "fingerprint"))
		json_object_set_new(key, "fingerprint", json_string(text));
	return 0;
}

// Revoked, unless with the whole key, or without a good signature of the key itself.
static bool is_invalid(const char *validity, const json_t *key)
{
	return *validity == 'i' || (*validity == 'r' && !json_object_get(key, "revoked"));
}

// primary: the record being filled; latest: it or its last subkey, to which the next fpr line belongs. Both
// are borrowed from records.
struct listing {
	json_t *records, *primary, *latest;
};

static int add_line(struct listing *l, char *fields[static FIELDS_MAX], struct err *e)
{
	const char *type = fields[FIELD_TYPE];
	if (!strcmp(type, "pub")) {
		l->primary = l->latest = new_key(fields);
		json_object_set_new(l->primary, "kind", json_string("key"));
		json_object_set_new(l->primary, "identities", json_array());
		json_object_set_new(l->primary, "subkeys", json_array());
		json_array_append_new(l->records, l->primary);
	} else if (!strcmp(type, "sub") && l->primary) {
		l->latest = new_key(fields);
		json_array_append_new(json_object_get(l->primary, "subkeys"), l->latest);
	} else if (!strcmp(type, "fpr")) {
		return set_fingerprint(l->latest, fields[FIELD_TEXT], e);
	} else if (!strcmp(type, "uid") && l->primary && !is_invalid(fields[FIELD_VALIDITY], l->primary)) {
		json_array_append_new(json_object_get(l->primary, "identities"), user_id(fields[FIELD_TEXT]));
	}
	return 0;
}

json_t *pgpshow_read_colons(const char *text, size_t length, struct err *e)
{
	static char none[1];
	struct listing l = { .records = json_array() };
	const char *end = text + length;
	for (const char *line = text; line < end && !e->status;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline || memchr(line, '\0', (size_t)(newline - line))) {
			err_set(e, STATUS_MALFORMED, "openpgp: cannot read gpg's listing");
			break;
		}
		mem_auto char *copy = mem_text_n(line, (size_t)(newline - line));
		line = newline + 1;
		char *rest = copy, *fields[FIELDS_MAX];
		for (size_t i = 0; i < FIELDS_MAX; i++) {
			char *field = strsep(&rest, ":");
			fields[i] = field ? field : none;
		}
		add_line(&l, fields, e);
	}
	if (!e->status && !json_array_size(l.records))
		err_set(e, STATUS_MALFORMED, "openpgp: no usable key: gpg lists none");
	size_t i;
	json_t *record;
	json_array_foreach(l.records, i, record)
		if (!e->status && !json_object_get(record, "fingerprint"))
			err_set(e, STATUS_MALFORMED, "openpgp: cannot read gpg's listing");
	if (!e->status)
		return l.records;
	json_decref(l.records);
	return NULL;
}

json_t *pgpshow_keys(const struct buf *binary, struct err *e)
{
	const char *path = getenv("PATH");
	mem_auto char *path_setting = mem_format("PATH=%s", path ? path : "/usr/bin:/bin");
	const char *const environment[] = { path_setting, "HOME=/nonexistent", "LC_ALL=C", NULL };
	// It wants a home directory that exists, and with these options opens nothing in it: a listing that
	// is not fast reads a trustdb.
	const char *const argv[] = { "gpg", "--homedir", "/usr", "--no-options", "--batch", "--no-autostart", "--no-keyring",
		"--no-permission-warning", "--trust-model", "always", "--fast-list-mode", "--with-colons", "--with-fingerprint",
		"--with-fingerprint", "--show-keys", NULL };
	struct proc p = { .argv = argv, .environment = environment, .err = -1 };
	buf_auto listing = { 0 };
	int status = proc_run(&p, binary->data, binary->length, LISTING_MAX, &listing, e);
	if (status < 0) {
		if (e->status == STATUS_NOT_FOUND) {
			e->status = STATUS_SYSTEM;
			err_hint(e, "install gpg");
		}
		return NULL;
	}
	return pgpshow_read_colons(buf_text(&listing), listing.length, e);
}

json_t *pgpshow_find(const json_t *records, const char *fingerprint)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		const char *of_record = json_string_value(json_object_get(record, "fingerprint"));
		if (of_record && !strcmp(of_record, fingerprint))
			return record;
	}
	return NULL;
}

json_t *pgpshow_file(const void *data, size_t length, struct buf *binary, struct pgp_keys *keys, struct err *e)
{
	if (spki_recognise(data, length)) {
		jsonio_auto json_t *record = spki_record(data, length, e);
		return record ? json_pack("[O]", record) : NULL;
	}
	if (pgp_binary(data, length, binary, e) < 0 || pgp_read_keys(binary, keys, e) < 0)
		return NULL;
	json_t *records = pgpshow_keys(binary, e);
	for (size_t i = 0; records && i < keys->count; i++) {
		const struct pgp_key *key = &keys->items[i];
		if (key->subkey || pgpshow_find(records, key->fingerprint))
			continue;
		err_set(e, STATUS_MALFORMED, "openpgp: no usable key: gpg does not list %s", key->fingerprint);
		json_decref(records);
		records = NULL;
	}
	return records;
}
