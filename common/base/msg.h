// Messages to people, on stderr only: `program: subject: what: why`, one line, one write(2), hostile bytes escaped.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include "base/buf.h"

// cmd_start sets these from the command line; a unit test may set them itself.
extern const char *msg_program; // the name every line starts with
extern int msg_verbosity;       // -1 after -q, 0, then one more for each -v

void msg_error(const char *format, ...) __attribute__((format(printf, 1, 2)));   // always shown
void msg_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));    // `program: hint: ...`, always shown
void msg_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));    // `program: warning: ...`, always shown
void msg_info(const char *format, ...) __attribute__((format(printf, 1, 2)));    // not with -q
void msg_verbose(const char *format, ...) __attribute__((format(printf, 1, 2))); // with -v

// Appends text as it may be shown to a person: control characters, bytes that are not UTF-8, and the characters that
// reorder a line (bidirectional controls) become \xNN; newline and tab become \n and \t.
void msg_escape(struct buf *out, const char *text, size_t length);

#endif
