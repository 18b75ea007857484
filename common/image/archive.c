// archive.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/record.h"
#include "crypto/hash.h"
#include "image/archive.h"
#include "image/encode.h"
#include "image/fanout.h"
#include "oci/descriptor.h"

enum { JOBS_UNASKED = 8 }; // at most: each takes memory

static const char *output; // what --output says
static int64_t jobs;       // what --jobs says, or 0

const struct cmd_option archive_options[] = {
	CMD_TEXT('o', "output", "FILE", &output, "write the archive there, and its record to stdout"),
	CMD_END,
};

const struct cmd_option archive_jobs_options[] = {
	CMD_NUMBER('j', "jobs", "N", &jobs, 1, ENCODE_JOBS_MAX,
		"threads that compress; unless told, one per processor, 8 at most"),
	CMD_END,
};

bool archive_to_file(void)
{
	return output && strcmp(output, "-") != 0;
}

struct archive {
	struct archive_form form;
	size_t jobs;
	struct io_output file; // fd -1 when the output is not a new file
	int fd;                // where the bytes go; borrowed from file, or owned
	struct fanout *fanout;
	struct hash *blob, *tar;
	struct encoder *encoder; // NULL for none
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

static int hash_and_write(void *archive, const void *data, size_t length, struct err *e)
{
	struct archive *a = archive;
	if (a->blob)
		hash_add(a->blob, data, length);
	return write_out(a, data, length, e);
}

static int compress_out(void *archive, const void *data, size_t length, struct err *e)
{
	return encode_add(((struct archive *)archive)->encoder, data, length, e);
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

struct archive *archive_open(const struct archive_form *form, struct sandbox *sandbox, struct err *e)
{
	struct archive *a = mem_alloc(sizeof *a);
	*a = (struct archive){ .form = *form, .jobs = (size_t)jobs, .fd = -1, .file.fd = -1 };
	if (!jobs)
		a->jobs = (size_t)proc_processors(JOBS_UNASKED);
	if (open_output(a, sandbox, e) == 0)
		return a;
	archive_discard(a);
	return NULL;
}

static int start_encoder(struct archive *a, struct err *e)
{
	const struct encode_options how = {
		.codec = a->form.codec,
		.level = a->form.level ? a->form.level : ENCODE_ZSTD_LEVEL,
		.jobs = a->jobs,
	};
	a->encoder = encode_start(&how, hash_and_write, a, e);
	return a->encoder ? 0 : -1;
}

int archive_start(struct archive *a, struct err *e)
{
	struct fanout_consumer consumers[FANOUT_CONSUMERS_MAX];
	size_t count = 0;
	bool packed = a->form.codec != CODEC_NONE;
	if (archive_to_file()) {
		a->blob = hash_start(DIGEST_SHA256);
		if (packed || a->form.inner != DIGEST_SHA256) {
			a->tar = hash_start(a->form.inner);
			consumers[count++] = (struct fanout_consumer){ add_to_hash, a->tar };
		}
	}
	if (packed && start_encoder(a, e) < 0)
		return -1;
	if (a->blob && !packed)
		consumers[count++] = (struct fanout_consumer){ add_to_hash, a->blob };
	consumers[count++] = (struct fanout_consumer){ packed ? compress_out : write_out, a };
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
	return a->encoder ? encode_finish(a->encoder, e) : 0;
}

static const char *media_type(enum codec codec)
{
	return codec == CODEC_GZIP ? MEDIA_TAR "+gzip" : codec == CODEC_ZSTD ? MEDIA_TAR "+zstd" : MEDIA_TAR;
}

int archive_finish(struct archive *a, struct archive_result *result, struct err *e)
{
	int failed = end_stream(a, e);
	*result = (struct archive_result){ .media_type = media_type(a->form.codec), .size = a->size };
	if (!failed && a->blob) {
		hash_finish(mem_steal(a->blob), result->digest);
		memcpy(result->tar, result->digest, sizeof result->tar);
	}
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
	hash_free(a->blob);
	hash_free(a->tar);
	encode_free(a->encoder);
	free(a);
}

void archive_write_record(const struct archive_result *result)
{
	jsonio_auto json_t *record = json_pack("{s:s, s:s}", "kind", "blob", "diff_id", result->tar);
	json_object_set_new(record, "blob", descriptor_json(result->media_type, result->digest, result->size));
	record_write(record);
}
