// archive.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "image/archive.h"
#include "image/fanout.h"
#include "oci/descriptor.h"

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8, GZIP_LEVEL = 6 }; // +16: zlib's way to ask for gzip; its header is all zero then

static const char *output; // what --output says

const struct cmd_option archive_options[] = {
	CMD_TEXT('o', "output", "FILE", &output, "write the archive there, and its record to stdout"),
	CMD_END,
};

bool archive_to_file(void)
{
	return output && strcmp(output, "-") != 0;
}

struct archive {
	bool gzip, hash_tar;
	struct io_output file; // fd -1 when the output is not a new file
	int fd;                // where the bytes go; borrowed from file, or owned
	struct fanout *fanout;
	struct hash *blob, *tar;
	z_stream z;
	bool compressing;
	unsigned char *packed; // IO_CHUNK bytes of compressed output
	int64_t size;
};

// ---- consumers ----

static int write_out(void *archive, const void *data, size_t length, struct err *e)
{
	struct archive *a = archive;
	a->size += (int64_t)length;
	if (io_write_all(a->fd, data, length) == 0)
		return 0;
	return archive_to_file() ? err_system(e, "'%s': cannot write", output) : err_system(e, "stdout: cannot write");
}

static int add_to_hash(void *hash, const void *data, size_t length, struct err *e)
{
	(void)e;
	hash_add(hash, data, length);
	return 0;
}

static int deflate_some(struct archive *a, const void *data, size_t length, int flush, struct err *e)
{
	a->z.next_in = (z_const Bytef *)data;
	a->z.avail_in = (uInt)length;
	do {
		a->z.next_out = a->packed;
		a->z.avail_out = (uInt)IO_CHUNK;
		if (deflate(&a->z, flush) == Z_STREAM_ERROR)
			return err_set(e, STATUS_SYSTEM, "zlib cannot compress");
		size_t n = IO_CHUNK - a->z.avail_out;
		if (a->blob)
			hash_add(a->blob, a->packed, n);
		if (write_out(a, a->packed, n, e) < 0)
			return -1;
	} while (a->z.avail_out == 0);
	return 0;
}

static int compress_out(void *archive, const void *data, size_t length, struct err *e)
{
	return deflate_some(archive, data, length, Z_NO_FLUSH, e);
}

// ---- the life of an archive ----

// A new regular file appears by rename; a pipe or device that is there already is written to.
static int open_output(struct archive *a, struct sandbox *sandbox, struct err *e)
{
	struct stat st;
	if (!archive_to_file()) {
		a->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return a->fd < 0 ? err_system(e, "stdout: cannot write") : 0;
	}
	if (!stat(output, &st) && !S_ISREG(st.st_mode)) {
		a->fd = open(output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return a->fd < 0 ? err_open(e, output) : 0;
	}
	if (io_create(&a->file, AT_FDCWD, output, 0666, e) < 0)
		return -1;
	a->fd = a->file.fd;
	mem_auto char *copy = mem_text(output);
	texts_add(&sandbox->writes, dirname(copy));
	return 0;
}

struct archive *archive_open(bool gzip, bool hash_tar, struct sandbox *sandbox, struct err *e)
{
	struct archive *a = mem_alloc(sizeof *a);
	*a = (struct archive){ .gzip = gzip, .hash_tar = hash_tar, .fd = -1, .file.fd = -1 };
	if (open_output(a, sandbox, e) == 0)
		return a;
	archive_discard(a);
	return NULL;
}

int archive_start(struct archive *a, struct err *e)
{
	struct fanout_consumer consumers[FANOUT_CONSUMERS_MAX];
	size_t count = 0;
	if (archive_to_file())
		a->blob = hash_start(DIGEST_SHA256);
	if (a->hash_tar) {
		a->tar = hash_start(DIGEST_SHA512);
		consumers[count++] = (struct fanout_consumer){ add_to_hash, a->tar };
	}
	if (a->gzip) {
		if (deflateInit2(&a->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
			return err_set(e, STATUS_SYSTEM, "zlib cannot start");
		a->compressing = true;
		a->packed = mem_alloc(IO_CHUNK);
		consumers[count++] = (struct fanout_consumer){ compress_out, a };
	} else {
		if (a->blob)
			consumers[count++] = (struct fanout_consumer){ add_to_hash, a->blob };
		consumers[count++] = (struct fanout_consumer){ write_out, a };
	}
	a->fanout = fanout_start(consumers, count, e);
	return a->fanout ? 0 : -1;
}

int archive_sink(void *archive, const void *data, size_t length, struct err *e)
{
	return fanout_add(((struct archive *)archive)->fanout, data, length, e);
}

void *archive_room(void *archive, size_t *length)
{
	return fanout_room(((struct archive *)archive)->fanout, length);
}

static int end_stream(struct archive *a, struct err *e)
{
	struct fanout *f = mem_steal(a->fanout);
	if (fanout_finish(f, e) < 0)
		return -1;
	return a->compressing ? deflate_some(a, NULL, 0, Z_FINISH, e) : 0;
}

int archive_finish(struct archive *a, struct archive_result *result, struct err *e)
{
	int failed = end_stream(a, e);
	*result = (struct archive_result){ .size = a->size };
	if (!failed && a->blob)
		hash_finish(mem_steal(a->blob), result->digest);
	if (!failed && a->tar)
		hash_finish(mem_steal(a->tar), result->tar);
	if (!failed && a->file.fd >= 0) {
		a->fd = -1;
		failed = io_commit(&a->file, e);
	}
	archive_discard(a);
	return failed;
}

void archive_discard(struct archive *a)
{
	if (!a)
		return;
	if (a->fanout)
		fanout_finish(a->fanout, &(struct err){ 0 });
	if (a->file.fd < 0 && a->fd >= 0)
		close(a->fd);
	io_discard(&a->file);
	if (a->compressing)
		deflateEnd(&a->z);
	hash_free(a->blob);
	hash_free(a->tar);
	free(a->packed);
	free(a);
}

void archive_write_record(const struct archive_result *result)
{
	jsonio_auto json_t *record = json_pack("{s:s}", "kind", "blob");
	json_object_set_new(record, "blob", descriptor_json(MEDIA_TAR, result->digest, result->size));
	record_write(record);
}
