// Bytes on their way in: while more come, one thread writes them to a file, and one hashes them and feeds them to a child that reads what
// they are.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_INTAKE_H
#define IMAGE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "image/aci.h"

struct intake;

// Into this open file, at its position; the descriptor stays the caller's. With sha512 that digest is computed, too. With
// limits the bytes are an App Container Image, scanned while they come in a confined child (the sandbox must allow fork);
// NULL for other bytes. Returns NULL when the child cannot start.
struct intake *intake_start(int fd, bool sha512, const struct codec_limits *limits, struct err *e);

// Bytes that are in the file already, from its start: only hashed and fed.
int intake_add_stored(struct intake *in, int64_t length, struct err *e);

// The next bytes. -1 when those so far cannot be written, or when the child found fault with them (intake_finish says which).
int intake_add(struct intake *in, const void *data, size_t length, struct err *e);

struct intake_result {
	char sha256[DIGEST_TEXT_MAX], sha512[DIGEST_TEXT_MAX];
	int64_t size;
	struct aci_scan scan; // where it was asked for
};

// The end: what it was. Frees `in` either way. -1 when the rest cannot be written, or for what the child says against it.
int intake_finish(struct intake *in, struct intake_result *result, struct err *e);

// Stops before the end, with every byte that was added in the file if that took them. What the child said against the bytes so far, if
// it did, replaces a failure that e holds already. NULL is fine.
void intake_abort(struct intake *in, struct err *e);

#endif
