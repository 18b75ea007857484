// verify-sig - check an image's signature against the keys trusted for its name
// SPDX-License-Identifier: Apache-2.0
//
// stdin: an image record whose blob and signature, or manifest and signatures, are in the store. stdout: the same record with a `verified`
// entry, written when the verdict is yes and not before. 1 is the verdict no (App Container Specification,
// aci.md, "image archives"; OpenPGP by sqv or gpgv). Opens no socket.
#include <string.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/progress.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/image.h"
#include "image/verify.h"

static struct {
	const char *store;
	struct texts trust;
	const char *verifier;
	bool allow_untrusted;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "store", "DIR", &user.store, "the store with the image and its signature"),
	CMD_TEXTS(0, "trust", "DIR", &user.trust, "a trust directory; repeatable, later ones mask earlier ones"),
	CMD_FLAG(0, "allow-untrusted", &user.allow_untrusted, "pass on, unverified, an image for whose name no key is trusted"),
	CMD_CHOICE(0, "verifier", &user.verifier, "sqv|gpgv",
		"the program that judges signatures; the first one installed unless told"),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "verify-sig",
	.operands = "",
	.summary = "check an image's signature against the keys trusted for its name",
	.reads = CMD_RECORD,
	.writes = CMD_RECORD,
	.options = options,
};

static enum pgpcheck_program program_asked(void)
{
	if (!user.verifier)
		return PGPCHECK_ANY;
	return strcmp(user.verifier, "gpgv") ? PGPCHECK_SQV : PGPCHECK_GPGV;
}

// From here on nothing but the store, the trust directories, and what running the verifier takes, can be
// opened.
static int enter_sandbox(const char *store, const struct texts *directories, struct err *e)
{
	struct sandbox sandbox = { .spawn = true };
	texts_add(&sandbox.reads, store);
	for (size_t i = 0; i < directories->count; i++)
		texts_add(&sandbox.reads, directories->items[i]);
	return sandbox_enter(&sandbox, e);
}

static int verify_sig(json_t *record, const char *directory, const struct texts *directories, struct err *e)
{
	struct verify_options how = { .allow_untrusted = user.allow_untrusted, .program = program_asked() };
	struct trust trust = { 0 };
	if (trust_load(directories, &trust, e) < 0)
		return -1;
	struct store *store = store_open(directory, false, e);
	int failed = !store || verify_record(store, &trust, record, &how, e) < 0 ? -1 : 0;
	if (store)
		store_close(store);
	trust_free(&trust);
	return failed;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	static struct texts directories;
	cmd_start(&cmd, argc, argv);
	mem_auto char *store = path_store(user.store);
	path_trust(&user.trust, &directories);
	// The stage before may only now be making the store: first its record, then the sandbox around what is there.
	jsonio_auto json_t *record = image_read("image", &e);
	if (!record || enter_sandbox(store, &directories, &e) < 0 || verify_sig(record, store, &directories, &e) < 0)
		return cmd_fail(&e);
	record_write(record);
	texts_free(&directories);
	return cmd_finish();
}
