// store-get - write a blob of the store, or the record of an image
// SPDX-License-Identifier: Apache-2.0
//
// The operand is a digest, or an image by id or name; without one it is the record on stdin. stdout: the bytes, not one of them before
// all have the digest asked for (law 3), or with --record one image record. 1 when the bytes in the store are others.
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "image/aci.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/storecmd.h"
#include "image/storetrust.h"
#include "oci/descriptor.h"

static struct {
	bool record;
	bool signature;
	bool uncompressed;
} user;

static const struct cmd_option options[] = {
	CMD_FLAG(0, "record", &user.record, "write the image record"),
	CMD_FLAG(0, "signature", &user.signature, "write the image's signature"),
	CMD_FLAG(0, "uncompressed", &user.uncompressed,
		"write the image as a tar without compression: the bytes whose digest is its id"),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(storetrust_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static struct cmd cmd = {
	// with --record it writes one: main says so
	.name = "store-get",
	.operands = "[DIGEST|IMAGE]",
	.summary = "write a blob of the store, or the record of an image",
	.reads = CMD_RECORD,
	.writes = CMD_BYTES,
	.most_operands = 1,
	.options = options,
};

// ---- what to write ----

// The record that the operand or stdin stands for; of a plain digest one with a blob only.
static json_t *find(struct store *s, const char *operand, json_t *input, struct err *e)
{
	if (!operand)
		return json_incref(input);
	if (!user.record && digest_valid(operand, NULL, NULL))
		return json_pack("{s:{s:s}}", "blob", "digest", operand);
	return store_find(s, operand, e);
}

static int choose(const json_t *record, struct descriptor *d, struct err *e)
{
	const char *key = user.signature ? "signature" : json_object_get(record, "manifest") ? "manifest" : "blob";
	if (user.signature && !json_object_get(record, key))
		return err_set(e, STATUS_NOT_FOUND, "the image has no signature");
	return descriptor_read(record, key, d, e);
}

// ---- spooling: nothing goes out before the verdict ----

struct source { // what a decompressor reads from
	int fd;
	struct hash *stored; // of the bytes as they are in the store
	struct progress progress;
};

static ssize_t read_stored(void *context, void *data, size_t length, struct err *e)
{
	struct source *in = context;
	ssize_t n = io_read_full(in->fd, data, length);
	if (n < 0)
		return err_system(e, "store: cannot read");
	hash_add(in->stored, data, (size_t)n);
	progress_add(&in->progress, n);
	return n;
}

typedef ssize_t read_next(void *context, void *data, size_t length, struct err *e);

static ssize_t read_decoded(void *reader, void *data, size_t length, struct err *e)
{
	return codec_read(reader, data, length, e);
}

// Copies the stream into spool; hashes what comes out when asked for.
static int copy(read_next *next, void *context, int spool, struct hash *h, struct err *e)
{
	ssize_t n;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while ((n = next(context, chunk, IO_CHUNK, e)) > 0) {
		if (h)
			hash_add(h, chunk, (size_t)n);
		if (io_write_all(spool, chunk, (size_t)n) < 0)
			return err_system(e, "temporary file: cannot write");
	}
	return n < 0 ? -1 : 0;
}

static int expect(const char *what, const char *expected, const char *found, struct err *e)
{
	if (!strcmp(expected, found))
		return 0;
	return err_set(e, STATUS_REFUSED, "%s: digest mismatch: expected %s, found %s", what, expected, found);
}

// The tar inside, whose sha512 must be the image's id, if it has one.
static int decode(struct source *in, const json_t *record, int spool, struct err *e)
{
	char found[DIGEST_TEXT_MAX];
	const char *id = json_string_value(json_object_get(record, "id"));
	struct codec_reader *reader = codec_open(read_stored, in, &codeclimits_asked, e);
	if (!reader)
		return -1;
	struct hash *h = hash_start(DIGEST_SHA512);
	int failed = copy(read_decoded, reader, spool, h, e);
	codec_close(reader);
	hash_finish(h, found);
	found[sizeof "sha512" - 1] = '-';
	return failed || !id ? failed : expect("the uncompressed image", id, found, e);
}

// What decoding left unread, so that the hash is of the whole.
static bool drain(struct source *in)
{
	ssize_t n;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while ((n = read_stored(in, chunk, IO_CHUNK, &(struct err){ 0 })) > 0)
		;
	return n == 0;
}

static int spool_blob(struct store *s, const json_t *record, const struct descriptor *d, int spool, struct err *e)
{
	int64_t size;
	char found[DIGEST_TEXT_MAX];
	enum digest_algorithm algorithm;
	struct source in = { .fd = store_open_blob(s, d->digest, &size, e) };
	if (in.fd < 0)
		return -1;
	digest_valid(d->digest, &algorithm, NULL);
	in.stored = hash_start(algorithm);
	progress_start(&in.progress, "store-get", size);
	int failed = user.uncompressed ? decode(&in, record, spool, e) : copy(read_stored, &in, spool, NULL, e);
	bool judged = !failed || ((e->status == STATUS_MALFORMED || e->status == STATUS_REFUSED) && drain(&in));
	progress_end(&in.progress);
	hash_finish(in.stored, found);
	close(in.fd);
	// The blob comes first: of a damaged one it matters little how it fails to decode.
	return judged && expect("the blob in the store", d->digest, found, e) < 0 ? -1 : failed;
}

static int write_spool(int spool, struct err *e)
{
	ssize_t n;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	if (lseek(spool, 0, SEEK_SET) < 0)
		return err_system(e, "temporary file: cannot rewind");
	while ((n = io_read_full(spool, chunk, IO_CHUNK)) > 0)
		if (io_write_all(STDOUT_FILENO, chunk, (size_t)n) < 0)
			return err_system(e, "stdout: cannot write");
	return n < 0 ? err_system(e, "temporary file: cannot read") : 0;
}

// ---- the verb ----

static int get(struct store *s, const char *operand, json_t *input, int spool, struct err *e)
{
	struct descriptor d;
	jsonio_auto json_t *record = find(s, operand, input, e);
	if (!record)
		return -1;
	if (user.record) {
		record_write(record);
		return 0;
	}
	return choose(record, &d, e) < 0 || spool_blob(s, record, &d, spool, e) < 0 ? -1 : write_spool(spool, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	trust_auto trust = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	if (user.record && (user.signature || user.uncompressed))
		cmd_usage("option --record: not with --signature or --uncompressed");
	if (user.record && !what.count)
		cmd_usage("option --record: needs an operand");
	cmd.writes = user.record ? CMD_RECORD : CMD_BYTES;
	jsonio_auto json_t *input = what.count ? NULL : image_read("image blob", &e);
	io_auto int spool = e.status || user.record ? -1 : io_spool(&e);
	if (!e.status && user.record)
		storetrust_load(&trust, &e);
	store_auto *s = e.status ? NULL : storecmd_open(STORECMD_READ, &sandbox, &e);
	if (s)
		storetrust_apply(s, &trust);
	if (!s || get(s, what.items[0], input, spool, &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
