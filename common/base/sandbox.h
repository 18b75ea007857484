// A process takes from itself what its job does not need: Landlock for paths, seccomp for system calls, no new privileges.
// The filters are compiled at build time by sandbox-gen.c (libseccomp), so that entering costs a few microseconds.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/texts.h"

struct sandbox {
	struct texts reads;    // paths below which files may be opened for reading; one that does not exist is skipped
	struct texts writes;   // below which anything may be done but executing; one that does not exist is skipped
	struct texts executes; // below which programs may be executed, too, and read
	bool network;          // may open sockets and connect; also adds the read paths that name resolution and TLS need
	bool spawn; // may fork and execute; adds /usr, /lib, /bin and /sbin to the paths to execute, and /etc to those to read
	bool fork;  // may make processes of its own that run no other program: sandbox_child works in it
};

// From here on, for this process and all it starts, nothing outside `s` can be opened. Descriptors already open stay usable.
// Degrades with the kernel: without Landlock the paths are not enforced, without seccomp the calls are not. Frees s's lists.
// In a build with AddressSanitizer it does nothing, since the leak checker needs ptrace.
int sandbox_enter(struct sandbox *s, struct err *e);

// Runs `work` in a forked child that has memory, the descriptors open now, and nothing else: no path, socket or process.
// What work writes to `out_fd` lands in output, at most limit bytes. A failure of work (it fills its err and returns -1)
// becomes the failure of this call; a child that dies is STATUS_MALFORMED, since only hostile input makes it die.
// Call it while the process has one thread.
int sandbox_child(int (*work)(void *context, int out_fd, struct err *e), void *context, size_t limit, struct buf *output,
	struct err *e);

// The two halves of that, for who feeds the child while it works. finish must follow start, also one that failed.
struct sandbox_child {
	pid_t pid;
	int out, report;
};
int sandbox_child_start(struct sandbox_child *c, int (*work)(void *context, int out_fd, struct err *e), void *context,
	struct err *e);
int sandbox_child_finish(struct sandbox_child *c, size_t limit, struct buf *output, struct err *e);

#endif
