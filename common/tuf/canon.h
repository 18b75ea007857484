// Canonical JSON as TUF signs it (OLPC rules, section 4.2 of the specification): members sorted by code point, no blanks, integers only,
// strings escape `"` and `\` alone. The only writer of it in the kit. It goes from text to text and builds no tree, so that metadata of
// 100,000 targets costs its own size; what it takes is strict JSON without duplicate members.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_CANON_H
#define TUF_CANON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum canon_form {
	CANON_SIGNED, // what signatures are over: control characters stand in strings as they are, so it need not be JSON
	CANON_FILE,   // the same, but control characters are escaped: what is written to files
};

// Appends the canonical form of the one value in text, blanks around it allowed. STATUS_MALFORMED as `subject: line:column: why`
// for broken JSON, duplicate members, bytes that are not UTF-8, lone surrogates, NUL, fractions, exponents, integers outside int64;
// STATUS_LIMIT when nested deeper than JSONIO_DEPTH_MAX. On an error, out is as before.
int canon_text(const char *text, size_t length, enum canon_form form, const char *subject, struct buf *out, struct err *e);

// The same for a tree; STATUS_MALFORMED for a real number in it.
int canon_value(const json_t *value, enum canon_form form, struct buf *out, struct err *e);

// What canon_text wrote as CANON_FILE, a whole or whole tokens of it, appended as it writes CANON_SIGNED.
void canon_to_signed(const char *text, size_t length, struct buf *out);

struct canon_span { // part of a text, borrowed
	const char *text;
	size_t length;
};

// A place between the members of an object that canon_text wrote in CANON_FILE form. `text` at the start is the object's.
struct canon_walk {
	const char *at, *end;
};
struct canon_walk canon_walk_start(const char *object, size_t length);

// The next member: its key with the quotes, and its value. False at the end. Only for what canon_text wrote: nothing is checked again.
bool canon_walk_next(struct canon_walk *w, struct canon_span *key, struct canon_span *value);

// The value of a member by its key (of letters and such, nothing that is escaped). False when there is none.
bool canon_member(const char *object, size_t length, const char *key, struct canon_span *value);

// Appends what canon_text wrote in CANON_FILE form, indented by two blanks a level, a member or element a line.
void canon_indent(const char *text, size_t length, struct buf *out);

// Orders two strings in CANON_FILE form, quotes included, by code point: as members are sorted. Below, at or above 0.
int canon_compare(const struct canon_span *a, const struct canon_span *b);

// What a string in CANON_FILE form, quotes included, stands for; malloced, no NUL inside.
char *canon_unquote(const struct canon_span *quoted);

// The other way, appended: UTF-8 text as a string in CANON_FILE form with its quotes.
void canon_quote(const char *text, struct buf *out);

#endif
