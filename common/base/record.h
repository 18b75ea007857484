// Records on stdin and stdout: one JSON object per line, as DESIGN section 1 (the law of the pipe) and tackle-records(5) say.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/jsonio.h"

// Reads records from a descriptor until its end.
struct record_reader {
	int fd;
	const char *subject; // names it in messages; NULL is stdin
	const char *kinds;   // the kinds accepted, separated by blanks; NULL accepts any
	struct buf unread;   // zero at the start
	size_t at;           // where the next line starts in unread
	size_t count;        // records read so far
	size_t line;         // lines read so far, for messages
	json_int_t of;       // what the first record said of their number, 0 when it said nothing
	bool ended;
};

// The next record, a new reference; NULL with e->status 0 at the end of the stream, NULL with an error else:
// STATUS_MALFORMED for a line that is no record of an accepted kind, has no newline at its end, or when `of` records were
// announced and another number came; the status of an error record met, which e->upstream then keeps to be passed on.
// An empty stream is an error only of record_read: a reader of many counts for itself.
json_t *record_next(struct record_reader *r, struct err *e);
void record_reader_free(struct record_reader *r);

// Exactly one record from stdin, a new reference. Nothing at all is STATUS_MALFORMED, a second one too.
json_t *record_read(const char *kinds, struct err *e);
json_t *record_read_from(int fd, const char *subject, const char *kinds, struct err *e); // the same from there

// All records from stdin as an array, at least one; a new reference.
json_t *record_read_all(const char *kinds, struct err *e);

// Puts one record in stdout's buffer; cmd_finish writes it out. Compact, sorted keys, newline.
void record_write(const json_t *record);

// Writes every record of an array; with more than one each is stamped `part` (from 1) and `of`.
void record_write_all(json_t *records);

// The record of a failure, as a malloced line without newline; program and message as they would stand on stderr.
char *record_error_text(enum status status, const char *program, const char *message);

#endif
