// Other programs, run without a shell: argv as given, descriptors as given and no others, a wait that is never forgotten.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct proc {
	const char *const *argv;        // argv[0] is looked up in PATH unless it has a slash
	const char *const *environment; // NULL for the caller's
	int in, out, err;               // what becomes 0, 1 and 2; -1 for /dev/null
	const int *keep; // further descriptors the program shall have under their own numbers, ended by -1; may be NULL
};

// Starts it. Every other descriptor is closed in it. Returns its pid, or -1: STATUS_NOT_FOUND when there is no such program.
pid_t proc_start(const struct proc *p, struct err *e);

// Waits. Returns its exit status, 128+n for a signal, or -1.
int proc_wait(pid_t pid, struct err *e);

// Starts it with `input` (may be empty) on stdin, collects at most limit bytes of its stdout, waits.
// p->in and p->out are ignored. Returns its exit status as proc_wait, or -1; more output is STATUS_LIMIT.
int proc_run(const struct proc *p, const void *input, size_t length, size_t limit, struct buf *output, struct err *e);

// How many processors this process may use, 1 to `most`.
int proc_processors(int most);

#endif
