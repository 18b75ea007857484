// disk-encrypt - encrypt a raw disk as a stream, into a form that Linux opens
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the bytes of a disk, as many as announced. stdout: a LUKS2 header of 1 MiB (cryptsetup makes it), then the same bytes under
// AES-XTS; no seek on either. The secret that opens it goes to a file or descriptor when all input has come, before the last piece goes
// out: a disk that is whole always has its secret, and a failed run leaves none. 6 when the input has another length.
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "crypto/locked.h"
#include "crypto/passphrase.h"
#include "disk/brkttoken.h"
#include "disk/luksmake.h"
#include "disk/luksmeta.h"
#include "disk/payload.h"
#include "disk/taskstatus.h"

enum { SECRET_NEW = 64, SECRET_MIN = 32, SECRET_MAX = 512 }; // bytes; the bounds are those of key-put

static struct {
	const char *secret, *new_secret, *sector, *token, *header, *header_out, *status;
	int64_t new_secret_fd, size, jobs;
	bool pad, recovery, skip_free;
} user = { .sector = NULL, .new_secret_fd = -1, .size = -1 };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "secret", "FILE", &user.secret, "the disk opens by the bytes of this file"),
	CMD_TEXT(0, "new-secret", "FILE", &user.new_secret, "make a secret, and write it to this new file, mode 0600"),
	CMD_NUMBER(0, "new-secret-fd", "FD", &user.new_secret_fd, 3, 1023, "make a secret, and write it to this descriptor"),
	CMD_CHOICE('s', "sector-size", &user.sector, "512|4096", "bytes per encrypted sector; 512 unless told"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, PAYLOAD_JOBS_MAX, "pieces encrypted at once; unless told, one per processor"),
	CMD_SIZE(0, "size", &user.size, "how many bytes will come; needed where stdin is no file"),
	CMD_FLAG(0, "pad", &user.pad, "fill the last sector up with zeros"),
	CMD_FLAG(0, "skip-free", &user.skip_free, "leave out the free blocks of ext4: which those are becomes visible"),
	CMD_TEXT(0, "token-json", "FILE", &user.token, "key service, key id and launch token for the header, as JSON"),
	CMD_FLAG(0, "recovery", &user.recovery, "a passphrase opens the disk, too: from an option below, else asked for"),
	CMD_GROUP(passphrase_options),
	CMD_TEXT(0, "header", "FILE", &user.header, "use this header again, with its --secret, instead of a new one"),
	CMD_TEXT(0, "header-out", "FILE", &user.header_out, "write the header there, and to stdout the data alone"),
	CMD_TEXT(0, "status", "FILE", &user.status, "keep this file telling how far the work is, as JSON"),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "disk-encrypt",
	.operands = "",
	.summary = "encrypt a raw disk as a stream, into a form that Linux opens",
	.reads = CMD_BYTES,
	.writes = CMD_BYTES,
	.options = options,
};

// What the run works on. Static, since threads may outlive a call that fails.
static struct {
	struct buf header; // what goes to stdout in front of the data
	size_t sector;
	int64_t size;
	struct io_output secret_file, header_file;
	bool secret_named, header_named; // they have their names
	const struct buf *new_secret;
	struct freemap free;
	struct progress progress;
	struct taskstatus status;
} job = { .secret_file = { .fd = -1 }, .header_file = { .fd = -1 } };

// ---- what the user said ----

static void check_usage(void)
{
	bool made = user.new_secret || user.new_secret_fd >= 0;
	if (!user.secret && !made)
		cmd_usage("one of --secret, --new-secret and --new-secret-fd is needed");
	if (!!user.secret + !!user.new_secret + (user.new_secret_fd >= 0) > 1)
		cmd_usage("--secret, --new-secret and --new-secret-fd exclude each other");
	if (user.header && (made || user.header_out || user.token || user.recovery || user.sector))
		cmd_usage("option --header: goes with --secret alone; what else could be said is in the header");
	if (user.skip_free && payload_left(STDIN_FILENO) < 0)
		cmd_usage("option --skip-free: goes with a file or a block device on stdin, since the map of its blocks is read "
			  "first");
	if (passphrase_is_given() && !user.recovery)
		cmd_usage("--passphrase-file and --passphrase-fd go with --recovery");
}

// The size must be known before the first byte goes out (brkt:E9).
static int announced_size(struct err *e)
{
	int64_t left = payload_left(STDIN_FILENO);
	job.size = user.size >= 0 ? user.size : left;
	if (job.size < 0)
		cmd_usage("option --size: needed, since stdin is no file whose size can be told");
	if (!job.size)
		return err_set(e, STATUS_MALFORMED, "stdin: no input: a disk of size 0");
	if (left >= 0 && left != job.size)
		return err_set(e, STATUS_MALFORMED, "stdin: it holds %" PRId64 " bytes, not the %" PRId64 " announced", left,
			job.size);
	return 0;
}

// Whole sectors of blocks that no ext4 uses (brkt:E8). Told beforehand, since it is of the kind that cannot be taken back.
static int find_free(struct err *e)
{
	if (!user.skip_free)
		return 0;
	int64_t at = (int64_t)lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (freemap_scan(&job.free, STDIN_FILENO, at, job.size, job.sector, e) < 0)
		return err_context(e, "stdin");
	for (size_t i = 0; i < job.free.notes.count; i++)
		msg_warn("%s", job.free.notes.items[i]);
	msg_warn("%" PRId64 " of %" PRId64
		 " bytes are free blocks of ext4 and skipped: where they lie becomes visible, and decrypted "
		 "they are garbage",
		job.free.bytes, job.size);
	return 0;
}

static int check_padding(struct err *e)
{
	if (user.pad || !(job.size % (int64_t)job.sector))
		return 0;
	err_set(e, STATUS_MALFORMED, "stdin: %" PRId64 " bytes are no multiple of the sector size of %zu", job.size, job.sector);
	return err_hint(e, "--pad fills the last sector up with zeros");
}

static int get_secret(struct buf *secret, struct err *e)
{
	if (!user.secret) {
		buf_reserve(secret, SECRET_NEW);
		locked_pin(secret);
		randombytes_buf(secret->data, SECRET_NEW);
		secret->length = SECRET_NEW;
		job.new_secret = secret;
		return 0;
	}
	if (io_read_secret(user.secret, SECRET_MAX, secret, e) < 0)
		return -1;
	locked_pin(secret);
	if (secret->length >= SECRET_MIN)
		return 0;
	err_set(e, STATUS_REFUSED, "'%s': a secret of %zu bytes; at least %d are needed", user.secret, secret->length,
		SECRET_MIN);
	return err_hint(e, "slot secrets are not stretched; a passphrase goes with --recovery");
}

static int get_recovery(struct buf *passphrase, struct err *e)
{
	char first[] = "Recovery passphrase: ", second[] = "Reenter passphrase: ";
	secret_auto again = { 0 };
	if (!user.recovery || passphrase_is_given())
		return user.recovery ? passphrase_get(NULL, passphrase, e) : 0;
	if (passphrase_get(first, passphrase, e) < 0 || passphrase_get(second, &again, e) < 0)
		return -1;
	if (!passphrase->length)
		return err_set(e, STATUS_REFUSED, "an empty passphrase");
	if (passphrase->length != again.length || memcmp(passphrase->data, again.data, again.length) != 0)
		return err_set(e, STATUS_REFUSED, "Passphrases do not match");
	return 0;
}

// ---- the header ----

static int new_header(const struct buf *secret, const struct buf *recovery, unsigned char *key, struct err *e)
{
	jsonio_auto json_t *wanted = user.token ? jsonio_read_file(user.token, e) : NULL;
	if (user.token && !wanted)
		return -1;
	job.sector = user.sector && !strcmp(user.sector, "4096") ? 4096 : 512;
	mem_auto char *token = check_padding(e) < 0 ? NULL : brkttoken_make(wanted, job.size, e);
	if (!token)
		return e->status && user.token && wanted ? err_context(e, "'%s'", user.token) : -1;
	struct luksmake m = { secret, user.recovery ? recovery : NULL, job.sector, user.header_out, token };
	return luksmake(&m, &job.header, key, e);
}

static int saved_header(const struct buf *secret, unsigned char *key, struct err *e)
{
	struct luksmeta meta;
	luks_auto l = { 0 };
	io_auto int fd = io_open_input(user.header, e);
	mem_auto char *subject = mem_format("'%s'", user.header);
	if (fd < 0 || luks_load(fd, subject, &l, e) < 0 || luksmeta_read(&l, &meta, e) < 0)
		return -1;
	size_t end = meta.data_offset ? (size_t)meta.data_offset : meta.header_end;
	mem_auto char *complaint = luks_complaint(&l);
	if (complaint)
		return err_set(e, STATUS_MALFORMED, "%s: %s", subject, complaint);
	if (luks_load_to(fd, subject, end, &l, e) < 0 || luksmeta_unlock(&l, &meta, secret->data, secret->length, key, e) < 0)
		return -1;
	if (meta.data_size != job.size)
		return err_set(e, STATUS_REFUSED, "%s: it is for a disk of %" PRId64 " bytes, not %" PRId64, subject,
			meta.data_size, job.size);
	job.sector = meta.sector;
	buf_add(&job.header, l.bytes.data, meta.data_offset ? end : 0);
	return check_padding(e);
}

// ---- files of the user's ----

static int create(struct io_output *o, const char *path, mode_t mode, const struct buf *content, struct err *e)
{
	if (io_create(o, AT_FDCWD, path, mode, e) < 0)
		return -1;
	if (io_write_all(o->fd, content->data, content->length) < 0 || fsync(o->fd) < 0)
		return err_system(e, "'%s': cannot write", path);
	return 0;
}

static int taken(const char *path, struct err *e)
{
	return err_set(e, STATUS_REFUSED, "'%s': it is there already; a new secret overwrites nothing", path);
}

// Written now, so that a full disk is noticed in time, and named by arrived().
static int create_files(struct err *e)
{
	if (user.new_secret && !access(user.new_secret, F_OK))
		return taken(user.new_secret, e);
	if (user.header_out && create(&job.header_file, user.header_out, 0666, &job.header, e) < 0)
		return -1;
	return user.new_secret ? create(&job.secret_file, user.new_secret, 0600, job.new_secret, e) : 0;
}

static void directory_of(struct texts *list, const char *path)
{
	mem_auto char *copy = mem_text(path);
	if (copy)
		texts_add(list, dirname(copy));
}

static int sync_directory(const char *path, struct err *e)
{
	mem_auto char *copy = mem_text(path);
	io_auto int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? err_system(e, "'%s': cannot sync its directory", path) : 0;
}

// A payload's callback: all input has come. From here on the disk may become whole, so its secret must last.
static int arrived(void *context, struct err *e)
{
	(void)context;
	if (user.header_out && io_commit(&job.header_file, e) < 0)
		return -1;
	job.header_named = user.header_out;
	if (user.new_secret_fd >= 0 && io_write_all((int)user.new_secret_fd, job.new_secret->data, job.new_secret->length) < 0)
		return err_system(e, "descriptor %d: cannot write the secret", (int)user.new_secret_fd);
	if (!user.new_secret)
		return 0;
	int linked = io_link_new(&job.secret_file, AT_FDCWD, user.new_secret);
	if (linked)
		return linked > 0 ? taken(user.new_secret, e) : err_system(e, "'%s': cannot create", user.new_secret);
	job.secret_named = true;
	return sync_directory(user.new_secret, e);
}

static void forget_files(void)
{
	io_discard(&job.secret_file);
	io_discard(&job.header_file);
	if (job.secret_named)
		unlink(user.new_secret);
	if (job.header_named)
		unlink(user.header_out);
}

// ---- the verb ----

static void moved(void *context, int64_t bytes)
{
	(void)context;
	progress_add(&job.progress, bytes);
	taskstatus_add(&job.status, bytes);
}

static int confine(struct err *e)
{
	struct sandbox sandbox = { 0 };
	directory_of(&sandbox.writes, user.new_secret);
	directory_of(&sandbox.writes, user.header_out);
	directory_of(&sandbox.writes, user.status);
	return sandbox_enter(&sandbox, e);
}

static int encrypt(const unsigned char *key, struct err *e)
{
	int64_t sector = (int64_t)job.sector;
	struct payload p = { .in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.key = key,
		.encrypt = true,
		.sector = job.sector,
		.in_bytes = job.size,
		.out_bytes = (job.size + sector - 1) / sector * sector,
		.subject = "stdin",
		.skip = user.skip_free ? &job.free : NULL,
		.jobs = user.jobs ? (int)user.jobs : payload_default_jobs(),
		.arrived = arrived,
		.moved = moved };
	job.status = (struct taskstatus){ .path = user.status, .total = p.out_bytes };
	if (taskstatus_write(&job.status, "encrypting", NULL, e) < 0)
		return -1;
	if (!user.header_out && io_write_all(STDOUT_FILENO, job.header.data, job.header.length) < 0)
		return err_system(e, "stdout: cannot write");
	progress_start_percent(&job.progress, cmd.name, p.out_bytes);
	if (payload_run(&p, e) < 0) {
		progress_abort(&job.progress);
		return -1;
	}
	progress_end(&job.progress);
	return taskstatus_write(&job.status, "finished", NULL, e);
}

// Anything that fails behind arrived() takes the secret away again: without the last piece there is no disk for it.
static int fail(const struct err *e)
{
	mem_auto char *code = mem_format("%d", (int)e->status);
	forget_files();
	if (job.status.state)
		taskstatus_write(&job.status, "failed", code, &(struct err){ 0 });
	return cmd_fail(e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	secret_auto secret = { 0 };
	secret_auto recovery = { 0 };
	cmd_start(&cmd, argc, argv);
	check_usage();
	secret_guard();
	locked_auto unsigned char *key = locked_alloc(XTS_KEY);
	if (announced_size(&e) < 0 || get_secret(&secret, &e) < 0 || get_recovery(&recovery, &e) < 0 ||
		(user.header ? saved_header(&secret, key, &e) : new_header(&secret, &recovery, key, &e)) < 0 ||
		create_files(&e) < 0 || confine(&e) < 0 || find_free(&e) < 0 || encrypt(key, &e) < 0)
		return fail(&e);
	io_discard(&job.secret_file);
	buf_free(&job.header);
	freemap_free(&job.free);
	int status = cmd_finish();
	if (status)
		forget_files();
	return status;
}
