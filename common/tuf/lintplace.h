// What the parts of tuf/lint share: the tree, the older state, and the findings. Not for others than lint.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_LINTPLACE_H
#define TUF_LINTPLACE_H

#include "tuf/client.h"
#include "tuf/lint.h"

struct linter {
	struct lint *l;
	struct remote *tree;
	struct received root, timestamp, snapshot;
	json_t *seen;    // names of roles that were checked, and each way to them
	json_t *reached; // names of roles
};

void lint_add(struct texts *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A check that failed is a finding, and is forgotten. Whether it was good.
bool lint_good(struct linter *x, int result, struct err *e);

bool lint_consistent(const struct linter *x); // whether the tree has consistent snapshots

// Every target of a role: its form, whether its delegation covers it, and its data.
void lint_targets(struct linter *x, const struct received *r, const struct received *delegator);

struct remote *lintplace_tree(const struct lint_place *p);

// Runs a client with no state on the tree, and one at the older state; what they refuse is a finding, unless it was found before.
int lintplace_run(const struct lint_place *p, struct lint *l, struct err *e);

#endif
