// trust-add - trust public keys for a prefix of image names, or for all
// SPDX-License-Identifier: Apache-2.0
//
// stdin or the file: OpenPGP public keys, armoured or binary, or one public key in PEM, for images of registries. stdout: their key records with prefix and path, once all of them lie in the last
// trust directory, each under its fingerprint (rkt: ). Asks nothing: key-show first, for a person to compare.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/pgpshow.h"
#include "image/trust.h"
#include "image/trustplace.h"

static struct {
	bool dry_run;
} user;

static const struct cmd_option options[] = {
	CMD_GROUP(trustplace_options),
	CMD_FLAG('n', "dry-run", &user.dry_run, "write the records, store nothing"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "trust-add",
	.operands = "[FILE]",
	.summary = "trust public keys for a prefix of image names, or for all",
	.reads = CMD_BYTES,
	.writes = CMD_RECORDS,
	.most_operands = 1,
	.options = options,
};

struct received {
	struct buf file;      // the bytes as they came
	struct buf binary;    // without armour
	struct pgp_keys keys; // every primary key is followed by its subkeys
	json_t *records;
};

static void free_received(struct received *r)
{
	buf_free(&r->file);
	buf_free(&r->binary);
	pgp_free_keys(&r->keys);
	json_decref(r->records);
}

// Says of each record where its key lies, or would.
static void add_places(json_t *records, const struct trustplace *place)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		const char *fingerprint = json_string_value(json_object_get(record, "fingerprint"));
		mem_auto char *below = trust_path(place->prefix, fingerprint);
		mem_auto char *path = mem_format("%s/%s", place->directory, below);
		json_object_set_new(record, "path", json_string(path));
		if (place->prefix)
			json_object_set_new(record, "prefix", json_string(place->prefix));
		if (json_is_true(json_object_get(record, "revoked")))
			msg_warn("%s: the key is revoked: nothing it signed will be accepted", fingerprint);
	}
}

static int receive(int fd, const char *file, const struct trustplace *place, struct received *r, struct err *e)
{
	mem_auto char *subject = strcmp(file, "-") ? mem_format("'%s'", file) : mem_text("stdin");
	if (io_read_stream(fd, PGP_KEYS_MAX, subject, &r->file, e) < 0)
		return -1;
	r->records = pgpshow_file(r->file.data, r->file.length, &r->binary, &r->keys, e);
	if (!r->records)
		return err_context(e, "%s", subject);
	add_places(r->records, place);
	return 0;
}

static int write_file(struct io_output *o, int directory, const char *fingerprint, const void *data, size_t length, struct err *e)
{
	mem_auto char *name = trust_file_name(fingerprint);
	if (io_create(o, directory, name, 0644, e) < 0)
		return -1;
	return io_write_all(o->fd, data, length) < 0 ? err_system(e, "'%s': cannot write", fingerprint) : 0;
}

// One file for each key: the bytes received when they are this one alone, else its own packets out of them.
static int write_files(struct io_output *files, size_t *count, int directory, const struct received *r, struct err *e)
{
	if (json_array_size(r->records) == 1) {
		const char *fingerprint = json_string_value(json_object_get(json_array_get(r->records, 0), "fingerprint"));
		return write_file(&files[(*count)++], directory, fingerprint, r->file.data, r->file.length, e);
	}
	for (size_t i = 0; i < r->keys.count; i++) {
		const struct pgp_key *key = &r->keys.items[i];
		if (!key->subkey &&
			write_file(&files[(*count)++], directory, key->fingerprint, r->binary.data + key->start, key->length, e) <
				0)
			return -1;
	}
	return 0;
}

// Every file is written before the first one gets its name; when a name cannot be given, the new ones are taken back.
static int store_all(int directory, const struct received *r, struct err *e)
{
	struct io_output *files = mem_alloc((r->keys.count + 1) * sizeof *files);
	size_t count = 0, named = 0;
	int failed = write_files(files, &count, directory, r, e);
	struct texts names = { 0 };
	for (; !failed && named < count; named++) {
		if (faccessat(directory, files[named].name, F_OK, 0) < 0)
			texts_add(&names, files[named].name);
		failed = io_commit(&files[named], e);
	}
	for (size_t i = 0; failed && i < names.count; i++)
		unlinkat(directory, names.items[i], 0);
	for (size_t i = named; i < count; i++)
		io_discard(&files[i]);
	texts_free(&names);
	free(files);
	return failed;
}

// The trust directory is made first: a sandbox can only open what exists.
static int enter_sandbox(const struct trustplace *place, int *trust, struct err *e)
{
	struct sandbox sandbox = { .spawn = true };
	if (!user.dry_run) {
		*trust = path_open_state(place->directory, true, 0755, e);
		if (*trust < 0)
			return -1;
		texts_add(&sandbox.writes, place->directory);
	}
	return sandbox_enter(&sandbox, e);
}

static int trust_add(int fd, const char *subject, const struct trustplace *place, struct received *r, struct err *e)
{
	io_auto int trust = -1;
	if (enter_sandbox(place, &trust, e) < 0 || receive(fd, subject, place, r, e) < 0)
		return -1;
	if (user.dry_run)
		return 0;
	io_auto int directory = trust_open_directory(trust, place->prefix, true, place->directory, e);
	return directory < 0 ? -1 : store_all(directory, r, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	static struct received received;
	static struct trustplace place;
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	const char *file = files.count ? files.items[0] : "-";
	trustplace_read(&place);
	umask(022);
	io_auto int fd = io_open_input(file, &e);
	if (fd < 0 || trust_add(fd, file, &place, &received, &e) < 0)
		return cmd_fail(&e);
	record_write_all(received.records);
	free_received(&received);
	texts_free(&place.directories);
	return cmd_finish();
}
