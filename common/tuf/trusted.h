// The directory in which a client keeps the metadata it trusts, as received (dtuf:S15, S29): F(ROLE).json, and `lock`. Nothing in it is
// believed for being there: what does not verify counts as absent (dtuf:A18).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_TRUSTED_H
#define TUF_TRUSTED_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sandbox.h"

struct trusted {       // close with trusted_close
	int directory; // -1: in memory
	int lock;      // -1 when it is only read
	struct trusted_file {
		char *role;
		struct buf bytes;
	} * files; // of one in memory
	size_t count;
};

// One that is in memory, gone when it is closed, for who tries something out.
void trusted_open_memory(struct trusted *t);

// Opens it before sandbox_enter. With `write` it is made when absent, and locked until trusted_close: another writer waits.
int trusted_open(struct trusted *t, const char *path, bool write, struct sandbox *s, struct err *e);
void trusted_close(struct trusted *t);

// The file of a role, replaced in out. False when there is none that could be read: absent, no regular file, more than limit bytes.
bool trusted_read(const struct trusted *t, const char *role, size_t limit, struct buf *out);

int trusted_write(struct trusted *t, const char *role, const struct buf *bytes, struct err *e); // whole or not at all
int trusted_remove(struct trusted *t, const char *role, struct err *e);                         // also when absent

#endif
