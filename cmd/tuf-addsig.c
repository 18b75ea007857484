// tuf-addsig - put signatures into a TUF metadata file
// SPDX-License-Identifier: Apache-2.0
//
// stdin: signature objects, one a line, as tuf-sign writes them, or with --keyid the raw bytes of one signature. Each is verified before
// the file changes: 1 when one is by a key that the role does not list, or not over this payload. FILE `-`: the metadata comes on stdin,
// the signatures from --signature, and the result goes to stdout.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"
#include "crypto/digest.h"
#include "tuf/draft.h"
#include "tuf/names.h"

enum { RAW_MAX = 2048, SIGNATURES_MAX = 1024 }; // bytes of a signature; signatures of one file

static struct {
	const char *signature, *keyid, *role, *delegator;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "signature", "FILE", &user.signature, "read the signatures there instead of on stdin"),
	CMD_TEXT(0, "keyid", "ID", &user.keyid, "they are the raw bytes of one signature, by this key"),
	CMD_TEXT(0, "role", "NAME", &user.role, "the role that FILE is of, where its name does not say so"),
	CMD_TEXT(0, "delegator", "FILE", &user.delegator, "the metadata that says who may sign; for a root, the one before it"),
	CMD_GROUP(draft_form_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-addsig",
	.operands = "FILE",
	.summary = "put signatures into a TUF metadata file",
	.reads = CMD_JSON,
	.writes = CMD_JSON,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

static int read_raw(int fd, json_t *signatures, struct err *e)
{
	buf_auto raw = { 0 };
	char hex[2 * RAW_MAX + 1];
	if (io_read_stream(fd, RAW_MAX, "signature", &raw, e) < 0)
		return -1;
	if (!raw.length)
		return err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	digest_hex((unsigned char *)raw.data, raw.length, hex);
	json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", user.keyid, "sig", hex));
	return 0;
}

static int read_objects(int fd, json_t *signatures, struct err *e)
{
	json_t *s;
	struct record_reader reader = { .fd = fd };
	while ((s = record_next(&reader, e)) && json_array_size(signatures) < SIGNATURES_MAX) {
		if (!json_is_string(json_object_get(s, "keyid")) || !json_is_string(json_object_get(s, "sig")))
			err_set(e, STATUS_MALFORMED, "record %zu: not a signature: no keyid and sig", reader.count);
		json_array_append_new(signatures, s);
		if (e->status)
			break;
	}
	record_reader_free(&reader);
	if (!e->status && json_array_size(signatures) == SIGNATURES_MAX)
		err_set(e, STATUS_LIMIT, "more than %d signatures", SIGNATURES_MAX - 1);
	if (!e->status && !json_array_size(signatures))
		err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	return e->status ? -1 : 0;
}

static json_t *read_signatures(struct err *e)
{
	json_t *signatures = json_array();
	io_auto int fd = io_open_input(user.signature ? user.signature : "-", e);
	if (fd >= 0 && (user.keyid ? read_raw(fd, signatures, e) : read_objects(fd, signatures, e)) == 0)
		return signatures;
	json_decref(signatures);
	return NULL;
}

// The keys of the root before this one may sign it, too. There need not be one at hand.
static int former_keys(const struct role *r, const char *path, struct keys_set *set, struct err *e)
{
	role_auto before = { 0 };
	struct err missing = { 0 };
	if (r->type != ROLE_ROOT || (r->version == 1 && !user.delegator) || (!user.delegator && !strcmp(path, "-")))
		return 0;
	mem_auto char *name = names_role_file("root", r->version - 1);
	mem_auto char *file = user.delegator ? mem_text(user.delegator) : draft_beside(path, name);
	if (draft_read(file, &before, &missing) == 0)
		return role_keys(&before, "root", set, e);
	if (missing.status == STATUS_NOT_FOUND && !user.delegator)
		return 0;
	*e = missing;
	return -1;
}

static int add(struct role *r, const struct keys_set *own, const struct keys_set *former, const json_t *signatures, struct err *e)
{
	size_t i;
	json_t *s;
	buf_auto payload = { 0 };
	role_payload(r, &payload);
	json_array_foreach(signatures, i, s) {
		const char *id = json_string_value(json_object_get(s, "keyid"));
		const char *hex = json_string_value(json_object_get(s, "sig"));
		const struct keys_entry *k = keys_find(own, id), *old = keys_find(former, id);
		if (!k && !old)
			return err_set(e, STATUS_REFUSED, "the key '%s' may not sign this: the role does not list it", id);
		if (!(k && keys_good(k, payload.data, payload.length, hex)) &&
			!(old && keys_good(old, payload.data, payload.length, hex)))
			return err_set(e, STATUS_REFUSED, "the signature by '%s' is not good for this payload", id);
		draft_put_signature(r, id, hex);
	}
	return 0;
}

static int add_signatures(const char *path, struct err *e)
{
	role_auto r = { 0 };
	keys_auto own = { 0 };
	keys_auto former = { 0 };
	jsonio_auto json_t *signatures = read_signatures(e);
	if (!signatures || draft_read(path, &r, e) < 0)
		return -1;
	mem_auto char *role = user.role  ? mem_text(user.role)
		: r.type != ROLE_TARGETS ? mem_text(role_type_name(r.type))
					 : draft_role(path, e);
	if (!role || draft_keys(&r, path, role, user.delegator, &own, e) < 0 || former_keys(&r, path, &former, e) < 0 ||
		add(&r, &own, &former, signatures, e) < 0)
		return -1;
	return draft_write(&r, path, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	const char *path = files.items[0];
	if (!strcmp(path, "-") && !user.signature)
		cmd_usage("FILE is stdin: name the signatures with --signature");
	if (user.signature)
		texts_add(&sandbox.reads, user.signature);
	if (user.delegator)
		texts_add(&sandbox.reads, user.delegator);
	if (draft_start(&sandbox, (const char *const *)files.items, &e) < 0 || add_signatures(path, &e) < 0)
		return cmd_fail(&e);
	draft_end();
	return cmd_finish();
}
