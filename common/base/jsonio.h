// JSON in and out, strictly: RFC 8259, no duplicate keys, no invalid UTF-8, nothing behind the value, bounded depth and size.
// The tree is Jansson's; errors say where (line:column or a field's path) and never quote the text.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_JSONIO_H
#define BASE_JSONIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define JSONIO_BYTES_MAX ((size_t)16 << 20) // default cap on one document
#define JSONIO_DEPTH_MAX 64

// `jsonio_auto json_t *x = NULL;` drops its reference when the scope ends.
void jsonio_drop_indirect(json_t **value);
#define jsonio_auto __attribute__((cleanup(jsonio_drop_indirect)))

// Parses exactly one value, blanks around it allowed. STATUS_MALFORMED with `subject: line:column: why`.
// Returns a new reference or NULL.
json_t *jsonio_parse(const char *text, size_t length, const char *subject, struct err *e);

// Reads a file ("-" is stdin) of at most JSONIO_BYTES_MAX and parses it. Returns a new reference or NULL.
json_t *jsonio_read_file(const char *path, struct err *e);

// Compact, UTF-8, keys sorted, no newline. Malloced, never NULL.
char *jsonio_text(const json_t *value);

// Members of an object. A missing or null member gives NULL or the fallback and leaves e alone;
// one of another type gives NULL or -1 and STATUS_MALFORMED with the key in the message. Strings and trees are borrowed.
const char *jsonio_get_text(const json_t *object, const char *key, struct err *e);
json_t *jsonio_get_object(const json_t *object, const char *key, struct err *e);
json_t *jsonio_get_array(const json_t *object, const char *key, struct err *e);
int jsonio_get_size(const json_t *object, const char *key, int64_t fallback, int64_t *out, struct err *e); // 0..2^63-1
int jsonio_get_bool(const json_t *object, const char *key, bool fallback, bool *out, struct err *e);

// For what was checked before, or may be anything: NULL too where it is of another type.
const char *jsonio_find_text(const json_t *object, const char *key);

// As jsonio_get_text, but a missing member is STATUS_MALFORMED too.
const char *jsonio_need_text(const json_t *object, const char *key, struct err *e);

#endif
