// One metadata file: what its role is, its version and expiry, whether it has the form that role demands (sections 4.3 to 4.6 of the
// specification). Targets themselves stay text, so that a file of 100,000 of them builds no tree.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_ROLE_H
#define TUF_ROLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tuf/keys.h"

enum role_type { ROLE_ROOT, ROLE_TIMESTAMP, ROLE_SNAPSHOT, ROLE_TARGETS };
enum { ROLE_TYPES = 4 };

// What a client reads of a file whose length nobody signed (dtuf:S1), and the highest version, threshold or length there is.
#define ROLE_ROOT_BYTES_MAX      512000
#define ROLE_TIMESTAMP_BYTES_MAX 16384
#define ROLE_SNAPSHOT_BYTES_MAX  2000000
#define ROLE_TARGETS_BYTES_MAX   5000000
#define ROLE_OWN_BYTES_MAX       ((size_t)1 << 30) // of a file of one's own, which a publisher changes

const char *role_type_name(enum role_type type); // what `_type` says: `root` ...
bool role_type_find(const char *name, enum role_type *type);
size_t role_bytes_max(enum role_type type);

struct role { // free with role_free
	enum role_type type;
	int64_t version;    // at least 1
	int64_t expires;    // seconds since 1970; a fraction is dropped
	json_t *outer;      // the members beside `signed`: `signatures` and what nobody knows
	json_t *body;       // `signed`; in a targets role its `targets` is empty here
	struct buf targets; // of a targets role: the object `targets` in CANON_FILE form
};

// Takes a metadata file apart and checks its form. `subject` names it in messages. STATUS_MALFORMED, STATUS_LIMIT as canon_text;
// STATUS_REFUSED for a spec_version other than 1.x and for delegations that dtuf:S18 refuses.
int role_parse(const char *text, size_t length, const char *subject, struct role *r, struct err *e);

// The same from a file ("-" is stdin) of at most limit bytes.
int role_read(const char *path, size_t limit, struct role *r, struct err *e);
void role_free(struct role *r);
#define role_auto __attribute__((cleanup(role_free))) struct role

// Whether it is of this type, else STATUS_MALFORMED; path names the file.
int role_expect(const struct role *r, enum role_type type, const char *path, struct err *e);

// Checks `_type`, spec_version, version, expires of a body, and the members its type must have; of `targets` only that it is an object.
// For readers that come by a body in another way than role_parse.
int role_check_body(const json_t *body, enum role_type *type, int64_t *version, int64_t *expires, struct err *e);

// `"NAME":{"length":..,"hashes":{..},"custom":{..}}` of a target: the part behind the colon. length and hashes must be there.
int role_check_target(const json_t *target, struct err *e);

// What a target says of how many blobs it is made of, borrowed: an integer where it is a manifest of several (dtuf:B3).
const json_t *role_target_blobs(const json_t *target);

bool role_is_consistent(const json_t *root); // whether a root's body wants consistent snapshots (dtuf:R9)

json_t *role_signatures(const struct role *r); // borrowed, an array

// The bytes that signatures are over, appended; and the whole file in canonical order with its newline (dtuf:R22), appended.
void role_payload(const struct role *r, struct buf *out);
void role_text(const struct role *r, struct buf *out);

// The keys of a role that this root, or this targets role, delegates to. Every delegation to `name`; with succinct bins, if it is one of
// them. STATUS_NOT_FOUND when there is none.
int role_keys(const struct role *delegator, const char *name, struct keys_set *set, struct err *e);

// Whether an expiry is over at this time (dtuf:S2).
bool role_expired(int64_t expires, int64_t now);

#endif
