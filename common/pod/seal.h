// Keeping our own program out of the reach of what it starts (rkt:X-01): an app can get at the file of a process of ours through
// /proc/self/exe, at the latest by naming that as its program or as the interpreter of a script, and then write to it.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_SEAL_H
#define POD_SEAL_H

#include "base/err.h"

// Starts this program again, with the same arguments, from a sealed copy in memory, unless it runs from one or the caller could not
// write to its file from inside a pod anyway. To be called before anything was read or opened. Returns 0, or -1 on failure.
int seal_self(char **argv, struct err *e);

#endif
