// The keys and thresholds that a root gives its roles, as options say them: `ROLE=FILE`, `ROLE=KEYID`, `ROLE=N`.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_ROLEKEYS_H
#define TUF_ROLEKEYS_H

#include "base/sandbox.h"
#include "tuf/role.h"

void rolekeys_allow(const struct texts *settings, struct sandbox *s); // the files that they name may be read

// Each changes a root's body. STATUS_USAGE for a setting of another form or an unknown role, else what reading a key gives.
int rolekeys_add(struct role *root, const char *setting, struct err *e);
int rolekeys_drop(struct role *root, const char *setting, struct err *e); // STATUS_NOT_FOUND when the role does not list the key
int rolekeys_threshold(struct role *root, const char *setting, struct err *e);

// Forgets the keys that no role lists. STATUS_REFUSED when a threshold is above the number of keys there are for it.
int rolekeys_finish(struct role *root, struct err *e);

// The part behind `=` of a setting; *role is malloced and one of the four.
const char *rolekeys_split(const char *setting, char **role, struct err *e);

// Puts a public key's object into `keys` and its id into `ids`, unless they are there.
int rolekeys_put(json_t *keys, json_t *ids, const char *path, struct err *e);

#endif
