// SIGINT, SIGTERM and SIGHUP for programs that leave something outside the process while they work: they go on to their next
// check, clean up, and then die by the signal.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <stdbool.h>

#include "base/err.h"

void interrupt_watch(void); // from now on; a signal that was ignored stays ignored. Other threads should block them

// 0, or -1 with e's status 128 plus the signal once one came.
int interrupt_check(struct err *e);

// Ends the watch; if a signal came, the process dies by it here, so clean up first.
void interrupt_end(void);

#endif
