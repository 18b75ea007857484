// luksmake.h says what this promises.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/secret.h"
#include "disk/luksmake.h"
#include "disk/luksmeta.h"

enum { PATH_MAX_FD = sizeof "/dev/fd/2147483647", SAID_MAX = 4096 };

// cryptsetup wants one sector of data behind the header.
enum { FILE_SIZE = LUKSMAKE_SIZE + 4096 };

static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", "LC_ALL=C",
	NULL };

// Users seldom have the directory of cryptsetup in their PATH.
static int find_cryptsetup(char *path, size_t room, struct err *e)
{
	static const char *const directories[] = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin" };
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
		snprintf(path, room, "%s/cryptsetup", directories[i]);
		if (!access(path, X_OK))
			return 0;
	}
	err_set(e, STATUS_NOT_FOUND, "cryptsetup: there is no such program");
	return err_hint(e, "install the package cryptsetup-bin, or give a saved header by --header");
}

// What cryptsetup said last, for a message. Its warnings about small areas and locks are no news to anyone.
static void read_said(int said, struct buf *text)
{
	if (lseek(said, 0, SEEK_SET) < 0 || io_read_stream(said, SAID_MAX, "cryptsetup", text, &(struct err){ 0 }) < 0)
		return;
	while (text->length && text->data[text->length - 1] == '\n')
		text->data[--text->length] = '\0';
	char *last = text->data ? strrchr(text->data, '\n') : NULL;
	if (last)
		memmove(text->data, last + 1, strlen(last + 1) + 1);
}

static int run(const char *const *argv, const struct buf *input, const int *keep, struct err *e)
{
	buf_auto output = { 0 };
	buf_auto said_text = { 0 };
	io_auto int said = memfd_create("cryptsetup", MFD_CLOEXEC);
	if (said < 0)
		return err_system(e, "cannot make a memory file");
	struct proc p = { .argv = argv, .environment = environment, .in = -1, .out = -1, .err = said, .keep = keep };
	int status = proc_run(&p, buf_text(input), input->length, SAID_MAX, &output, e);
	if (status <= 0)
		return status;
	read_said(said, &said_text);
	return err_set(e, STATUS_SYSTEM, "cryptsetup %s ended with status %d: %s", argv[1], status, buf_text(&said_text));
}

// A pipe that holds the bytes already: they are fewer than any pipe's buffer.
static int pipe_with(const void *data, size_t length, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	int failed = io_write_all(ends[1], data, length) < 0 ? err_system(e, "cannot write to a pipe") : 0;
	close(ends[1]);
	if (!failed)
		return ends[0];
	close(ends[0]);
	return -1;
}

// The volume key goes through a pipe, the secret through stdin: neither is in an argument list, the environment or a file.
static int format(const char *program, const struct luksmake *m, int file, int data, const unsigned char *key, struct err *e)
{
	char header_path[PATH_MAX_FD], data_path[PATH_MAX_FD], key_path[PATH_MAX_FD], sector[8];
	io_auto int key_pipe = pipe_with(key, XTS_KEY, e);
	if (key_pipe < 0)
		return -1;
	snprintf(header_path, sizeof header_path, "/dev/fd/%d", file);
	snprintf(data_path, sizeof data_path, "/dev/fd/%d", data);
	snprintf(key_path, sizeof key_path, "/dev/fd/%d", key_pipe);
	snprintf(sector, sizeof sector, "%zu", m->sector);
	const char *const argv[] = { program, "luksFormat", "--type", "luks2", "--batch-mode", "--disable-locks", "--label",
		"brkt", "--cipher", "aes-xts-plain64", "--key-size", "512", "--hash", "sha256", "--pbkdf", "pbkdf2",
		"--pbkdf-force-iterations", "1000", "--sector-size", sector, "--luks2-metadata-size", "16k",
		"--luks2-keyslots-size", "512k", "--key-slot", "0", "--key-file", "-", "--volume-key-file", key_path, "--offset",
		m->apart ? "0" : "2048", "--header", header_path, m->apart ? data_path : header_path, NULL };
	return run(argv, m->secret, (int[]){ file, data, key_pipe, -1 }, e);
}

static int add_token(const char *program, const struct luksmake *m, int file, struct err *e)
{
	char path[PATH_MAX_FD];
	const struct buf input = { (char *)m->token, strlen(m->token), 0 };
	snprintf(path, sizeof path, "/dev/fd/%d", file);
	const char *const argv[] = { program, "token", "import", "--disable-locks", "--token-id", "0", "--json-file", "-", path,
		NULL };
	return run(argv, &input, (int[]){ file, -1 }, e);
}

// Slot 0 opens by its secret and slot 1 gets the passphrase; it is stretched, a person having chosen it.
static int add_recovery(const char *program, const struct luksmake *m, int file, struct err *e)
{
	char path[PATH_MAX_FD], secret_path[PATH_MAX_FD], iterations[16];
	if (!m->recovery)
		return 0;
	io_auto int secret = pipe_with(m->secret->data, m->secret->length, e);
	if (secret < 0)
		return -1;
	snprintf(path, sizeof path, "/dev/fd/%d", file);
	snprintf(secret_path, sizeof secret_path, "/dev/fd/%d", secret);
	snprintf(iterations, sizeof iterations, "%d", LUKSMAKE_RECOVERY_ITERATIONS);
	const char *const argv[] = { program, "luksAddKey", "--batch-mode", "--disable-locks", "--pbkdf", "pbkdf2", "--hash",
		"sha256", "--pbkdf-force-iterations", iterations, "--key-slot", "1", "--key-file", secret_path, path, "-", NULL };
	return run(argv, m->recovery, (int[]){ file, secret, -1 }, e);
}

static void new_key(unsigned char key[static XTS_KEY])
{
	do
		randombytes_buf(key, XTS_KEY);
	while (!sodium_memcmp(key, key + XTS_KEY / 2, XTS_KEY / 2));
}

// What another program made is read back before anything relies on it.
static int check(const struct luksmake *m, const struct buf *header, const unsigned char *key, struct err *e)
{
	luks_auto l = { 0 };
	struct luksmeta meta;
	unsigned char found[XTS_KEY];
	buf_add(&l.bytes, header->data, header->length);
	if (luks_choose((const unsigned char *)l.bytes.data, l.bytes.length, &l, e) < 0 || luksmeta_read(&l, &meta, e) < 0 ||
		luksmeta_unlock(&l, &meta, m->secret->data, m->secret->length, found, e) < 0)
		return err_context(e, "the header that cryptsetup made");
	bool good = !sodium_memcmp(found, key, XTS_KEY) && meta.sector == m->sector && !l.fault[0] && !l.fault[1] &&
		meta.data_offset == (m->apart ? 0 : LUKSMAKE_SIZE);
	sodium_memzero(found, sizeof found);
	return good ? 0 : err_set(e, STATUS_SYSTEM, "the header that cryptsetup made is not what was asked for");
}

int luksmake(const struct luksmake *m, struct buf *header, unsigned char key[static XTS_KEY], struct err *e)
{
	char program[64];
	if (sodium_init() < 0)
		return err_set(e, STATUS_SYSTEM, "libsodium: cannot start");
	if (find_cryptsetup(program, sizeof program, e) < 0)
		return -1;
	io_auto int file = io_spool(e);
	io_auto int data = file < 0 ? -1 : io_spool(e);
	if (data < 0)
		return -1;
	if (ftruncate(file, FILE_SIZE) < 0 || ftruncate(data, FILE_SIZE) < 0)
		return err_system(e, "temporary file: cannot write");
	new_key(key);
	if (format(program, m, file, data, key, e) < 0 || add_token(program, m, file, e) < 0 ||
		add_recovery(program, m, file, e) < 0)
		return -1;
	buf_reserve(header, LUKSMAKE_SIZE);
	if (pread(file, header->data + header->length, LUKSMAKE_SIZE, 0) != LUKSMAKE_SIZE)
		return err_system(e, "temporary file: cannot read");
	header->length += LUKSMAKE_SIZE;
	return check(m, header, key, e);
}
