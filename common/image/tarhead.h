// The 512-byte header block of a tar entry (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual,
// "Basic Tar Format").
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARHEAD_H
#define IMAGE_TARHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TAR_BLOCK    512
#define TAR_SIZE_MAX 077777777777 // what eleven octal digits hold; a pax or base-256 number takes over above it

struct tarhead_block {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[8], uname[32], gname[32], major[8], minor[8];
	char prefix[155]; // of ustar; in GNU headers other things, among them the sparse map at byte 386
	char rest[12];
};
_Static_assert(sizeof(struct tarhead_block) == TAR_BLOCK, "a tar header is one block");

bool tarhead_is_zero(const void *data, size_t length);

// The checksum, and that the format is v7, ustar or GNU. STATUS_MALFORMED.
int tarhead_check(const struct tarhead_block *h, struct err *e);
bool tarhead_is_ustar(const struct tarhead_block *h);

// A number: octal digits between blanks, then only blanks and NULs; or base-256. `what` names the field in
// errors.
int tarhead_number(const char *field, size_t length, bool negative, const char *what, int64_t *out, struct err *e);
#define TARHEAD_NUMBER(h, field, out, e) tarhead_number((h)->field, sizeof(h)->field, false, #field, out, e)

#endif
