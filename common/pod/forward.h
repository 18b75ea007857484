// The signals by which a program is told to end, passed on to the one process that it watches.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_FORWARD_H
#define POD_FORWARD_H

#include <sys/types.h>

// From now on the first SIGTERM, SIGINT or SIGHUP, unless it is ignored, becomes a SIGTERM for this process; ten seconds later SIGKILL
// follows, and where we still are a second after that, since a write blocks, we end with 128+n. It takes alarm(2) for itself. Call it
// with these signals blocked, once.
void forward_signals(pid_t to);

int forward_told(void);    // the signal that came, or 0
void forward_finish(void); // the process is gone: nothing follows any more

#endif
