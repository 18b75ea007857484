// Metadata files while a publisher changes them. A change takes all signatures away and makes a draft of the version after the one that was
// published; changed again, a draft keeps its version. Files lie beside each other as F(ROLE).json; what was published stays there as
// V.F(ROLE).json (section 6.2 of the specification, consistent snapshots).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_DRAFT_H
#define TUF_DRAFT_H

#include "base/cmd.h"
#include "base/sandbox.h"
#include "tuf/role.h"

// For the option tables: --key --passphrase-file --passphrase-fd, private keys to sign with what is written; --indent; and all of these with
// --expires.
extern const struct cmd_option draft_key_options[], draft_form_options[], draft_options[];

// Allows the directory of each file (NULL-terminated; "-" is passed over), guards secrets, enters the sandbox, reads the keys, judges
// --expires. s may hold more. draft_end frees the keys.
int draft_start(struct sandbox *s, const char *const *files, struct err *e);
void draft_end(void);
bool draft_has_keys(void);

// A file of one's own; NULL or "-" is stdin.
int draft_read(const char *path, struct role *r, struct err *e);

char *draft_beside(const char *path, const char *file); // malloced: `file` in the directory of path

// The role that a file's name says, of F(ROLE).json or V.F(ROLE).json; malloced. STATUS_USAGE for another name, and for stdin.
char *draft_role(const char *path, struct err *e);

// Makes a draft of it: the version after the published one, no signatures. Published is what the signed snapshot beside path lists (for a
// snapshot the signed timestamp, for a root N.root.json); where there is none, what is signed. path NULL: by that alone.
int draft_change(struct role *r, const char *path, const char *role, struct err *e);

// Sets `expires`: --expires, else this many seconds from now on.
void draft_expire(struct role *r, int64_t lifetime);
void draft_set_expiry(struct role *r, int64_t expires); // seconds since 1970
int64_t draft_lifetime(enum role_type type);            // the default of a role

// Who must sign the role whose file lies at path: by `by`, a file, else by root.json or targets.json beside it. A root is its own.
int draft_keys(const struct role *r, const char *path, const char *role, const char *by, struct keys_set *set, struct err *e);

// Adds a signature by each key of --key that the set lists, replacing an older one of the same id.
int draft_sign(struct role *r, const struct keys_set *set, struct err *e);
int draft_all_used(struct err *e); // STATUS_REFUSED naming a key that has signed nothing because nothing lists it

// Puts one signature in, replacing one of the same id.
void draft_put_signature(struct role *r, const char *id, const char *hex);

// Writes it to path, whole or not at all; NULL or "-": to stdout's buffer. A root that meets its threshold and that of the root before it
// (beside path) is written as N.root.json, too.
int draft_write(const struct role *r, const char *path, struct err *e);

// The same for one of very many files: it is not on the disk for certain before draft_sync, with any of their paths, came back. Only a
// machine that stops in between can tell.
int draft_write_unsynced(const struct role *r, const char *path, struct err *e);
int draft_sync(const char *path, struct err *e);

// draft_keys and draft_sign where --key was given, then draft_write: the end of every program that changes one file.
int draft_finish(struct role *r, const char *path, const char *role, const char *by, struct err *e);

#endif
