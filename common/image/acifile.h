// An image that a program reads whole from a file or stdin, and confines itself for.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACIFILE_H
#define IMAGE_ACIFILE_H

#include "base/cmd.h"
#include "crypto/digest.h"
#include "image/aci.h"

// --max-size --max-ratio --max-entries, and those of progress.
extern const struct cmd_option acifile_options[];

struct acifile {       // zero at the start
	char *subject; // what the input is called in messages
	struct aci_scan scan;
	struct buf manifest; // its bytes as they came
	struct findings findings;
	char digest[DIGEST_TEXT_MAX]; // SHA-256 of the bytes read
	int64_t size;
};

// Opens the file (`-` is stdin), enters a sandbox that allows nothing more, and reads it as aci_read does. -1 when it cannot be
// read to its end; without `all`, also at the first error found in it.
int acifile_read(const char *path, bool all, struct acifile *f, struct err *e);
void acifile_free(struct acifile *f);

#define acifile_auto __attribute__((cleanup(acifile_free))) struct acifile

#endif
