// key-show - show what public keys hold
// SPDX-License-Identifier: Apache-2.0
//
// stdin or the file: OpenPGP public keys, armoured or binary, or one public key in PEM. stdout: one key record for each primary key (tackle-records(5)), or with
// --format table what a person compares before trusting it. 6 when there is no key in the bytes (RFC 9580).
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/pgpshow.h"
#include "crypto/spki.h"

static struct {
	const char *format;
} user = { .format = "records" };

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "format", &user.format, "records|table|names", "table is for people; names prints the fingerprints alone"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "key-show",
	.operands = "[FILE]",
	.summary = "show what public keys hold",
	.reads = CMD_BYTES,
	.writes = CMD_RECORDS,
	.most_operands = 1,
	.options = options,
};

// In groups of four capitals with a gap in the middle: 8B86 DE38 ...  7B02 5210 ... (rkt:A-002)
static void add_fingerprint(struct buf *out, const json_t *key)
{
	const char *hex = json_string_value(json_object_get(key, "fingerprint"));
	size_t length = hex ? strlen(hex) : 0;
	for (size_t i = 0; i < length; i++) {
		if (i && i % 4 == 0)
			buf_add_text(out, i == length / 2 ? "  " : " ");
		buf_add_byte(out, (char)toupper((unsigned char)hex[i]));
	}
	buf_add_byte(out, '\n');
}

static void add_key(struct buf *out, const json_t *key)
{
	size_t i;
	json_t *item;
	const char *fingerprint = json_string_value(json_object_get(key, "fingerprint"));
	if (fingerprint && spki_is_id(fingerprint)) {
		buf_add_format(out, "Public key fingerprint is: %s\n", fingerprint);
		return;
	}
	buf_add_text(out, "GPG key fingerprint is: ");
	add_fingerprint(out, key);
	json_array_foreach(json_object_get(key, "subkeys"), i, item) {
		buf_add_text(out, "    Subkey fingerprint: ");
		add_fingerprint(out, item);
	}
	json_array_foreach(json_object_get(key, "identities"), i, item) {
		buf_add_text(out, "  ");
		msg_escape(out, json_string_value(item), json_string_length(item));
		buf_add_byte(out, '\n');
	}
}

static void write_all(json_t *records)
{
	buf_auto text = { 0 };
	size_t i;
	json_t *key;
	if (!strcmp(user.format, "records"))
		record_write_all(records);
	json_array_foreach(records, i, key) {
		if (!strcmp(user.format, "table"))
			add_key(&text, key);
		else if (!strcmp(user.format, "names"))
			buf_add_format(&text, "%s\n", json_string_value(json_object_get(key, "fingerprint")));
	}
	fputs(buf_text(&text), stdout);
}

static json_t *show(int fd, const char *file, struct err *e)
{
	mem_auto char *subject = strcmp(file, "-") ? mem_format("'%s'", file) : mem_text("stdin");
	buf_auto received = { 0 };
	buf_auto binary = { 0 };
	struct pgp_keys keys = { 0 };
	if (io_read_stream(fd, PGP_KEYS_MAX, subject, &received, e) < 0)
		return NULL;
	json_t *records = pgpshow_file(received.data, received.length, &binary, &keys, e);
	if (!records)
		err_context(e, "%s", subject);
	pgp_free_keys(&keys);
	return records;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	const char *file = files.count ? files.items[0] : "-";
	io_auto int fd = io_open_input(file, &e);
	struct sandbox sandbox = { .spawn = true };
	if (fd < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *records = show(fd, file, &e);
	if (!records)
		return cmd_fail(&e);
	write_all(records);
	return cmd_finish();
}
