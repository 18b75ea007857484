// Names of roles and targets: as parts of URLs and file names, as bins, and against the patterns of delegations.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_NAMES_H
#define TUF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define NAMES_FILE_MAX 240 // bytes of a quoted name that may be a file's; above, its hash stands for it

// Appends Q(name): every byte outside A-Z a-z 0-9 - . _ ~ as %XX. names_quote_path leaves `/` as it is (dtuf:S24).
void names_quote(const char *name, struct buf *out);
void names_quote_path(const char *path, struct buf *out);

// Appends F(name), the one file name that stands for it, without `/` and never `.` or `..`: Q(name), or `%%` and the SHA-256 of a name
// too long.
void names_file(const char *name, struct buf *out);

// F(role).json, or V.F(role).json with a version above 0. Malloced. names_url: the last component of its URL, V.Q(role).json (dtuf:S17).
char *names_role_file(const char *role, int64_t version);
char *names_role_url(const char *role, int64_t version);

// The V of `V.REST`, 0 where a name does not begin with one. Of the files of a role's other versions in a directory, the highest; 0 for none.
int64_t names_file_version(const char *file);
int64_t names_former_version(int directory, const char *role, int64_t but);

// NAME of `NAME.json`; malloced, NULL for what is none.
char *names_stem(const char *file);

// The name that F(name) was made of; malloced, NULL for what names_file never wrote, and for a hashed one.
char *names_unfile(const char *file);

// Where a target is below targets/: its path, with HASH. before its last component where hash is given (dtuf:S24). Malloced, quoted.
char *names_target_url(const char *path, const char *hash);

// The same as a file below a directory targets/: not quoted, but F(path) for what is no plain path. Malloced.
char *names_target_file(const char *path, const char *hash);

bool names_is_top_level(const char *role); // root, timestamp, snapshot, targets

// Whether a delegation may name this role (dtuf:S18): not one of those four, not empty, UTF-8. STATUS_REFUSED.
int names_check_role(const char *role, struct err *e);

// Whether it may name a target: not empty, UTF-8. STATUS_REFUSED.
int names_check_target(const char *path, struct err *e);

// Whether it can be a path below a directory as it stands: not absolute, no component empty, `.` or `..` (dtuf:S26).
bool names_is_plain_path(const char *path);

// Shell patterns, compared component by component, their number equal; `*`, `?` and `[...]` never match `/` (dtuf:S20).
bool names_match(const char *pattern, const char *path);

// The same as one text, in which a `/` is a character like others: as a map file means it (TAP 4).
bool names_match_whole(const char *pattern, const char *path);

#define NAMES_HASH_MAX (2 * 32 + 1)
void names_path_hash(const char *path, char hex[static NAMES_HASH_MAX]); // SHA-256, lower-case hex

enum { NAMES_BIN_BITS_MAX = 32 };
// Which of 2^bits bins a path falls into, by the leading bits of that hash; and the name of a bin: PREFIX-HEX, padded to the width of
// the last one (dtuf:S21). Malloced.
uint32_t names_bin(const char path_hash[static NAMES_HASH_MAX], int bits);
char *names_bin_role(const char *prefix, int bits, uint32_t bin);

#endif
