// Keeping our own program out of the reach of what it starts (rkt:X-01): an app can get at the file of a process of ours through
// /proc/self/exe, by naming that as its program or as the interpreter of a script, or through /proc/PID/exe with the capability to
// trace others, and then write to it.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_SEAL_H
#define POD_SEAL_H

#include <stdbool.h>

#include "base/err.h"
#include "pod/plan.h"

// Whether some app of the plan could come that far: unless this program runs from a sealed copy already, or the caller could not
// write to its file from inside a pod anyway. An app cannot that has the default capabilities at most, and whose only program is a
// native one in its own tree, where nothing is mounted and nobody else runs: no script, hence no interpreter, and no magic link.
// Sets `guarded` of the apps where this was what decided: then seal_allows() must agree to each program. pod: the pod's directory.
bool seal_is_due(struct plan *plan, int pod);

// Starts this program again, with these arguments, from a sealed copy in memory. Returns only on failure, -1.
int seal_restart(char *const *argv, struct err *e);

// In a guarded pod, inside the app's root: whether `path` is what it was in the tree that seal_is_due() saw, and no file of a
// file system that was mounted since. False with errno set.
bool seal_allows(const char *path);

#endif
