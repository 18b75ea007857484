// key-gen - make a signing key
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing. stdout: the private key as PEM (PKCS#8, RFC 5958; encrypted by PBES2, RFC 8018, when there is a passphrase), unless
// -o names a file. A regular file on stdout is made 0600 before the key goes there.
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/passphrase.h"

static struct {
	const char *type;
	const char *output, *public_output;
	bool no_passphrase, confirm, traditional;
} user = { .type = "ed25519" };

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "type", &user.type, "ed25519|p256|p384|rsa", "the kind of key; ed25519 unless told, RSA has 3072 bits"),
	CMD_TEXT('o', "output", "FILE", &user.output, "write the private key there instead of to stdout, mode 0600"),
	CMD_TEXT(0, "public-out", "FILE", &user.public_output, "write the public key there as PEM, before the private one"),
	CMD_FLAG(0, "no-passphrase", &user.no_passphrase, "leave the private key unencrypted"),
	CMD_GROUP(passphrase_options),
	CMD_FLAG(0, "confirm", &user.confirm, "the passphrase's file or descriptor holds it twice, on two lines"),
	CMD_FLAG(0, "traditional", &user.traditional, "write `BEGIN EC PRIVATE KEY' for programs that read no PKCS#8"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "key-gen",
	.operands = "",
	.summary = "make a signing key",
	.reads = CMD_NONE,
	.writes = CMD_BYTES,
	.options = options,
};

static int check_same(const struct buf *passphrase, const struct buf *again, struct err *e)
{
	if (passphrase->length != again->length || memcmp(buf_text(passphrase), buf_text(again), again->length) != 0)
		return err_set(e, STATUS_REFUSED, "Passphrases do not match");
	if (passphrase->length)
		return 0;
	err_set(e, STATUS_REFUSED, "an empty passphrase");
	return err_hint(e, "use --no-passphrase for an unencrypted key");
}

static int get_passphrase(struct buf *passphrase, struct err *e)
{
	secret_auto again = { 0 };
	char first[] = "Passphrase: ", second[] = "Reenter passphrase: ";
	if (user.no_passphrase)
		return 0;
	if (passphrase_is_given() && !user.confirm)
		return passphrase_get(NULL, passphrase, e);
	if (passphrase_is_given() ? passphrase_get_twice(passphrase, &again, e) < 0
				  : passphrase_get(first, passphrase, e) < 0 || passphrase_get(second, &again, e) < 0)
		return -1;
	return check_same(passphrase, &again, e);
}

static int write_public(const struct buf *text, struct err *e)
{
	if (!user.public_output || io_write_file(AT_FDCWD, user.public_output, 0644, text->data, text->length, e) == 0)
		return 0;
	e->status = STATUS_SYSTEM; // of a file to be made nobody says that it was not found
	return err_context(e, "Unable to write to %s", user.public_output);
}

static int write_stdout(const struct buf *text, struct err *e)
{
	return io_write_all(STDOUT_FILENO, text->data, text->length) < 0 ? err_system(e, "stdout: cannot write") : 0;
}

static int make(enum key_type type, const struct buf *passphrase, struct err *e)
{
	key_auto key = { 0 };
	buf_auto public_text = { 0 };
	secret_auto private_text = { 0 };
	const struct buf *sealing = passphrase->length ? passphrase : NULL;
	if (key_generate(type, &key, e) < 0 || key_public_pem(&key, &public_text, e) < 0 ||
		key_private_pem(&key, sealing, user.traditional, &private_text, e) < 0)
		return -1;
	if (sealing && user.traditional)
		msg_warn("the traditional form protects a passphrase badly: one round of MD5");
	if (write_public(&public_text, e) < 0)
		return -1;
	int failed = user.output ? io_write_file(AT_FDCWD, user.output, 0600, private_text.data, private_text.length, e)
				 : write_stdout(&private_text, e);
	if (failed && user.public_output)
		unlink(user.public_output);
	return failed;
}

// Under any umask `key-gen >key.pem` leaves a file that only its owner reads.
static int make_stdout_private(struct err *e)
{
	struct stat st;
	bool is_file = !user.output && !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode);
	return is_file && fchmod(STDOUT_FILENO, 0600) < 0 ? err_system(e, "stdout: cannot make the file private") : 0;
}

static int enter_sandbox(struct err *e)
{
	struct sandbox sandbox = { 0 };
	if (user.output)
		texts_take(&sandbox.writes, path_parent(user.output));
	if (user.public_output)
		texts_take(&sandbox.writes, path_parent(user.public_output));
	if (!user.no_passphrase)
		passphrase_allow(&sandbox);
	return sandbox_enter(&sandbox, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	enum key_type type = KEY_ED25519;
	secret_auto passphrase = { 0 };
	cmd_start(&cmd, argc, argv);
	key_type_find(user.type, &type);
	if (user.no_passphrase && passphrase_is_given())
		cmd_usage("--no-passphrase excludes --passphrase-file and --passphrase-fd");
	if (user.confirm && !passphrase_is_given())
		cmd_usage("--confirm goes with --passphrase-file or --passphrase-fd");
	if (user.traditional && type != KEY_P256 && type != KEY_P384)
		cmd_usage("--traditional is for p256 and p384");
	secret_guard();
	if (make_stdout_private(&e) < 0 || enter_sandbox(&e) < 0 || get_passphrase(&passphrase, &e) < 0 ||
		make(type, &passphrase, &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
