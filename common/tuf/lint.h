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
#include "tuf/remote.h"

struct lint {                          // free with lint_free
	struct texts errors, warnings; // one line each, without a newline; they may quote hostile bytes
	int64_t now;                   // the time by which expiry is judged
	int64_t first_root;            // version of the first root that clients were given; 0: 1
	enum lint_data { LINT_DATA_THERE, LINT_DATA_HASHED, LINT_DATA_UNSEEN } data; // what is looked for of the targets
	bool only_new;                                                               // leave the client at the older state out
	int64_t newest_root;                                                         // out: its version, 0 when there is none
};

// Opens the older state, `from`: an older tree, a client's directory, or a place as remote_open_at has it; NULL for none. The tree, as
// remote_open_at opened it, is taken over, also on failure; NULL fails. Call it before sandbox_enter.
struct lint_place;
struct lint_place *lint_open(struct remote *tree, const char *from, struct sandbox *s, struct err *e);
void lint_close(struct lint_place *p); // NULL is fine

// Adds what it finds. -1 only where the judging itself failed; what is wrong with the repository is a finding, not a failure.
int lint_tree(const struct lint_place *p, struct lint *l, struct err *e);
void lint_free(struct lint *l);

// Says every error; 0, or STATUS_REFUSED when there are any.
int lint_judge(const struct lint *l, const char *tree, struct err *e);

#endif
