// tuf-sign - sign the payload of TUF metadata
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: what tuf-payload wrote. stdout: one signature object, `{"keyid":..,"sig":..}`, for each key, as tuf-addsig reads them.
// The keyid is the one that this kit's metadata lists a key under; --keyid names another. No metadata is needed here.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/secret.h"
#include "crypto/passphrase.h"
#include "tuf/keys.h"
#include "tuf/role.h"

static struct {
	struct texts keys;
	const char *keyid;
} user;

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "key", "FILE", &user.keys, "sign with this private key; repeatable (required)"),
	CMD_GROUP(passphrase_options),
	CMD_TEXT(0, "keyid", "ID", &user.keyid, "the keyid to write, for metadata that lists the key under another one"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-sign",
	.operands = "[FILE]",
	.summary = "sign the payload of TUF metadata",
	.reads = CMD_BYTES,
	.writes = CMD_JSON,
	.most_operands = 1,
	.options = options,
};

static int sign(const char *path, const struct buf *payload, json_t *signatures, struct err *e)
{
	key_auto key = { 0 };
	buf_auto hex = { 0 };
	char id[KEYS_ID_MAX];
	mem_auto char *prompt = mem_format("Passphrase of %s: ", path);
	if (key_read_private(path, passphrase_get, prompt, &key, e) < 0 ||
		keys_sign(&key, payload->data, payload->length, &hex, e) < 0)
		return -1;
	keys_id(&key, id);
	json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", user.keyid ? user.keyid : id, "sig", hex.data));
	return 0;
}

// Every payload of TUF begins so: what comes from elsewhere was mistaken for one.
static int check_payload(const struct buf *payload, struct err *e)
{
	if (!payload->length)
		return err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	if (payload->data[0] == '{' && payload->data[payload->length - 1] == '}' && strstr(payload->data, "\"_type\":\""))
		return 0;
	return err_set(e, STATUS_MALFORMED, "not the payload of TUF metadata, as tuf-payload writes it");
}

static int sign_all(const char *file, json_t *signatures, struct err *e)
{
	buf_auto payload = { 0 };
	if (io_read_file(file, ROLE_OWN_BYTES_MAX, &payload, e) < 0 || check_payload(&payload, e) < 0)
		return -1;
	for (size_t i = 0; i < user.keys.count; i++)
		if (sign(user.keys.items[i], &payload, signatures, e) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	size_t i;
	json_t *s;
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	if (!user.keys.count)
		cmd_usage("option --key is missing");
	if (user.keyid && user.keys.count > 1)
		cmd_usage("option --keyid: names one key, and --key was given several times");
	secret_guard();
	if (files.count)
		texts_add(&sandbox.reads, files.items[0]);
	passphrase_allow(&sandbox);
	for (i = 0; i < user.keys.count; i++)
		if (key_allow(user.keys.items[i], &sandbox, &e) < 0)
			return cmd_fail(&e);
	jsonio_auto json_t *signatures = json_array();
	if (sandbox_enter(&sandbox, &e) < 0 || sign_all(files.count ? files.items[0] : "-", signatures, &e) < 0)
		return cmd_fail(&e);
	json_array_foreach(signatures, i, s)
		record_write(s);
	texts_free(&user.keys);
	return cmd_finish();
}
