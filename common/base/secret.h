// Secrets in memory: no core file, no tracer, wiped after use; and asking for one on the terminal.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"
#include "base/err.h"

// Call it before the first secret is read: core files of size 0, not dumpable (so not traceable by the same user either).
void secret_guard(void);

void secret_wipe(struct buf *b); // overwrites the bytes, then frees; also the cleanup of secret_auto
#define secret_auto __attribute__((cleanup(secret_wipe))) struct buf

// Opens the terminal, if there is one, while the process still may: in a sandbox secret_ask finds it open.
void secret_open_terminal(void);

// Reads one line from /dev/tty without echo after showing `prompt` there; the newline is dropped. Without a terminal:
// STATUS_USAGE with a hint, so that it never waits where nobody can answer. Echo is restored on every way out, a signal included.
int secret_ask(const char *prompt, struct buf *out, struct err *e);

// Reads the first line of a secret file (io_read_secret) or of a descriptor; the newline is dropped. An empty one is refused.
int secret_from_file(const char *path, struct buf *out, struct err *e);
int secret_from_descriptor(int fd, struct buf *out, struct err *e);

// The first two lines; either may be empty or missing.
int secret_lines_from_file(const char *path, struct buf *first, struct buf *second, struct err *e);
int secret_lines_from_descriptor(int fd, struct buf *first, struct buf *second, struct err *e);

#endif
