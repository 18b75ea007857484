// The trust directories: which key may sign which name (DESIGN section 4; rkt, V-06).
//
//   trustedkeys/prefix.d/PREFIX/FINGERPRINT   a key for images whose name is PREFIX or starts with PREFIX/
//   trustedkeys/root.d/FINGERPRINT            a key for every image
//
// FINGERPRINT is that of an OpenPGP key, or `spki-HEX.pub` for a public key in PEM (spki.h), which signs images of registries
// (rkt:A-026) as cosign does. Whoever judges by the one kind passes over the other.
//
// Later directories mask earlier ones: by a file of the same relative name, and an empty file masks without
// replacing.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TRUST_H
#define IMAGE_TRUST_H

#include <stdbool.h>

#include "base/err.h"
#include "base/texts.h"

#define TRUST_KEY_FILES_MAX 10000 // files below all trust directories together; more is STATUS_LIMIT

struct trust_key {
	char *prefix;      // NULL for a root key
	char *fingerprint; // the file's name: 40 or 64 lower-case hex digits, or, wrongly, something else
			   // (rkt:A-014); spki_is_id for a key in PEM
	bool spki;         // it is one in PEM
	char *path;        // for messages and records: the bytes were read by descriptor
	char *data;        // the file's bytes; none: it masks
	size_t length;
	size_t directory; // which of the trust directories it is from
	bool masked;      // a later directory has a file of the same relative name
};

struct trust {
	struct trust_key *keys;
	size_t count;
	bool borrowed; // the strings belong to another trust
};

// Every key in force, from these directories (path_trust). A directory or file owned by neither root nor the
// caller, writable by others, or a symlink is refused (STATUS_REFUSED); a directory that does not exist holds
// no keys. Names that start with a dot are passed over: they are files being written.
int trust_load(const struct texts *directories, struct trust *t, struct err *e);

// The same with the keys that are masked and the files that mask them.
int trust_load_all(const struct texts *directories, struct trust *t, struct err *e);

// The keys of one kind that cover this name, as a new trust whose strings are borrowed from t. count 0 means nobody is
// trusted for it.
void trust_for_name(const struct trust *t, bool spki, const char *name, struct trust *covering);

// The trusted key of this fingerprint; the longest prefix when it is there for several. NULL when there is none.
const struct trust_key *trust_find(const struct trust *covering, const char *fingerprint);

// What the file of a key is called.
char *trust_file_name(const char *fingerprint);

void trust_free(struct trust *t);

// Where a key lies below a trust directory: `trustedkeys/prefix.d/PREFIX/FINGERPRINT`, or root.d with a NULL
// prefix; without the last part when fingerprint is NULL. Malloced.
char *trust_path(const char *prefix, const char *fingerprint);

// That file or directory, opened below an open trust directory component by component, no symlink followed,
// each part checked as trust_load does. With create, directories are made (0755). Returns a descriptor, or
// -1: STATUS_NOT_FOUND, STATUS_REFUSED.
int trust_open_directory(int trust, const char *prefix, bool create, const char *subject, struct err *e);

#endif
