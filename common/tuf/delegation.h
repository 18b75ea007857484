// The delegations of a targets role: roles by path patterns or hash prefixes, or succinct bins (section 4.5 of the specification).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_DELEGATION_H
#define TUF_DELEGATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "tuf/names.h"

// Whether a member `delegations` has its form. STATUS_MALFORMED; STATUS_REFUSED for what dtuf:S18 forbids: a delegation to a
// top-level role or to an empty name, a name twice, paths with path_hash_prefixes, roles with succinct_roles.
int delegation_check(const json_t *delegations, struct err *e);

// The entry that delegates to this role, or `succinct_roles` if it is one of its bins; borrowed, NULL when there is none.
const json_t *delegation_find(const json_t *delegations, const char *role);

// Whether these delegations are succinct bins: then their prefix (borrowed) and bits, either of which may be NULL.
bool delegation_bins(const json_t *delegations, const char **prefix, int *bits);

// The name of the bin that takes paths of this names_path_hash; malloced, NULL where there are no succinct bins.
char *delegation_bin(const json_t *delegations, const char hash[static NAMES_HASH_MAX]);

// Whether a delegated role (an entry of `roles`) may speak for a target; hash is names_path_hash of path.
bool delegation_covers(const json_t *role, const char *path, const char hash[static NAMES_HASH_MAX]);

#endif
