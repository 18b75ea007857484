// disk-decrypt - decrypt a disk that disk-encrypt made
// SPDX-License-Identifier: Apache-2.0
//
// stdin: a LUKS2 header and the encrypted bytes, or these alone with --header. stdout: the disk as it was, byte for byte; none before the
// secret has opened the header. 4 when it does not, 6 when bytes are missing or too many came.
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/locked.h"
#include "crypto/passphrase.h"
#include "disk/luksmeta.h"
#include "disk/payload.h"

enum { SECRET_MAX = 4096 }; // bytes: it may be a passphrase

static struct {
	const char *secret, *header;
	int64_t jobs;
	bool whole;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "secret", "FILE", &user.secret, "the bytes of this file open the disk; without it a passphrase does"),
	CMD_GROUP(passphrase_options),
	CMD_TEXT(0, "header", "FILE", &user.header, "the header is in this file, and stdin holds the data alone"),
	CMD_FLAG(0, "whole", &user.whole, "decrypt all that comes, whatever size the header announces"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, PAYLOAD_JOBS_MAX, "pieces decrypted at once; unless told, one per processor"),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "disk-decrypt",
	.operands = "",
	.summary = "decrypt a disk that disk-encrypt made",
	.reads = CMD_BYTES,
	.writes = CMD_BYTES,
	.options = options,
};

static struct progress progress; // static, since threads may outlive a call that fails
static int64_t written;

static int get_secret(struct buf *secret, struct err *e)
{
	char prompt[] = "Passphrase: ";
	int failed = user.secret ? io_read_secret(user.secret, SECRET_MAX, secret, e) : passphrase_get(prompt, secret, e);
	locked_pin(secret);
	return failed;
}

static int load(int fd, const char *subject, struct luks *l, struct luksmeta *m, struct err *e)
{
	if (luks_load(fd, subject, l, e) < 0)
		return -1;
	mem_auto char *complaint = luks_complaint(l);
	if (complaint)
		msg_warn("%s: %s", subject, complaint);
	if (luksmeta_read(l, m, e) < 0)
		return err_context(e, "%s", subject);
	bool apart = !m->data_offset;
	if (apart && !user.header)
		return err_set(e, STATUS_REFUSED, "%s: a header without data: they lie apart, and --header names it", subject);
	if (!apart && user.header)
		return err_set(e, STATUS_REFUSED, "%s: its data follow it in the same stream; --header is for a header apart",
			subject);
	return luks_load_to(fd, subject, apart ? m->header_end : (size_t)m->data_offset, l, e);
}

static int64_t expected_size(const struct luksmeta *m, struct err *e)
{
	if (user.whole || m->data_size >= 0)
		return user.whole ? -1 : m->data_size;
	err_set(e, STATUS_REFUSED, "the header announces no size, so that missing data would go unnoticed");
	return err_hint(e, "--whole decrypts all that comes");
}

static void moved(void *context, int64_t bytes)
{
	(void)context;
	written += bytes;
	progress_add(&progress, bytes);
}

static int decrypt(const struct luksmeta *m, const unsigned char *key, struct err *e)
{
	int64_t size = expected_size(m, e), sector = (int64_t)m->sector;
	if (e->status)
		return -1;
	struct payload p = { .in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.key = key,
		.sector = m->sector,
		.out_bytes = size,
		.in_bytes = size < 0 ? -1 : (size + sector - 1) / sector * sector,
		.subject = "stdin",
		.jobs = user.jobs ? (int)user.jobs : payload_default_jobs(),
		.moved = moved };
	progress_start_percent(&progress, cmd.name, size);
	if (payload_run(&p, e) < 0) {
		progress_abort(&progress);
		return -1;
	}
	progress_end(&progress);
	return written ? 0 : err_set(e, STATUS_MALFORMED, "stdin: truncated: no data follow the header");
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	luks_auto l = { 0 };
	struct luksmeta m;
	struct sandbox sandbox = { 0 };
	secret_auto secret = { 0 };
	cmd_start(&cmd, argc, argv);
	if (user.secret && passphrase_is_given())
		cmd_usage("--secret excludes --passphrase-file and --passphrase-fd");
	secret_guard();
	locked_auto unsigned char *key = locked_alloc(XTS_KEY);
	io_auto int header = user.header ? io_open_input(user.header, &e) : STDIN_FILENO;
	mem_auto char *subject = user.header ? mem_format("'%s'", user.header) : mem_text("stdin");
	if (header < 0 || get_secret(&secret, &e) < 0 || sandbox_enter(&sandbox, &e) < 0 ||
		load(header, subject, &l, &m, &e) < 0 || luksmeta_unlock(&l, &m, secret.data, secret.length, key, &e) < 0 ||
		decrypt(&m, key, &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
