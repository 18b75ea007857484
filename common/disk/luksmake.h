// A new LUKS2 header, made by cryptsetup(8) on a plain file: no device mapper, no root, and one author of the format.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_LUKSMAKE_H
#define DISK_LUKSMAKE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "disk/xts.h"

enum { LUKSMAKE_SIZE = 1 << 20, LUKSMAKE_RECOVERY_ITERATIONS = 600000 };

struct luksmake {
	const struct buf *secret;   // opens slot 0: random bytes, so they are not stretched
	const struct buf *recovery; // a passphrase that opens slot 1, under PBKDF2 of LUKSMAKE_RECOVERY_ITERATIONS; NULL for none
	size_t sector;              // 512 or 4096
	bool apart;                 // the data will not follow the header
	const char *token;          // JSON
};

// Makes a volume key and the header that holds it, LUKSMAKE_SIZE bytes appended to `header`. Starts processes: call it in front of the
// sandbox. STATUS_NOT_FOUND when there is no cryptsetup. What came out is checked: the secret opens it and yields the key.
int luksmake(const struct luksmake *m, struct buf *header, unsigned char key[static XTS_KEY], struct err *e);

#endif
