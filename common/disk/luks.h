// The two copies of a LUKS2 header (LUKS2 On-Disk Format Specification 1.1, chapters 2 and 3), read from bytes that anyone may have
// written: magic, sizes, checksum, JSON. What the JSON says is luksmeta.h's business.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_LUKS_H
#define DISK_LUKS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	LUKS_BINARY = 4096,         // the binary part of a copy; its JSON follows
	LUKS_COPY_MIN = 16 << 10,   // the sizes that a copy may have are the powers of two
	LUKS_COPY_MAX = 4 << 20,    // from here to there
	LUKS_HEADER_MAX = 32 << 20, // of both copies and the keyslots area together: a limit of ours, twice what cryptsetup makes
};

struct luks {
	struct buf bytes;     // the stream from its start, as far as it was read
	json_t *json;         // the metadata of the chosen copy
	int chosen;           // 0 for the primary copy, 1 for the secondary
	const char *fault[2]; // what is wrong with each, NULL when nothing is
	uint64_t sequence[2]; // of a copy without fault: the higher one counts
	size_t size;          // of each copy
	char uuid[40 + 1];
	char label[48 + 1]; // UTF-8
};

// Finds and checks both copies in bytes[0..length) and fills all but l->bytes. STATUS_MALFORMED when neither is good, saying why;
// STATUS_REFUSED for another version of LUKS.
int luks_choose(const unsigned char *bytes, size_t length, struct luks *l, struct err *e);

// Reads the header from a stream into l->bytes, no more of it than both copies, and chooses. An empty stream is STATUS_MALFORMED.
int luks_load(int fd, const char *subject, struct luks *l, struct err *e);

// Reads on until l->bytes holds `length` of them.
int luks_load_to(int fd, const char *subject, size_t length, struct luks *l, struct err *e);

// What a user has to hear about the copies: a damaged or older one. NULL when both are good and equal; else malloced.
char *luks_complaint(const struct luks *l);

void luks_free(struct luks *l);
#define luks_auto __attribute__((cleanup(luks_free))) struct luks

#endif
