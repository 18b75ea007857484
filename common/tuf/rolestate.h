// How a metadata file stands: who has signed it, who is missing, when it expires; as a role record (tackle-records(5)).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_ROLESTATE_H
#define TUF_ROLESTATE_H

#include "tuf/received.h"

// {"kind":"role", "role", "version", "expires", "left": seconds, negative when over, "signed": different keys with a good signature,
// "threshold", "keys": how many may sign, "missing": their keyids that have not signed while the threshold is not met}; a new reference.
// NULL where the delegator does not delegate to the role, or the signatures have no form.
json_t *rolestate_record(const struct received *r, const struct received *delegator, int64_t now, struct err *e);

#endif
