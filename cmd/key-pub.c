// key-pub - print the public half of a key, or its id
// SPDX-License-Identifier: Apache-2.0
//
// stdin or FILE: a private key (PEM) or a public one (PEM, JWK). stdout: the public key as SPKI PEM (RFC 7468 section 13), or with
// --id its id alone. 1 when it is a key of another type than asked, 4 when the passphrase is wrong.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/passphrase.h"
#include "crypto/pkcs11.h"
#include "tuf/keys.h"

static struct {
	const char *id;
	const char *type;
	bool private_only;
} user;

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "id", &user.id, "kid|tuf", "print the key's id instead: its RFC 7638 thumbprint in hex, or its TUF keyid"),
	CMD_CHOICE(0, "type", &user.type, "ed25519|p256|p384|rsa", "refuse a key of another type"),
	CMD_FLAG(0, "private", &user.private_only, "refuse a key that is public already"),
	CMD_GROUP(passphrase_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "key-pub",
	.operands = "[FILE]",
	.summary = "print the public half of a key, or its id",
	.reads = CMD_BYTES,
	.writes = CMD_BYTES,
	.most_operands = 1,
	.options = options,
};

// What the launch tokens' wrapper asks for has a message of its own.
static int refuse(const struct key *k, const char *subject, struct err *e)
{
	if (user.private_only && user.type && !strcmp(user.type, "p384"))
		return err_set(e, STATUS_REFUSED, "Signing key must be a 384-bit ECDSA private key (NIST P-384)");
	if (user.private_only && k->pkey && !k->is_private)
		return err_set(e, STATUS_REFUSED, "%s: a public key: expected a private one", subject);
	if (k->pkey)
		return err_set(e, STATUS_REFUSED, "%s: a key of type %s: expected %s", subject, key_type_name(k->type),
			user.type);
	return err_context(e, "%s", subject);
}

static int read_key(const char *path, struct key *k, struct err *e)
{
	secret_auto text = { 0 };
	char prompt[] = "Encrypted private key password: ", pin_prompt[] = "PIN of the token: ";
	mem_auto char *subject = mem_format("'%s'", path);
	bool on_token = pkcs11_is_uri(path);
	if ((on_token ? pkcs11_open(path, passphrase_get, pin_prompt, k, e) : io_read_file(path, KEY_FILE_MAX, &text, e)) < 0)
		return -1;
	if (!on_token && key_parse_any(buf_text(&text), text.length, passphrase_get, prompt, k, e) < 0)
		return e->status == STATUS_REFUSED ? refuse(k, subject, e) : err_context(e, "%s", subject);
	enum key_type wanted = k->type;
	if (user.type)
		key_type_find(user.type, &wanted);
	bool fits = k->type == wanted && (k->is_private || !user.private_only);
	return fits ? 0 : refuse(k, subject, e);
}

static int print_key(const struct key *k, struct err *e)
{
	char kid[65];
	buf_auto text = { 0 };
	if (user.id && !strcmp(user.id, "tuf"))
		keys_id(k, kid);
	else if (user.id)
		key_thumbprint(k, kid);
	else if (key_public_pem(k, &text, e) < 0)
		return -1;
	printf("%s%s", user.id ? kid : buf_text(&text), user.id ? "\n" : "");
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	key_auto key = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	const char *path = files.count ? files.items[0] : "-";
	secret_guard();
	passphrase_allow(&sandbox);
	if (key_allow(path, &sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0 || read_key(path, &key, &e) < 0 ||
		print_key(&key, &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
