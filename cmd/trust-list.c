// trust-list - list the keys that are trusted, and for which names
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: one key record for each key file in force, sorted by directory and path (rkt: ). A file that
// cannot count, since its name is not its fingerprint or it holds no key, is listed with `problem`.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/pgpshow.h"
#include "image/trust.h"
#include "oci/acname.h"

static struct {
	struct texts trust;
	const char *name;
	bool all;
	const char *format;
} user = { .format = "records" };

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "trust", "DIR", &user.trust, "a trust directory; repeatable, later ones mask earlier ones"),
	CMD_TEXT(0, "name", "NAME", &user.name, "only the keys that count for an image of this name"),
	CMD_FLAG(0, "all", &user.all, "also the keys that are masked, and the files that mask them"),
	CMD_CHOICE(0, "format", &user.format, "records|table|names", "table is for people; names prints the fingerprints alone"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "trust-list",
	.operands = "",
	.summary = "list the keys that are trusted, and for which names",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.options = options,
};

// What the file holds, as far as gpg or OpenSSL understands it, or `problem`. A new reference.
static json_t *describe(const struct trust_key *file)
{
	struct err e = { 0 };
	buf_auto binary = { 0 };
	struct pgp_keys keys = { 0 };
	json_t *records = pgpshow_file(file->data, file->length, &binary, &keys, &e);
	json_t *record = pgpshow_find(records, file->fingerprint);
	pgp_free_keys(&keys);
	if (record && json_array_size(records) == 1) {
		json_incref(record);
	} else {
		record = json_pack("{s:s, s:s}", "kind", "key", "fingerprint", file->fingerprint);
		json_object_set_new(record, "problem", json_string(records ? "fingerprint mismatch" : e.text));
		msg_warn("'%s': not used: %s", file->path, records ? "fingerprint mismatch" : e.text);
	}
	json_decref(records);
	return record;
}

static json_t *to_record(const struct trust_key *file)
{
	json_t *record;
	if (file->length) {
		record = describe(file);
	} else {
		record = json_pack("{s:s, s:s, s:b}", "kind", "key", "fingerprint", file->fingerprint, "masks", 1);
	}
	json_object_set_new(record, "path", json_string(file->path));
	if (file->prefix)
		json_object_set_new(record, "prefix", json_string(file->prefix));
	if (file->masked)
		json_object_set_new(record, "masked", json_true());
	return record;
}

static bool is_wanted(const struct trust_key *file)
{
	bool counts = !file->prefix || !user.name || acname_covers(file->prefix, user.name);
	return counts && (user.all || (!file->masked && file->length));
}

static json_t *list(const struct texts *directories, struct err *e)
{
	struct trust trust;
	if (trust_load_all(directories, &trust, e) < 0)
		return NULL;
	json_t *records = json_array();
	for (size_t i = 0; i < trust.count; i++)
		if (is_wanted(&trust.keys[i]))
			json_array_append_new(records, to_record(&trust.keys[i]));
	trust_free(&trust);
	return records;
}

static void print_row(const json_t *record)
{
	buf_auto line = { 0 };
	const char *prefix = json_string_value(json_object_get(record, "prefix"));
	const char *fingerprint = json_string_value(json_object_get(record, "fingerprint"));
	json_t *identity = json_array_get(json_object_get(record, "identities"), 0);
	msg_escape(&line, fingerprint, strlen(fingerprint));
	if (!strcmp(user.format, "table")) {
		buf_add_byte(&line, '\t');
		if (prefix)
			msg_escape(&line, prefix, strlen(prefix));
		else
			buf_add_text(&line, "(every name)");
		buf_add_byte(&line, '\t');
		if (identity)
			msg_escape(&line, json_string_value(identity), json_string_length(identity));
	}
	puts(buf_text(&line));
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	static struct texts directories;
	struct sandbox sandbox = { .spawn = true };
	cmd_start(&cmd, argc, argv);
	path_trust(&user.trust, &directories);
	for (size_t i = 0; i < directories.count; i++)
		texts_add(&sandbox.reads, directories.items[i]);
	if (sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *records = list(&directories, &e);
	texts_free(&directories);
	if (!records)
		return cmd_fail(&e);
	size_t i;
	json_t *record;
	if (!strcmp(user.format, "records"))
		record_write_all(records);
	else
		json_array_foreach(records, i, record)
			print_row(record);
	return cmd_finish();
}
