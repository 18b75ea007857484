// Holding JSON documents to tables of fields. Nothing stops at the first fault: every finding is kept with
// the path of its field, as in `manifest: app.ports[1].port: not from 1 to 65535`. Field names and values are
// hostile; they are quoted short, never in whole.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_SCHEMA_H
#define IMAGE_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define FINDINGS_MAX 100 // errors, and as many warnings: enough for a person; one more says that there are others

struct finding {
	enum status status; // STATUS_OK for a warning
	char *text;
};

struct findings { // zero at the start
	struct finding *items;
	size_t count, room;
	size_t errors, warnings; // counted apart, so that no flood of warnings hides an error
};

void findings_add(struct findings *f, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int findings_error(const struct findings *f,
	struct err *e); // the first that is no warning: 0 when there is none, else -1
void findings_free(struct findings *f);

struct schema {
	const char *subject; // what the document is called in findings
	struct buf path;     // of the value being looked at
	struct findings *findings;
};

typedef void schema_check(struct schema *s, const json_t *value);

struct schema_field {
	const char *name; // NULL ends a table
	bool required;
	schema_check *check; // never sees NULL or null
};

void schema_tell(struct schema *s, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void schema_bad(struct schema *s, const char *why); // STATUS_MALFORMED

// An object with these fields; one the table does not know is a warning. A null is the same as none.
void schema_object(struct schema *s, const json_t *value, const struct schema_field *fields);
void schema_list(struct schema *s, const json_t *value, schema_check *element); // an array
void schema_unique(struct schema *s, const json_t *list, const char *key);      // no two objects with the same text in key

const char *schema_text(struct schema *s, const json_t *value); // NULL, and told, when it is no string
bool schema_integer(struct schema *s, const json_t *value, json_int_t least, json_int_t most);

// Checks for tables.
schema_check schema_any, schema_string, schema_filled_string, schema_flag;
schema_check schema_identifier, schema_name; // AC Identifier, AC Name
schema_check schema_absolute_path;

#endif
