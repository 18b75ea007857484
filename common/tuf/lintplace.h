// Where tuf/lint works: the tree, the older state, and directories in which the client runs on them. Not for others than lint.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_LINTPLACE_H
#define TUF_LINTPLACE_H

#include "tuf/client.h"
#include "tuf/lint.h"

struct remote *lintplace_tree(const struct lint_place *p);

// Runs a client with no state on the tree, and one at the older state; what they refuse is a finding, unless it was found before.
int lintplace_run(const struct lint_place *p, struct lint *l, struct err *e);

#endif
