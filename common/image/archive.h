// An archive on its way out: to a file that appears when it is whole, or to stdout; compressed where asked; the digests computed
// on the way. Reading, hashing, compressing and writing overlap (fanout.h).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ARCHIVE_H
#define IMAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cmd.h"
#include "base/err.h"
#include "base/sandbox.h"
#include "crypto/digest.h"
#include "image/codec.h"

struct archive;

// --output, for the table of a program that writes an archive; --jobs, where it may be compressed.
extern const struct cmd_option archive_options[];
extern const struct cmd_option archive_jobs_options[];

// Whether the archive goes to a file, so that stdout is free for a record about it.
bool archive_to_file(void);

struct archive_form {
	enum codec codec;            // none, gzip or zstd: the same bytes each time (encode.h)
	int level;                   // of zstd; 0 is its own
	enum digest_algorithm inner; // of the digest of the uncompressed tar
};

struct archive_result {               // of an archive in a file
	const char *media_type;       // as a layer
	char digest[DIGEST_TEXT_MAX]; // SHA-256 of what was written
	int64_t size;                 // bytes of it
	char tar[DIGEST_TEXT_MAX];    // the inner digest
};

// Opens the output and enters in `sandbox` what finishing it needs. NULL with e filled.
struct archive *archive_open(const struct archive_form *form, struct sandbox *sandbox, struct err *e);

int archive_start(struct archive *a, struct err *e);                             // behind sandbox_enter
int archive_sink(void *archive, const void *data, size_t length, struct err *e); // a tarwrite_sink
void *archive_room(void *archive, size_t *length);                               // as fanout_room

// Everything written and synced; the file has its name. Frees a.
int archive_finish(struct archive *a, struct archive_result *result, struct err *e);
void archive_discard(struct archive *a); // no file remains; NULL is fine

// The blob record of a layer written to a file, to stdout; its inner digest is sha256.
void archive_write_record(const struct archive_result *result);

#endif
