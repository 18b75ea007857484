// How a fallible function says why: it fills a `struct err` and returns -1. Nothing in it prints or exits.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/status.h"

#define ERR_TEXT_MAX 1024

// The caller owns it, usually as a zeroed local of main, and passes it down. Texts follow the house form
// `subject: what went wrong: why`; they may quote hostile bytes, which msg.c escapes when it prints.
struct err {
	enum status status;      // STATUS_OK until something fails
	char text[ERR_TEXT_MAX]; // cut, never overrun
	char hint[ERR_TEXT_MAX]; // a known cure, or empty
	char *upstream;          // the error record an earlier stage wrote: pass it on, say nothing. Malloced.
};

// Sets status and text. Always returns -1, so that `return err_set(...)` reads as one act.
int err_set(struct err *e, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

// As err_set with STATUS_SYSTEM and `: strerror(errno)` appended; errno is read first.
int err_system(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// For a failed open of something the user named: STATUS_NOT_FOUND for ENOENT and ENOTDIR, else STATUS_SYSTEM.
int err_open(struct err *e, const char *path);

// Adds the cure. Returns -1.
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts `context: ` before the text that is there. Returns -1.
int err_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#if defined __clang_analyzer__ && !defined ERR_DEFINES_THEM // it sees one file at a time, and is told what they return
#define err_set(...)     ((void)err_set(__VA_ARGS__), -1)
#define err_system(...)  ((void)err_system(__VA_ARGS__), -1)
#define err_open(...)    ((void)err_open(__VA_ARGS__), -1)
#define err_hint(...)    ((void)err_hint(__VA_ARGS__), -1)
#define err_context(...) ((void)err_context(__VA_ARGS__), -1)
#endif

#endif
