// Everything that a client could hold against a repository, found before one does (dtuf:R20): all roles and delegations of a tree with
// metadata/ and targets/, as a client with no state sees it, and as one at an older state does.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_LINT_H
#define TUF_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sandbox.h"
#include "base/texts.h"

struct lint {                          // free with lint_free
	struct texts errors, warnings; // one line each, without a newline; they may quote hostile bytes
	int64_t now;                   // the time by which expiry is judged
	int64_t first_root;            // version of the first root that clients were given; 0: 1
	bool data;                     // also hash the data of the targets, not only look for it
};

// Opens what lint_tree will read: the tree, and `from`, a client's directory, an older tree, or NULL. Call it before sandbox_enter.
struct lint_place;
struct lint_place *lint_open(const char *tree, const char *from, struct sandbox *s, struct err *e);
void lint_close(struct lint_place *p); // NULL is fine

// Adds what it finds. -1 only where the judging itself failed; what is wrong with the repository is a finding, not a failure.
int lint_tree(const struct lint_place *p, struct lint *l, struct err *e);
void lint_free(struct lint *l);

#endif
