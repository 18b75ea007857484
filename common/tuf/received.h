// One metadata file as it was received: checked as a client checks it, from the bytes, which are kept and never written anew.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_RECEIVED_H
#define TUF_RECEIVED_H

#include "tuf/role.h"
#include "tuf/scan.h"

struct received { // zero: none; free with received_free
	char *role;
	struct buf bytes;
	struct scan_metadata parts; // in bytes
	enum role_type type;
	int64_t version, expires;
	json_t *body;             // `signed`; in a targets role its `targets` is empty here
	struct scan_part targets; // of a targets role
};

// Takes the bytes over, whatever comes of it, and checks form and `_type`: that of the top-level role of this name, else targets (dtuf:A8).
// STATUS_MALFORMED, STATUS_LIMIT, STATUS_REFUSED, as role.h has them.
int received_parse(struct received *r, const char *role, struct buf *bytes, struct err *e);
void received_free(struct received *r);
#define received_auto __attribute__((cleanup(received_free))) struct received

// Puts `from` in the place of `to`, which is freed; from is none afterwards.
void received_move(struct received *to, struct received *from);

// Who may sign `role` by the word of this root or targets role; as role_keys.
int received_keys(const struct received *delegator, const char *role, struct keys_set *set, struct err *e);

// A threshold of these keys signed it: 0, else STATUS_REFUSED.
int received_check_signatures(const struct received *r, const struct keys_set *keys, struct err *e);

// The same with the keys its delegator names.
int received_check(const struct received *r, const struct received *delegator, struct err *e);

bool received_is_signed_by(const struct received *r, const struct keys_entry *key); // by this one, whoever else did

int received_check_version(const struct received *r, int64_t expected, struct err *e); // STATUS_REFUSED for another one
int received_check_expiry(const struct received *r, int64_t now, struct err *e); // STATUS_REFUSED naming the role (dtuf:D39)

// What a timestamp or a snapshot lists of a role: version, and -1 and NULL for a length or hashes that it does not state. False when
// it does not list it.
struct received_entry {
	int64_t version, length;
	const json_t *hashes; // borrowed
};
bool received_entry(const struct received *r, const char *role, struct received_entry *entry);

// Whether these bytes have the hashes: every known one (sha256, sha512), and one of them at least (dtuf:S24). STATUS_REFUSED.
int received_check_hashes(const json_t *hashes, const void *data, size_t length, const char *subject, struct err *e);

// A target of this role as its metadata has it; a new reference, NULL when it has none or, with e filled, a malformed one.
json_t *received_target(const struct received *r, const char *path, struct err *e);

#endif
