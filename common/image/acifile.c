// acifile.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/sandbox.h"
#include "crypto/hash.h"
#include "image/acifile.h"
#include "image/codeclimits.h"

static struct {
	int64_t entries;
} user = { .entries = ACI_ENTRIES_MAX };

const struct cmd_option acifile_options[] = {
	CMD_GROUP(codeclimits_options),
	CMD_NUMBER(0, "max-entries", "N", &user.entries, 1, INT64_MAX, "entries of the archive; 2000000 unless told"),
	CMD_GROUP(progress_options),
	CMD_END,
};

struct input {
	int fd;
	struct progress progress;
	struct hash *hash;
};

static ssize_t hashed_bytes(void *input, void *data, size_t length, struct err *e)
{
	struct input *in = input;
	ssize_t n = aci_source_fd(&in->fd, data, length, e);
	if (n > 0) {
		hash_add(in->hash, data, (size_t)n);
		progress_add(&in->progress, n);
	}
	return n;
}

int acifile_read(const char *path, bool all, struct acifile *f, struct err *e)
{
	struct sandbox nothing = { 0 };
	f->subject = strcmp(path, "-") ? mem_format("'%s'", path) : mem_text("stdin");
	io_auto int fd = io_open_input(path, e);
	if (fd < 0 || sandbox_enter(&nothing, e) < 0)
		return -1;
	struct aci_reading how = { &codeclimits_asked, user.entries, all };
	struct input in = { .fd = fd, .hash = hash_start(DIGEST_SHA256) };
	progress_start(&in.progress, strcmp(path, "-") ? path : "stdin", -1);
	int failed = aci_read(hashed_bytes, &in, &how, &f->scan, &f->manifest, &f->findings, e);
	progress_end(&in.progress);
	hash_finish(in.hash, f->digest);
	f->size = in.progress.done;
	if (!failed && !all)
		failed = findings_error(&f->findings, e);
	return failed ? err_context(e, "%s", f->subject) : 0;
}

void acifile_free(struct acifile *f)
{
	free(f->subject);
	json_decref(f->scan.manifest);
	buf_free(&f->manifest);
	findings_free(&f->findings);
}
