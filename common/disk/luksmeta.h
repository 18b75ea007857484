// What the JSON of a LUKS2 header says (On-Disk Format Specification 1.1, chapter 3), checked and bounded. Of the format this kit reads
// what it writes and little more: one segment of aes-xts-plain64 up to the end, key slots under PBKDF2.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_LUKSMETA_H
#define DISK_LUKSMETA_H

#include "disk/luks.h"
#include "disk/xts.h"

enum {
	LUKSMETA_SLOTS_MAX = 32,
	LUKSMETA_SALT_MAX = 64,
	LUKSMETA_DIGEST_MAX = 64,
	LUKSMETA_STRIPES = 4000,             // the format knows no other number
	LUKSMETA_ITERATIONS_MAX = 20000000,  // of one PBKDF2: a limit of ours, ten seconds or so
	LUKSMETA_ITERATIONS_ALL = 100000000, // of all together
};

struct luksmeta_pbkdf2 {
	const char *hash; // sha256 or sha512, static
	int iterations;
	unsigned char salt[LUKSMETA_SALT_MAX];
	size_t salt_length;
};

struct luksmeta_slot {
	int number;
	const char *kdf;         // as it stands there, owned by the JSON
	const char *unsupported; // why this kit cannot open it, static; NULL when it can, and then all below is filled in
	struct luksmeta_pbkdf2 kdf_of;
	const char *split_hash;           // of the anti-forensic splitter
	size_t offset;                    // of the area that holds the split key, from the start of the header
	struct luksmeta_pbkdf2 digest_of; // which the volume key of this slot must have
	unsigned char digest[LUKSMETA_DIGEST_MAX];
	size_t digest_length;
};

struct luksmeta {
	size_t header_end;   // where the keyslots area ends
	int64_t data_offset; // 0 when the data lie apart from the header
	size_t sector;       // 512 or 4096
	struct luksmeta_slot slots[LUKSMETA_SLOTS_MAX];
	size_t slot_count;
	json_t *token;     // of type brkt, owned by the JSON; NULL when there is none
	int64_t data_size; // that the token announces, or -1
};

// STATUS_REFUSED for what this kit does not support, which the message names; STATUS_MALFORMED for what breaks the format;
// STATUS_LIMIT for a limit above. m borrows from l.
int luksmeta_read(const struct luks *l, struct luksmeta *m, struct err *e);

// Tries the secret on every slot and puts the volume key there. STATUS_NOT_AUTHORISED when it opens none. l->bytes must hold m->header_end.
int luksmeta_unlock(const struct luks *l, const struct luksmeta *m, const void *secret, size_t length,
	unsigned char key[static XTS_KEY], struct err *e);

#endif
