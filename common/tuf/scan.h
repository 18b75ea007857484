// TUF metadata read from its bytes as they were received, without a tree and without a copy: a document of 100,000 targets is checked
// and searched in the memory it already takes. It accepts exactly what tuf/canon accepts (dtuf:K7), and tells whether the bytes are
// canonical already, so that canon is needed only when they are not.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_SCAN_H
#define TUF_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// One value as it stands in the text, a string with its quotes. Borrowed; at is NULL for none.
struct scan_part {
	const char *at;
	size_t length;
};

// Checks one JSON value with blanks around it: RFC 8259, no duplicate members, valid UTF-8, no NUL, no fraction or exponent, 64-bit
// integers, at most JSONIO_DEPTH_MAX levels. STATUS_MALFORMED or STATUS_LIMIT with `subject: line:column: why`; returns 0 or -1.
// `canonical` (may be NULL) tells whether the value's own bytes are its canonical form. All functions below take parts of a value
// that passed here, and nothing else.
int scan_value(const char *text, size_t length, const char *subject, struct scan_part *part, bool *canonical, struct err *e);

// One metadata file: an object with `signatures`, an array, and `signed`, an object.
struct scan_metadata {
	struct scan_part signatures, signed_part;
	struct scan_part targets; // of signed_part, or none
	bool canonical;           // signed_part's bytes are what was signed
};
int scan_metadata(const char *text, size_t length, const char *subject, struct scan_metadata *m, struct err *e);

char scan_kind(struct scan_part part); // its first byte: { [ " t f n, or 0 for an integer and N for none

// The members of an object or the items of an array, in the order of the text. `key` is not set for an array.
//	struct scan_cursor c = scan_open(object);
//	while (scan_next(&c, &key, &value))
struct scan_cursor {
	const char *at, *end;
	bool object;
};
struct scan_cursor scan_open(struct scan_part part); // of anything else: no items
bool scan_next(struct scan_cursor *c, struct scan_part *key, struct scan_part *value);

// A member of an object; no part when value is none or no object.
struct scan_part scan_member(struct scan_part object, const char *key);
struct scan_part scan_member_n(struct scan_part object, const char *name, size_t length);

bool scan_text_is(struct scan_part part, const char *text, size_t length);
char *scan_text(struct scan_part part); // decoded and malloced; NULL when it is no string
bool scan_integer(struct scan_part part, int64_t *number);
bool scan_boolean(struct scan_part part, bool *truth);

#endif
