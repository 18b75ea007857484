// The trust directories: which key may sign which name (DESIGN section 4; rkt, V-06).
//
//   trustedkeys/prefix.d/PREFIX/FINGERPRINT   a key for images whose name is PREFIX or starts with PREFIX/
//   trustedkeys/root.d/FINGERPRINT            a key for every image
//
// Later directories mask earlier ones: by a file of the same relative name, and an empty file masks without replacing.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TRUST_H
#define IMAGE_TRUST_H

#include "base/err.h"
#include "base/texts.h"

struct trust_key {
	char *prefix;      // NULL for a root key
	char *fingerprint; // the file's name: 40 or 64 lower-case hex digits
	char *path;        // for messages only: the bytes were read by descriptor
	char *data;        // the file's bytes
	size_t length;
};

struct trust {
	struct trust_key *keys;
	size_t count;
};

// Every key in force, from these directories (path_trust). A directory or file owned by neither root nor the caller, writable by
// others, or a symlink is refused (STATUS_REFUSED); a directory that does not exist holds no keys.
int trust_load(const struct texts *directories, struct trust *t, struct err *e);

// The keys that cover this name, as a new trust whose strings are borrowed from t. count 0 means nobody is trusted for it.
void trust_for_name(const struct trust *t, const char *name, struct trust *covering);
void trust_free(struct trust *t);

#endif
